"""Gradients that nobody uses."""

from collections.abc import Iterator

from thalweg.doctor._finding import Finding, Remedy
from thalweg.doctor.checks._check import Answer, Unchecked, check
from thalweg.doctor.checks.reading import _reach
from thalweg.doctor.checks.reading._turns import turns
from thalweg.doctor.record import Record, StepRow

# Backward passes after which somebody should have stepped; who gathers gradients over more
# batches than this has a loop too short to be judged.
FEWEST_BACKWARDS = 16
# Where gradients are thrown away so often before one is used, that is no penalty or second task,
# which throw away one or two.
MOST_WASTED = 4
# An optimizer that stepped in fewer turns with gradients may not have come to its work yet.
FEWEST_STEPS = 4


@check("missing-step")
def check_missing_step(record: Record) -> Iterator[Answer]:
    """Find optimizers whose parameters get gradients, or should, and never move."""
    if record.backwards < FEWEST_BACKWARDS and len(record.steps) < FEWEST_STEPS:
        yield Unchecked("too few backward passes were seen")
        return
    if not record.optimizers:
        yield from _no_optimizer(record)
    for number in range(len(record.optimizers)):
        rows = [row for row in record.steps if row.optimizer == number]
        if not rows:
            yield from _never_steps(record, number)
        elif len(rows) >= FEWEST_STEPS:
            yield from _steps_in_vain(record, number)
            yield from _steps_too_seldom(record, rows)


def _no_optimizer(record: Record) -> Iterator[Answer]:
    if _is_still(record, list(record.parameters)) and record.first_nonfinite is None:
        yield _finding(
            {"backward passes": record.backwards, "steps": 0},
            "Make an optimizer of the network's parameters and call optimizer.step() after every "
            "loss.backward().",
        )


def _never_steps(record: Record, number: int) -> Iterator[Answer]:
    # A scaler skips the steps whose gradients are infinite; that is another fault.
    owned = _owned(record, number)
    is_reached = any(record.parameters[name].reached for name in owned)
    if not is_reached or not _is_still(record, owned) or record.first_nonfinite is not None:
        return
    kind = record.optimizers[number].kind
    evidence = {"backward passes": record.backwards, "optimizer": kind, "steps": 0}
    if len(record.optimizers) > 1:
        evidence |= {"steps of other optimizers": len(record.steps)}
    yield _finding(
        evidence,
        "Call optimizer.step() after loss.backward(), with its parentheses, for every optimizer. "
        "If gradients are gathered over several batches, step also at the end of an epoch.",
    )


def _steps_in_vain(record: Record, number: int) -> Iterator[Answer]:
    owned = _owned(record, number)
    # Who met a number that is none may have put back the weights from before.
    if not owned or not _is_still(record, owned) or record.first_nonfinite is not None:
        return
    kind = record.optimizers[number].kind
    steps = _reach.steps_of(record, number)
    if not record.backwards:
        yield _finding(
            {"optimizer": kind, "steps": steps, "backward passes": 0},
            "Call loss.backward(), with its parentheses, before optimizer.step().",
        )
        return
    seen = [each for name in owned for each in _reach.gradients(record, name)]
    if not seen or not any(record.parameters[name].reached for name in owned):
        return
    if any(seen):
        yield from _moves_too_small(record, number)
    elif not _is_backward_late(record, number):
        yield _finding(
            {"optimizer": kind, "steps": steps, "steps that found a gradient": 0},
            "Call optimizer.zero_grad() before loss.backward(), not between it and "
            "optimizer.step(), which finds no gradient otherwise.",
        )


def _moves_too_small(record: Record, number: int) -> Iterator[Answer]:
    """Steps with gradients and a rate that change no number: they are lost in rounding."""
    rates = [row.rate for row in record.steps if row.optimizer == number]
    if min(rates) <= 0:
        return  # A rate of zero is the schedule's fault.
    yield Finding(
        fault="missing-step",
        where="parameters",
        severity="error",
        confidence=0.9,
        evidence={"steps": len(rates), "learning rate": rates[0], "changed numbers": 0},
        remedy=Remedy(
            "The updates are smaller than the weights' precision: keep the weights in float32 and "
            "use torch.autocast for speed, or raise the learning rate."
        ),
    )


def _steps_too_seldom(record: Record, rows: list[StepRow]) -> Iterator[Answer]:
    """Steps after many backward passes whose gradients were cleared in between."""
    wasted = sum(row.wasted_backwards for row in rows[1:])
    # Attacks on the input, too, throw away what the weights get.
    attacks = any(node.name == "Leaf" for node in record.graph)
    # One that is given a closure takes as many tries in a step as it likes.
    tries = max((each.options.get("max_iter", 1) for each in record.optimizers), default=1)
    if len(record.optimizers) > 1 or attacks or tries > 1 or wasted < MOST_WASTED * len(rows):
        return
    yield _finding(
        {
            "steps": len(rows),
            "backward passes": record.backwards,
            "of these, gradients cleared unused": wasted,
        },
        "Call optimizer.step() after every loss.backward(): it stands outside the loop over "
        "batches, or beneath a condition. To gather gradients over several batches, call "
        "zero_grad() only after step().",
    )


def _owned(record: Record, number: int) -> list[str]:
    return [
        name
        for name, facts in record.parameters.items()
        if facts.optimizer == number and facts.is_trainable
    ]


def _is_still(record: Record, names: list[str]) -> bool:
    return bool(names) and all(record.parameters[name].moved is False for name in names)


def _is_backward_late(record: Record, number: int) -> bool:
    """Return whether the backward pass follows the step, which is another fault."""
    orders = [turn.order.replace("c", "") for turn in turns(record, number)]
    late = sum(order.startswith("b") and order.endswith("f") for order in orders)
    return 2 * late > len(orders)


def _finding(evidence: dict[str, float | str], remedy: str) -> Finding:
    return Finding(
        fault="missing-step",
        where="loop",
        severity="error",
        confidence=0.99,
        evidence=evidence,
        remedy=Remedy(remedy),
    )
