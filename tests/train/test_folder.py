"""Each file of a run is whole, or named when it is not."""

import json

import pytest

import thalweg as tw
from thalweg.errors import RunError, WeightsError

FILES = ("schema.json", "choices.json", "status.json")


@pytest.fixture
def folder(three_classes, tmp_path):
    tw.fit("mlp", three_classes, epochs=1, out="run", progress=False)
    return tmp_path / "run"


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("content", [b"", b"{", b"[1]", b"\xff\xfe", b'{"a": 1}', b"null"])
def test_a_damaged_file_is_named(folder, name, content):
    (folder / name).write_bytes(content)
    with pytest.raises(RunError, match=name) as error:
        tw.Run.load(folder)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("name", ["schema.json", "record.json"])
def test_no_flipped_bit_of_what_decides_an_answer_is_ever_believed(folder, name):
    path = folder / name
    content = path.read_bytes()
    # A digit with another of its bits is another digit: nearly always the file stays sound JSON.
    digits = [place for place, byte in enumerate(content) if byte in b"0123456789"]
    for place in digits[:: 1 + len(digits) // 40]:
        damaged = bytearray(content)
        damaged[place] ^= 1
        path.write_bytes(damaged)
        if parsed(damaged) == json.loads(content):
            continue  # The last digit of a number that is rounded to the same one.
        with pytest.raises(RunError, match=rf"{name} is damaged \("):
            tw.Run.load(folder)


def parsed(content):
    """Return what JSON says, or nothing where it is none: 10 with another bit is 00."""
    try:
        return json.loads(content)
    except json.JSONDecodeError:
        return None


def test_files_of_earlier_versions_have_no_seal(folder):
    before = tw.Run.load(folder)
    for name in ("schema.json", "record.json"):
        content = json.loads((folder / name).read_text())
        assert content.pop("seal")
        (folder / name).write_text(json.dumps(content))
    run = tw.Run.load(folder)
    assert run.schema.to_json() == before.schema.to_json()
    assert run.watched == before.watched


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file_is_named(folder, name):
    (folder / name).unlink()
    with pytest.raises(RunError, match=f"{name} is missing"):
        tw.Run.load(folder)


def test_a_history_that_was_cut_short_is_named_and_can_be_done_without(folder):
    path = folder / "history.jsonl"
    path.write_text(path.read_text()[:-20])
    with pytest.raises(RunError, match=r"history\.jsonl is damaged"):
        tw.Run.load(folder)
    path.unlink()
    assert len(tw.Run.load(folder).history) == 0


def test_no_flipped_bit_of_the_weights_is_ever_loaded(folder):
    path = folder / "model.safetensors"
    content = path.read_bytes()
    for place in range(0, len(content), 97):
        damaged = bytearray(content)
        damaged[place] ^= 16
        path.write_bytes(damaged)
        with pytest.raises(WeightsError):
            tw.Run.load(folder)


def test_the_beginning_is_on_disk_before_the_first_step(three_classes, monkeypatch, tmp_path):
    def failing(*arguments):
        raise OSError

    monkeypatch.setattr(tw.train._loop, "update", failing)
    with pytest.raises(OSError):
        tw.fit("mlp", three_classes, epochs=1, out="run", progress=False)
    run = tw.Run.peek("run")
    assert run.status.state == "running"
    assert run.settings.train.epochs == 1
    assert list((tmp_path / "run" / "checkpoint").glob("step-000000000/state.json"))


def test_folders_are_numbered_and_names_are_never_paths(tmp_path):
    assert tw.train.next_folder("digits").as_posix() == "runs/digits-1"
    (tmp_path / "runs" / "digits-1").mkdir(parents=True)
    assert tw.train.next_folder("digits").as_posix() == "runs/digits-2"
    assert tw.train.next_folder("/data/../Ünï code.csv").as_posix() == "runs/Ünï-code-1"
    assert len(tw.train.next_folder("x" * 300).name) < 70


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("history.jsonl", "[1]\n"),
        ("history.jsonl", '{"epoch": 1}\n'),
        ("history.jsonl", '{"step": 1, "epoch": "one"}\n'),
        ("scores.json", '{"test": 3}'),
        ("scores.json", '{"test": {"accuracy": "high"}}'),
        ("timing.json", "[]"),
        ("timing.json", '{"training": {}}'),
    ],
)
def test_sound_json_of_the_wrong_shape_is_named(folder, name, content):
    (folder / name).write_text(content)
    with pytest.raises(RunError, match=rf"{name}.* is damaged") as error:
        tw.Run.load(folder)
    assert "\n" not in str(error.value)
