"""A state as it was between two steps, apart from the one that goes on."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from thalweg._core import seeds
from thalweg._core.history import History
from thalweg.train._state import Best, State
from thalweg.train._weights import bare, to_host

NUMBERS = ("epoch", "batch", "step", "loss_sum", "weight_sum", "stale")
"""Of the state, what is a plain number."""


@dataclass(frozen=True)
class Snapshot:
    """Everything that training goes on from."""

    plain: dict[str, Any]
    """What JSON can hold."""
    tensors: dict[str, Tensor]
    """On the host, by paths such as "model/0.weight"."""
    history: History

    @property
    def step(self) -> int:
        """Optimizer steps completed."""
        return self.plain["step"]


def take(state: State) -> Snapshot:
    """Return a snapshot; nothing that happens to the state changes it any more.

    The price is one copy of weights and optimizer: all else is small, or is never written to
    again, as the best weights are not.

    Args:
        state: Between two steps.
    """
    state.read()
    live: dict[str, Tensor] = {}
    for name, value in bare(state.model).state_dict().items():
        live[f"model/{name}"] = value
    if state.average is not None:
        for name, value in state.average.weights.items():
            live[f"average/{name}"] = value
    optimizer = _flatten(state.optimizer.state_dict()["state"], "optimizer", live)
    tensors = {name: to_host(value, copy=True) for name, value in live.items()}
    for part, kept in (("best", state.best), ("good", state.good)):
        if kept is not None:
            tensors |= {f"{part}/{name}": to_host(value) for name, value in kept.weights.items()}
    streams, plain_streams = seeds.state()
    for name, value in streams.items():
        tensors[f"streams/{name}"] = value
    plain = {
        **{name: getattr(state, name) for name in NUMBERS},
        "best": None if state.best is None else [state.best.loss, state.best.epoch],
        "good": None if state.good is None else [state.good.loss, state.good.epoch],
        "optimizer": optimizer,
        "streams": plain_streams,
    }
    return Snapshot(plain, tensors, state.history.copy())


def put_back(state: State, snapshot: Snapshot) -> None:
    """Let a state be what it was when the snapshot was taken, which stays as it is.

    Args:
        state: With a network and an optimizer made as they were for the snapshot.
        snapshot: Of this run.
    """
    plain, tensors = snapshot.plain, snapshot.tensors
    parts: dict[str, dict[str, Tensor]] = {
        name: {} for name in ("model", "average", "best", "good", "streams")
    }
    for name, value in tensors.items():
        part, _, rest = name.partition("/")
        if part in parts:
            parts[part][rest] = value
    model = bare(state.model)
    model.load_state_dict(parts["model"])
    if state.average is not None:
        for name, value in state.average.weights.items():
            value.copy_(parts["average"][name])
    state.optimizer.load_state_dict(
        {
            "state": _laid_out(_unflatten(plain["optimizer"], tensors), state),
            "param_groups": state.optimizer.state_dict()["param_groups"],
        }
    )
    own = model.state_dict()

    def kept(part: str) -> Best | None:
        if plain.get(part) is None:  # Checkpoints of earlier versions have no "good".
            return None
        loss, epoch = plain[part]
        return Best(loss, epoch, {n: _like(own[n], value) for n, value in parts[part].items()})

    state.best, state.good = kept("best"), kept("good")
    for name in NUMBERS:
        setattr(state, name, plain[name])
    state.pending.clear()
    state.history = snapshot.history.copy()
    seeds.restore(parts["streams"], plain["streams"])


def _laid_out(entries: dict[int, Any], state: State) -> dict[int, Any]:
    """Copy the optimizer's tensors, each in the memory layout of its parameter.

    Fused kernels walk parameter and state side by side and rely on it.
    """
    parameters = [each for group in state.optimizer.param_groups for each in group["params"]]
    for index, entry in entries.items():
        like = parameters[index]
        for name, value in entry.items():
            if isinstance(value, Tensor):
                has_shape = value.shape == like.shape
                entry[name] = _like(like, value) if has_shape else value.clone()
    return entries


def _like(like: Tensor, value: Tensor) -> Tensor:
    return torch.empty_like(like, dtype=value.dtype, requires_grad=False).copy_(value)


def _flatten(tree: Any, path: str, tensors: dict[str, Tensor]) -> Any:
    """Return a nested structure as plain data, its tensors moved into `tensors` by path."""
    if isinstance(tree, Tensor):
        tensors[path] = tree
        return {"tensor": path}
    if isinstance(tree, dict):
        return {
            "keys": list(tree),
            "values": [_flatten(v, f"{path}/{k}", tensors) for k, v in tree.items()],
        }
    if isinstance(tree, (list, tuple)):
        return {"items": [_flatten(v, f"{path}/{i}", tensors) for i, v in enumerate(tree)]}
    return tree


def _unflatten(plain: Any, tensors: dict[str, Tensor]) -> Any:
    """Undo `_flatten`; tuples come back as lists."""
    if not isinstance(plain, dict):
        return plain
    if "tensor" in plain:
        return tensors[plain["tensor"]]
    if "items" in plain:
        return [_unflatten(each, tensors) for each in plain["items"]]
    values = [_unflatten(each, tensors) for each in plain["values"]]
    return dict(zip(plain["keys"], values, strict=True))
