"""Parameters that get gradients and that no optimizer moves."""

from collections.abc import Iterator

from thalweg.doctor._finding import Finding, Remedy
from thalweg.doctor.checks._check import Answer, Note, Unchecked, check
from thalweg.doctor.checks.reading import _reach
from thalweg.doctor.record import Record

# Parts with less of the weights than this cost little when they stay what they are.
SMALL_SHARE = 0.01


@check("not-in-optimizer")
def check_not_in_optimizer(record: Record) -> Iterator[Answer]:
    """Find parameters that the loss depends on, that nobody owns, and that never changed."""
    if len(record.steps) < _reach.FEWEST_STEPS or not record.graphs:
        yield Unchecked("fewer than four steps with a backward pass were seen")
        return
    yield from _left_out(record)
    lost = [facts for facts in record.strangers if facts.moved is False]
    if not lost:
        return
    if any(facts.is_fresh is False for facts in lost):
        yield Note(f"{len(lost)} parameters outside the watched modules are left as they are.")
        return
    shapes = [" x ".join(map(str, facts.shape)) or "a single number" for facts in lost]
    yield Finding(
        fault="not-in-optimizer",
        where="parameters outside the watched modules",
        severity="error",
        confidence=0.95,
        evidence={
            "parameters": len(lost),
            "shapes": ", ".join(shapes[:6]),
            "steps": len(record.steps),
        },
        remedy=Remedy(
            "The loss depends on parameters that model.parameters() does not list. Keep layers in "
            "nn.ModuleList or nn.ModuleDict rather than in a list or dict, and make the optimizer "
            "after the last layer is in place."
        ),
    )


def _left_out(record: Record) -> Iterator[Answer]:
    left = [
        name
        for name, facts in record.parameters.items()
        if (facts.reached or facts.has_gradient)
        and facts.optimizer is None
        and facts.moved is False
    ]
    if not left:
        return
    if not any(facts.optimizer is not None for facts in record.parameters.values()):
        # Somebody may train an input, or a prompt, through a network that stays as it is.
        if not _strangers_get_gradients(record):
            yield _finding(record, left, "optimizer")
        return
    parts = _reach.covering(record, left)
    fresh = {top: names for top, names in parts.items() if not _is_frozen(record, names)}
    if len(fresh) < len(parts):
        frozen = [top for top in parts if top not in fresh]
        yield Note(
            f"no optimizer owns {_reach.shortened(frozen)}, trained before. It still gets "
            "gradients; requires_grad_(False) saves their time."
        )
    if fresh:
        names = [name for names in fresh.values() for name in names]
        yield _finding(record, names, _reach.shortened(list(fresh)))


def _is_frozen(record: Record, names: list[str]) -> bool:
    """Return whether parts look kept out on purpose: trained before, and not thawed since."""
    was_thawed = any(not record.parameters[name].is_trainable for name in names)
    return _reach.is_trained_before(record, names) and not was_thawed


def _strangers_get_gradients(record: Record) -> bool:
    motions = [
        motion
        for sample in record.samples
        for name, motion in sample.parameters.items()
        if name not in record.parameters
    ]
    return any(motion.gradient for motion in motions)


def _finding(record: Record, names: list[str], where: str) -> Finding:
    reached = [name for name, facts in record.parameters.items() if facts.reached]
    share = _reach.entries(record, names) / max(1, _reach.entries(record, reached))
    strangers = sum(facts.strangers for facts in record.optimizers)
    return Finding(
        fault="not-in-optimizer",
        where=where,
        severity="error" if share >= SMALL_SHARE else "warning",
        confidence=0.99,
        evidence={
            "parameters": len(names),
            "share of the weights": round(share, 4),
            "owned by an optimizer but not in the network": strangers,
            "steps": len(record.steps),
        },
        remedy=Remedy(
            "Make the optimizer from the parameters of the network that is trained, after its last "
            "change: optimizer = torch.optim.Adam(model.parameters()); or add what is missing with "
            "optimizer.add_param_group({'params': ...}). What shall stay as it is: "
            "requires_grad_(False)."
        ),
    )
