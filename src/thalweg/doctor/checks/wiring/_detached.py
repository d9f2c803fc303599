"""Parts of a network that no gradient comes to."""

from collections.abc import Iterator

from thalweg.doctor._finding import Finding, Remedy
from thalweg.doctor.checks._check import Answer, Note, Unchecked, check
from thalweg.doctor.checks.reading import _reach
from thalweg.doctor.record import Record

# Operations whose derivative is zero wherever there is one.
FLAT = ("Round", "Sign", "Sgn", "Floor", "Ceil", "Trunc")


@check("detached", explains=("input-ignored", "label-noise"))
def check_detached(record: Record) -> Iterator[Answer]:
    """Find modules that are called, whose parameters the loss does not depend on."""
    if not record.samples or not record.graphs:
        yield Unchecked("no step with a backward pass was looked at")
        return
    cut = _reach.untouched(record)
    trainable = [name for name, facts in record.parameters.items() if facts.is_trainable]
    if cut and len(cut) == len(trainable):
        yield _loss_itself(record, cut)
        return
    called = [name for name in cut if _is_used(record, name)]
    if called:
        yield _part(record, called)
        return
    flat = _behind_flat_operations(record)
    if flat:
        yield _flat(record, flat)


def _is_used(record: Record, name: str) -> bool:
    if not any(facts.calls for facts in record.modules.values()):
        return True  # Nothing could be seen of any module, and the gradient is missing anyhow.
    path = _reach.owner(record, name)
    if _reach.is_called(record.modules.get(path)):
        return True
    # A whole network that is only called while gradients are off is in the passes that count as
    # evaluation.
    root = next((each for each in ("", name.split(".")[0]) if each in record.modules), "")
    inside = [
        facts
        for other, facts in record.modules.items()
        if other == root or not root or other.startswith(f"{root}.")
    ]
    return not any(map(_reach.is_called, inside)) and any(
        each.forwards for each in record.evaluations
    )


def _loss_itself(record: Record, cut: list[str]) -> Answer:
    made = record.leaf_losses
    found = "a new tensor that depends on nothing" if made else "without any parameter beneath it"
    return Finding(
        fault="detached",
        where="loss",
        severity="error",
        confidence=0.99,
        evidence={"loss": found, "parameters without gradient": len(cut), "losses": record.graphs},
        remedy=Remedy(
            "Call backward() on the loss as computed from the network's output: no torch.tensor("
            "loss), .item(), .data, .detach() or numpy between them."
        ),
    )


def _part(record: Record, cut: list[str]) -> Answer:
    parts = _reach.covering(record, cut)
    names = list(parts)
    if _reach.is_trained_before(record, cut):
        return Note(
            f"{_reach.shortened(names)} gets no gradient; it looks trained before and frozen on "
            "purpose. If not, remove the detach() or no_grad() behind it."
        )
    last = max(
        (_reach.owner(record, name) for name in cut),
        key=lambda path: record.modules[path].order if path in record.modules else -1,
    )
    where = last if any(last == top or last.startswith(f"{top}.") for top in names) else names[0]
    return Finding(
        fault="detached",
        where=where or names[0],
        severity="error",
        confidence=0.99,
        evidence={
            "without gradient": _reach.shortened(names),
            "parameters": len(cut),
            "share of all weights": round(_share(record, cut), 4),
            "loss graphs walked": record.graphs,
            "steps": len(record.steps),
        },
        remedy=Remedy(
            f"Let the gradient through behind {where or names[0]}: remove .detach(), .data, "
            "no_grad(), .item(), numpy or argmax between it and the loss. If it is meant to be "
            "frozen, call requires_grad_(False) on it."
        ),
    )


def _share(record: Record, names: list[str]) -> float:
    return _reach.entries(record, names) / max(1, _reach.entries(record, list(record.parameters)))


def _behind_flat_operations(record: Record) -> list[str]:
    """Return parameters that the loss is reached from only through operations of no slope."""
    if not any(node.name in FLAT for node in record.graph):
        return []
    open_ways: set[int] = set()
    queue = [0]
    while queue:
        place = queue.pop()
        if place in open_ways or record.graph[place].name in FLAT:
            continue
        open_ways.add(place)
        queue.extend(record.graph[place].inputs)
    reachable = {record.graph[place].parameter for place in open_ways}
    beneath = {node.parameter for node in record.graph if node.parameter} - reachable
    found = []
    for name in record.parameters:
        seen = _reach.gradients(record, name) if name in beneath else []
        if len(seen) >= _reach.FEWEST_STEPS and all(each == 0.0 for each in seen):
            found.append(name)
    return found


def _flat(record: Record, names: list[str]) -> Finding:
    parts = list(_reach.covering(record, names))
    operation = next(node.name for node in record.graph if node.name in FLAT).lower()
    return Finding(
        fault="detached",
        where=_reach.shortened(parts),
        severity="error",
        confidence=0.99,
        evidence={"gradient": 0.0, "behind": operation, "parameters": len(names)},
        remedy=Remedy(
            f"torch.{operation} has the slope zero: leave it out in training, or pass the gradient "
            f"straight through: x + (x.{operation}() - x).detach()."
        ),
    )
