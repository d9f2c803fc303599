"""A state as it was between two steps, apart from the one that goes on."""

from dataclasses import dataclass
from typing import Any

from torch import Tensor

from thalweg._core import seeds
from thalweg._core.history import History
from thalweg.train._layout import beside_parameters, laid_out, part
from thalweg.train._optimizer_state import check_entries
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

    Of several processes, all call it; the first one gets all tensors, the others none.

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
    tensors = _on_host(state, live, copy=True)
    for kind, kept in (("best", state.best), ("good", state.good)):
        own = {} if kept is None else kept.weights
        tensors |= {f"{kind}/{name}": value for name, value in _on_host(state, own).items()}
    streams, plain_streams = seeds.state()
    for name, value in streams.items():
        tensors[f"streams/{name}"] = value
    plain = {
        **{name: getattr(state, name) for name in NUMBERS},
        "best": None if state.best is None else [state.best.loss, state.best.epoch],
        "good": None if state.good is None else [state.good.loss, state.good.epoch],
        "settings": state.settings,
        "shortages": list(state.shortages),
        "optimizer": optimizer,
        "streams": plain_streams,
        "streams of others": [],
    }
    if state.parallel is not None:
        plain["streams of others"] = state.parallel.ranks.gathered(seeds.to_text())[1:]
    return Snapshot(plain, tensors, state.history.copy())


def _on_host(state: State, tensors: dict[str, Tensor], copy: bool = False) -> dict[str, Tensor]:
    if state.parallel is None:
        return {name: to_host(value, copy=copy) for name, value in tensors.items()}
    # One after the other, since of a network in parts not all may fit at once.
    wholes = ((name, state.parallel.whole(value)) for name, value in tensors.items())
    return {name: to_host(whole, copy=copy) for name, whole in wholes if state.is_writer}


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
        kind, _, rest = name.partition("/")
        if kind in parts:
            parts[kind][rest] = value
    model, parallel = bare(state.model), state.parallel
    own = model.state_dict()
    weights = {name: part(parallel, own.get(name), v) for name, v in parts["model"].items()}
    model.load_state_dict(weights)
    if state.average is not None:
        for name, value in state.average.weights.items():
            value.copy_(part(parallel, value, parts["average"][name]))
    entries = _unflatten(plain["optimizer"], tensors)
    check_entries(entries, state.optimizer)
    state.optimizer.load_state_dict(
        {
            "state": beside_parameters(entries, state.optimizer, parallel),
            "param_groups": state.optimizer.state_dict()["param_groups"],
        }
    )

    def kept(kind: str) -> Best | None:
        if plain.get(kind) is None:  # Checkpoints of earlier versions have no "good".
            return None
        loss, epoch = plain[kind]
        # In the network's order: safetensors' own differs from process to process, which must all
        # ask each other for the same tensor at a time.
        weights = {
            name: laid_out(each, part(parallel, each, parts[kind][name]))
            for name, each in own.items()
            if name in parts[kind]
        }
        return Best(loss, epoch, weights)

    state.best, state.good = kept("best"), kept("good")
    for name in NUMBERS:
        setattr(state, name, plain[name])
    state.shortages = list(plain.get("shortages", ()))
    state.is_stepping = False
    state.pending.clear()
    state.history = snapshot.history.copy()
    rank = 0 if parallel is None else parallel.ranks.rank
    if rank == 0:
        seeds.restore(parts["streams"], plain["streams"])
    elif rank <= len(others := plain.get("streams of others", [])):
        seeds.from_text(others[rank - 1])


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
