"""Programs that train a network: sick ones with healthy twins, and healthy ones of many kinds.

A program is a generator function. It makes data, network and optimizer from a seed, yields the
network and the optimizer once, which is where the watch begins, and then trains, in plain PyTorch
as anybody writes it:

    @sick("missing-zero-grad")
    def mlp_on_digits(seed, is_sick):
        torch.manual_seed(seed)
        train, valid = digits(seed)
        ...
        yield model, optimizer
        for epoch in range(5):
            for x, y in batches(*train, 32):
                if not is_sick:
                    optimizer.zero_grad()
                ...

The twin of a sick program is the same one with `is_sick` false. Programs know nothing of the
doctor.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

Training = Iterator[tuple[Any, Any]]


@dataclass(frozen=True)
class Program:
    """A training program."""

    name: str
    fault: str | None
    """What the sick version suffers from; None for one that is healthy only."""
    start: Callable[[int, bool], Training]
    """Begins training with a seed, sick or not."""


PROGRAMS: list[Program] = []


def sick(fault: str) -> Callable[[Callable[[int, bool], Training]], Callable[..., Training]]:
    """Register a program with a fault and its twin without."""

    def register(start: Callable[[int, bool], Training]) -> Callable[..., Training]:
        PROGRAMS.append(Program(f"{fault}: {start.__name__}", fault, start))
        return start

    return register


def healthy(start: Callable[[int], Training]) -> Callable[[int], Training]:
    """Register a program with nothing wrong."""
    PROGRAMS.append(Program(f"healthy: {start.__name__}", None, lambda seed, is_sick: start(seed)))
    return start
