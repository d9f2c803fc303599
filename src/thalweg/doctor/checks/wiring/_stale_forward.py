"""Steps, backward passes and schedules in the wrong order."""

from collections.abc import Iterator

from thalweg.doctor._finding import Finding, Remedy
from thalweg.doctor.checks._check import Answer, Note, Unchecked, check
from thalweg.doctor.checks.reading._turns import Turn, turns
from thalweg.doctor.record import Record

FEWEST_TURNS = 4
# An order that more than half of the turns show is the loop's, not that of its edges.
MOST = 0.5
# Every second step on the same graph, or more: retaining one now and then may be meant.
MOST_OLD = 0.3


@check("stale-forward", explains=("lr-decayed-early", "lr-too-low"))
def check_stale_forward(record: Record) -> Iterator[Answer]:
    """Find loops that step before backward, on old losses, or schedule before they step."""
    if len(record.steps) <= FEWEST_TURNS:
        yield Unchecked("too few steps were seen")
        return
    for number in range(len(record.optimizers)):
        found = turns(record, number)
        if len(found) >= FEWEST_TURNS:
            yield from _late_backward(found)
            yield from _no_backward(record, found)
            yield from _schedule_between(found)
    if len(record.optimizers) == 1:
        yield from _old_loss(record)
    yield from _schedule_first(record)


def _late_backward(found: list[Turn]) -> Iterator[Answer]:
    """Find forward, step, backward: the step uses the gradient of the batch before, or none."""
    orders = [turn.order.replace("c", "") for turn in found]
    late = sum(order.startswith("b") and order.endswith("f") for order in orders)
    if late <= MOST * len(orders):
        return
    yield _finding(
        {"order": "forward, step, backward", "steps": len(orders), "in this order": late},
        "Call loss.backward() before optimizer.step(): zero_grad, forward, backward, step.",
    )


def _no_backward(record: Record, found: list[Turn]) -> Iterator[Answer]:
    """Find steps that use a gradient once more."""
    again = sum(turn.row.own_backwards == 0 and turn.row.is_stale for turn in found)
    if record.backwards and again > MOST * len(found):
        yield _finding(
            {"steps": len(found), "steps without a new backward pass": again},
            "Call optimizer.step() once after each loss.backward().",
        )


def _old_loss(record: Record) -> Iterator[Answer]:
    """Find backward passes through graphs that were computed before the last step."""
    found = turns(record, 0)
    without = sum("b" in turn.order and "f" not in turn.order for turn in found)
    repeated = record.repeated_backwards
    is_repeated = repeated > MOST_OLD * record.backwards
    is_reused = record.repeated_graphs > 0 and without > MOST_OLD * len(found)
    if len(found) < FEWEST_TURNS or not (is_repeated or is_reused):
        return
    yield _finding(
        {
            "backward passes": record.backwards,
            "of a loss from before an earlier step": repeated,
            "steps without a forward pass": without,
        },
        "Compute output and loss anew before every backward(), and drop retain_graph=True: after a "
        "step the old graph belongs to old weights.",
    )


def _schedule_between(found: list[Turn]) -> Iterator[Answer]:
    between = sum(_is_between(turn.row.events) for turn in found)
    if between > MOST * len(found):
        yield _schedule(
            {"order": "backward, scheduler.step, optimizer.step", "steps": between},
            "Call scheduler.step() after optimizer.step().",
        )


def _is_between(events: str) -> bool:
    tail = events.rpartition("b")
    return bool(tail[1]) and "c" in tail[2] and tail[2].endswith("s")


def _schedule_first(record: Record) -> Iterator[Answer]:
    """Find a schedule that moves on before anything was done at its first rate."""
    first, *later = record.steps
    before = first.events.partition("f")[0].partition("b")[0].count("c")
    usual = max((row.events.count("c") for row in later), default=0)
    # Who resumes a training lets the schedule run ahead; a chain of them counts as several.
    resumes = before > max(1, usual) or record.optimizers[first.optimizer].has_state
    if not before or resumes:
        return
    planned = record.optimizers[first.optimizer].options.get("lr")
    if planned == first.rate:
        yield Note("scheduler.step() is called before the first optimizer.step(); call it after.")
        return
    yield _schedule(
        {"first rate of the schedule": planned, "rate of the first step": first.rate},
        "Call scheduler.step() after optimizer.step(), at the end of the epoch or the batch: as it "
        "is, the first rate goes unused and the last one comes early.",
    )


def _finding(evidence: dict[str, float | str], remedy: str) -> Finding:
    return Finding(
        fault="stale-forward",
        where="loop",
        severity="error",
        confidence=0.99,
        evidence=evidence,
        remedy=Remedy(remedy),
    )


def _schedule(evidence: dict[str, float | str | None], remedy: str) -> Finding:
    return Finding(
        fault="stale-forward",
        where="schedule",
        severity="warning",
        confidence=0.95,
        evidence=evidence,
        remedy=Remedy(remedy),
    )
