"""Which parameters a gradient comes to, and which modules they make up."""

from thalweg.doctor.record import ModuleFacts, Record

# Fewer steps than this may not have come to every part of a network yet.
FEWEST_STEPS = 4
# Modules that only hold parameters; whoever uses these never calls the module.
HOLDERS = ("ParameterList", "ParameterDict")


def steps_of(record: Record, optimizer: int) -> int:
    """Return how many steps an optimizer is known to have made."""
    return sum(row.optimizer == optimizer for row in record.steps)


def gradients(record: Record, name: str) -> list[float | None]:
    """Return a parameter's gradient in every sampled step of its optimizer."""
    motions = [sample.parameters.get(name) for sample in record.samples]
    return [motion.gradient for motion in motions if motion is not None]


def untouched(record: Record) -> list[str]:
    """Return the parameters that an optimizer owns and that no gradient ever came to.

    Three witnesses must agree: no loss graph had the parameter, no sampled step a gradient for
    it, and its numbers stayed what they were. Any one alone may be mistaken, as of a part that
    has its turn in few steps, or is recomputed within the backward pass.
    """
    enough = {
        number
        for number in range(len(record.optimizers))
        if steps_of(record, number) >= FEWEST_STEPS
    }
    if not record.graphs:
        return []
    return [
        name
        for name, facts in record.parameters.items()
        if facts.optimizer in enough
        and facts.is_trainable
        and not facts.reached
        and not facts.has_gradient
        and _stands_still(record, name, facts.moved)
    ]


def _stands_still(record: Record, name: str, moved: bool | None) -> bool:
    seen = gradients(record, name)
    if not seen or any(seen):
        return False
    # Weight decay moves what has a gradient of zeros; what has none at all, somebody else moved.
    return moved is False or all(each == 0.0 for each in seen)


def is_trained_before(record: Record, names: list[str]) -> bool:
    """Return whether any of the parameters looks trained before the watch began."""
    return any(record.parameters[name].is_fresh is False for name in names)


def entries(record: Record, names: list[str]) -> int:
    """Return how many numbers the parameters have together."""
    total = 0
    for name in names:
        size = 1
        for length in record.parameters[name].shape:
            size *= length
        total += size
    return total


def owner(record: Record, name: str) -> str:
    """Return the path of the module whose call uses a parameter.

    Attention reads the weights of its output layer without calling that layer.
    """
    path = name.rpartition(".")[0]
    while path:
        above = path.rpartition(".")[0]
        kind = record.modules[path].kind if path in record.modules else "ParameterList"
        if kind not in HOLDERS and family(record, above) != "attention":
            break
        path = above
    return path


def family(record: Record, path: str) -> str:
    """Return a module's family; empty for none."""
    return record.modules[path].family if path in record.modules else ""


def is_called(facts: ModuleFacts | None) -> bool:
    """Return whether a module was called in a sampled step, with gradients or without."""
    return facts is not None and (facts.calls > 0 or facts.quiet_calls > 0)


def covering(record: Record, names: list[str]) -> dict[str, list[str]]:
    """Return the topmost modules that have none but these parameters, with their parameters.

    Frozen ones aside. A parameter whose own module has others too stands by itself.
    """
    wanted = set(names)
    trainable = [
        name for name, facts in record.parameters.items() if facts.is_trainable or name in wanted
    ]
    found: dict[str, list[str]] = {}
    for name in names:
        parts = name.split(".")
        paths = [".".join(parts[:length]) for length in range(len(parts))]
        top = next((path for path in paths if _has_only(path, trainable, wanted)), name)
        found.setdefault(top, []).append(name)
    return found


def _has_only(path: str, trainable: list[str], wanted: set[str]) -> bool:
    prefix = f"{path}." if path else ""
    return all(name in wanted for name in trainable if name.startswith(prefix))


def shortened(names: list[str], most: int = 4) -> str:
    """Return names in a row, the last ones left out where there are many."""
    shown = ", ".join(name or "the network" for name in names[:most])
    return f"{shown} and {len(names) - most} more" if len(names) > most else shown
