"""Records made by hand from what a loop does, step by step."""

from collections.abc import Callable, Sequence

import pytest

from thalweg.doctor.record import (
    Activity,
    ModuleFacts,
    Motion,
    OptimizerFacts,
    ParameterFacts,
    Record,
    Sample,
    StepRow,
)

PARTS = ("trunk", "head")

Loop = Callable[..., Record]


def _loop(
    events: str | Sequence[str] = "fbs",
    steps: int = 40,
    *,
    optimizers: int = 1,
    gradient: float | None = 0.1,
    stale: bool = False,
    training: bool = True,
) -> Record:
    """Return the record of a network with a trunk and a head, which all goes well by.

    Args:
        events: Of each step; or of the steps in turn.
        steps: Of all optimizers together, taking turns.
        optimizers: The first has the trunk, the last the head.
        gradient: Of every parameter; None for none.
        stale: Whether the gradients of the step before were still there.
        training: Mode at every step.
    """
    cycle = [events] if isinstance(events, str) else list(events)
    moves = bool(gradient) and steps > 0
    return Record(
        modules={
            "": ModuleFacts("Net", "container", [], True, calls=9, order=2),
            **{
                part: ModuleFacts(
                    "Linear", "linear", [f"{part}.weight"], True, calls=9, order=place
                )
                for place, part in enumerate(PARTS)
            },
        },
        parameters={
            f"{part}.weight": ParameterFacts(
                [8, 8],
                True,
                min(place, optimizers - 1),
                8,
                reached=9,
                moved=moves,
                is_fresh=None if moves else True,
            )
            for place, part in enumerate(PARTS)
        },
        optimizers=[OptimizerFacts("SGD", {"lr": 0.1}) for _ in range(optimizers)],
        steps=[
            _row(step, cycle[step % len(cycle)], step % optimizers, stale, training)
            for step in range(steps)
        ],
        samples=[
            Sample(
                step + 1,
                modules={"": Activity(training, None, None)},
                parameters={
                    f"{part}.weight": Motion(0.3, gradient, 0.01 if gradient else 0.0, 0)
                    for part in PARTS
                },
            )
            for step in range(0, steps, 5)
        ],
        graphs=9,
        count=steps,
        backwards=max(40, steps),
    )


def _row(
    step: int, events: str, optimizer: int = 0, stale: bool = False, training: bool = True
) -> StepRow:
    """Return one step's row, its counts read off the events."""
    backwards, forwards = events.count("b"), events.count("f")
    return StepRow(
        step=step + 1,
        optimizer=optimizer,
        loss=1.0,
        root=1.0,
        rate=0.1,
        backwards=backwards,
        examples=32 * forwards,
        events=events,
        is_training=training,
        is_stale=stale,
        seconds=0.01,
        own_backwards=backwards,
        forwards=forwards,
        training_forwards=forwards if training else 0,
    )


def _cut(record: Record, part: str, *, called: bool, fresh: bool = True) -> Record:
    """Return the record with no gradient to a part of the network."""
    facts = record.parameters[f"{part}.weight"]
    facts.reached, facts.moved, facts.is_fresh = 0, False, fresh
    for sample in record.samples:
        sample.parameters[f"{part}.weight"] = Motion(0.3, None, 0.0, 0)
    record.modules[part].calls = 9 if called else 0
    return record


@pytest.fixture
def loop() -> Loop:
    """What makes a record of a loop: `loop(events, steps, ...)`."""
    return _loop


@pytest.fixture
def row() -> Callable[..., StepRow]:
    """What makes a row of a record: `row(step, events)`."""
    return _row


@pytest.fixture
def cut() -> Loop:
    """What takes the gradient from a part: `cut(record, "trunk", called=True)`."""
    return _cut
