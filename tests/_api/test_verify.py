"""The proof is a real one: processes are killed, and a difference would be seen."""

import pytest

import thalweg as tw
from thalweg._api import _verify
from thalweg.errors import SettingError


@pytest.mark.slow
def test_a_run_killed_and_resumed_ends_in_the_same_bits():
    data = tw.load("digits")
    # So many steps that training goes on when the kill comes.
    settings = {"epochs": 2, "batch_size": 4, "progress": False}
    tw.fit(tw.build("mlp", data, dropout=0.2), data, out="run", **settings)
    said: list[str] = []
    result = tw.verify("run", kills=2, say=said.append)
    assert result.equal
    assert result.kills
    assert len(said) == 1 + len(result.kills)
    assert all(0 < step <= result.steps for step in result.kills)


def test_a_difference_in_one_bit_would_be_seen(monkeypatch):
    tw.fit("linear", "iris", epochs=1, out="run", progress=False)

    def altered(folder, sections, kills, say):
        from thalweg._api import train_from

        run = train_from(sections, out=folder / "disturbed", progress=False)
        path = run.folder / "model.safetensors"
        content = bytearray(path.read_bytes())
        content[-1] ^= 1
        path.write_bytes(content)
        return [1]

    monkeypatch.setattr(_verify, "_disturb", altered)
    result = tw.verify("run")
    assert not result.weights_equal
    assert not result.equal


def test_data_handed_over_in_python_cannot_be_verified(three_classes):
    run = tw.fit("mlp", three_classes, epochs=1, out="run", progress=False)
    with pytest.raises(SettingError, match="handed over in Python"):
        tw.verify(run)
