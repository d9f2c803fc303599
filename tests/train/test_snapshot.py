"""A snapshot is what the state was, whatever becomes of the state or of the snapshot's user."""

import json

import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from thalweg.train import _snapshot, make_optimizer
from thalweg.train._state import State

leaves = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-10, 10),
    st.floats(allow_nan=False),
    st.text(max_size=5),
    st.lists(st.floats(-1, 1, width=32), min_size=1, max_size=3).map(torch.tensor),
)
keys = st.one_of(st.integers(0, 9), st.text("abc/", min_size=1, max_size=4))
trees = st.recursive(
    leaves,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(keys, inner, max_size=3)),
    max_leaves=12,
)


def same(left, right) -> bool:
    if isinstance(left, torch.Tensor):
        return isinstance(right, torch.Tensor) and torch.equal(left, right)
    if isinstance(left, dict):
        return left.keys() == right.keys() and all(same(left[key], right[key]) for key in left)
    if isinstance(left, list):
        return len(left) == len(right) and all(map(same, left, right))
    return left == right


@given(trees)
def test_any_optimizer_state_survives_as_plain_data_and_tensors(tree):
    tensors: dict[str, torch.Tensor] = {}
    plain = json.loads(json.dumps(_snapshot._flatten(tree, "optimizer", tensors)))
    assert same(_snapshot._unflatten(plain, tensors), tree)


def trained(steps: int, layout: torch.memory_format = torch.contiguous_format) -> State:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Dropout(0.5), nn.Flatten())
    model.to(memory_format=layout)
    state = State(model, make_optimizer(model, "adamw", learning_rate=0.1))
    state.begin()
    train(state, steps)
    return state


def train(state: State, steps: int) -> None:
    for _ in range(steps):
        loss = state.model(torch.randn(8, 3, 4, 4)).square().mean()
        state.optimizer.zero_grad()
        loss.backward()
        state.optimizer.step()
        state.add(loss.detach(), 8, [0.1])


def everything(state: State) -> list[torch.Tensor]:
    own = [*state.model.state_dict().values()]
    own += [value for each in state.optimizer.state.values() for value in each.values()]
    return [value.clone() for value in own]


def test_nothing_that_happens_to_the_state_changes_its_snapshot():
    state = trained(3)
    snapshot = _snapshot.take(state)
    before = {name: value.clone() for name, value in snapshot.tensors.items()}
    lines = snapshot.history.lines()
    train(state, 3)
    state.end_epoch({"valid_loss": 0.5}, 0.1, 0.0)
    assert snapshot.step == 3
    assert snapshot.history.lines() == lines
    for name, value in snapshot.tensors.items():
        assert torch.equal(value, before[name]), name


def test_put_back_twice_a_state_goes_on_to_the_same_bits():
    state = trained(3, torch.channels_last)
    snapshot = _snapshot.take(state)
    ends = []
    for _ in range(3):
        train(state, 4)
        ends.append((everything(state), state.history.lines(), state.step))
        _snapshot.put_back(state, snapshot)
        assert state.step == 3
    for tensors, lines, step in ends[1:]:
        assert all(map(torch.equal, tensors, ends[0][0]))
        assert (lines, step) == ends[0][1:]


def test_only_what_changes_is_copied():
    state = trained(2)
    tensors = _snapshot.take(state).tensors
    for name, value in state.best.weights.items():
        assert tensors[f"best/{name}"].data_ptr() == value.data_ptr()
    for name, value in state.model.state_dict().items():
        assert tensors[f"model/{name}"].data_ptr() != value.data_ptr()
