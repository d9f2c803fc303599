"""What a checkpoint holds is what comes back, or nothing does."""

import json

import pytest
import torch
from torch import nn

from thalweg._core.seals import sealed
from thalweg.errors import CheckpointError, RunError
from thalweg.train import _checkpoint, make_optimizer
from thalweg.train._state import State


def trained(steps: int = 3) -> State:
    torch.manual_seed(0)
    model = nn.Linear(4, 2)
    state = State(model, make_optimizer(model, "adamw", learning_rate=0.1))
    for _ in range(steps):
        loss = model(torch.randn(8, 4)).square().mean()
        state.optimizer.zero_grad()
        loss.backward()
        state.optimizer.step()
        state.add(loss.detach(), 8, [0.1])
    return state


def test_restores_weights_moments_position_and_random_numbers(tmp_path):
    state = trained()
    _checkpoint.save(state, tmp_path)
    expected = torch.rand(4)
    other = trained(1)
    torch.manual_seed(99)
    assert _checkpoint.restore(other, tmp_path) == []
    assert torch.equal(torch.rand(4), expected)
    for mine, theirs in zip(state.model.parameters(), other.model.parameters(), strict=True):
        assert torch.equal(mine, theirs)
    first = next(iter(state.model.parameters()))
    same_first = next(iter(other.model.parameters()))
    for moment in ("step", "exp_avg", "exp_avg_sq"):
        assert torch.equal(
            state.optimizer.state[first][moment], other.optimizer.state[same_first][moment]
        )
    assert (other.step, other.batch, other.loss_sum) == (state.step, state.batch, state.loss_sum)
    assert other.history == state.history


def test_moments_take_the_memory_layout_of_their_weights(tmp_path):
    def convolution() -> State:
        torch.manual_seed(0)
        model = nn.Conv2d(4, 8, 3).to(memory_format=torch.channels_last)
        return State(
            model, make_optimizer(model, "adamw", learning_rate=0.1, options={"fused": True})
        )

    def step(state: State) -> None:
        state.optimizer.zero_grad()
        state.model(torch.ones(2, 4, 5, 5)).square().mean().backward()
        state.optimizer.step()

    state = convolution()
    step(state)
    _checkpoint.save(state, tmp_path)
    other = convolution()
    _checkpoint.restore(other, tmp_path)
    weight = other.model.weight
    assert other.optimizer.state[weight]["exp_avg"].stride() == weight.stride()
    step(state)
    step(other)
    assert torch.equal(state.model.weight, other.model.weight)


def test_tied_weights_are_saved_and_restored(tmp_path):
    model = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 3))
    model[1].weight = model[0].weight
    state = State(model, make_optimizer(model, "sgd", learning_rate=0.1))
    expected = model[0].weight.detach().clone()
    _checkpoint.save(state, tmp_path)
    with torch.no_grad():
        model[0].weight.zero_()
    _checkpoint.restore(state, tmp_path)
    assert torch.equal(model[1].weight, expected)


def test_an_unfinished_checkpoint_is_invisible(tmp_path):
    state = trained()
    _checkpoint.save(state, tmp_path)
    beside = tmp_path / ".step-000000099.partial"
    beside.mkdir()
    (beside / "tensors.safetensors").write_bytes(b"half")
    (tmp_path / "step-000000098").mkdir()
    assert [path.name for path in _checkpoint.checkpoints(tmp_path)] == ["step-000000003"]


def says_the_same(damaged, content):
    """Whether both are JSON of one content: the last digit of a number may make no difference."""
    try:
        return json.loads(damaged) == json.loads(content)
    except ValueError:
        return False


@pytest.mark.parametrize("name", ["tensors.safetensors", "state.json", "history.jsonl"])
def test_no_flipped_bit_is_ever_loaded(tmp_path, name):
    state = trained()
    _checkpoint.save(state, tmp_path)
    path = tmp_path / "step-000000003" / name
    content = path.read_bytes()
    for place in range(0, len(content), max(1, len(content) // 25)):
        damaged = bytearray(content)
        damaged[place] ^= 4
        if name == "state.json" and says_the_same(damaged, content):
            continue
        path.write_bytes(damaged)
        other = trained(1)
        before = [parameter.clone() for parameter in other.model.parameters()]
        try:
            _checkpoint.restore(other, tmp_path)
        except CheckpointError:
            after = list(other.model.parameters())
            assert all(map(torch.equal, before, after))
        else:
            # Only the JSON of the state itself can be hit without its own checksum noticing.
            pytest.fail(f"bit {place} of {name} went unnoticed")


def test_a_later_format_is_refused_with_the_version(tmp_path):
    _checkpoint.save(trained(), tmp_path)
    path = tmp_path / "step-000000003" / "state.json"
    plain = json.loads(path.read_text())
    plain["format"] = 99
    path.write_text(json.dumps(sealed(plain)))
    with pytest.raises(CheckpointError, match="format 99"):
        _checkpoint.restore(trained(), tmp_path)


def test_a_disk_that_is_full_keeps_the_checkpoint_before(tmp_path, monkeypatch):
    state = trained()
    _checkpoint.save(state, tmp_path)

    def full(path, content):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(_checkpoint.files, "write_atomically", full)
    state.step += 1
    with pytest.raises(RunError, match="disk is full"):
        _checkpoint.save(state, tmp_path)
    assert [path.name for path in _checkpoint.checkpoints(tmp_path)] == ["step-000000003"]
