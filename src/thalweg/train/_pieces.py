"""In how many pieces a batch is computed; more of them where memory is too small for fewer."""

import gc
from collections.abc import Callable

import torch

from thalweg._core import formats
from thalweg._core.choices import Choice
from thalweg.errors import MemoryShortageError
from thalweg.train._state import State

GoBack = Callable[[State, list[int], Choice], None]
"""Lets a state be what it was at its newest checkpoint, but for the shortages known by now, writes
these down, and tells of a choice."""


def number_of_pieces(accumulate: int, least: int, state: State, examples: int) -> int:
    """Return in how many pieces the next step computes its batch.

    Args:
        accumulate: Pieces as the settings have it.
        least: Examples that a piece must have.
        state: Knows at which steps memory was too small, and the pieces became twice as many.
        examples: In the batch.
    """
    doubled = sum(step <= state.step for step in state.shortages)
    return max(1, min(accumulate << doubled, examples // least))


def cut_further(
    state: State, accumulate: int, least: int, examples: int, said: str, go_back: GoBack
) -> None:
    """Undo a step that found too little memory, and have it taken in twice as many pieces.

    What such a step has left half done, in buffers, in random streams, in the optimizer, cannot
    be told, and copies of all that before each step would cost every training what few need. So
    the state goes back to its newest checkpoint, and the steps since are taken again, to the
    same bits, each in as many pieces as before.

    Args:
        state: As the step left it.
        accumulate: Pieces as the settings have it.
        least: Examples that a piece must have.
        examples: In the batch.
        said: What the allocator said.
        go_back: Puts the state back.

    Raises:
        MemoryShortageError: The pieces cannot be smaller.
    """
    step, number = state.step, number_of_pieces(accumulate, least, state, examples)
    shortages = [*state.shortages, step]
    reason = formats.plain(said.strip().split("\n")[0], longest=200)
    if 2 * number > examples // least:
        raise MemoryShortageError(
            f"too little memory for step {step + 1} in pieces of {examples // number} ({reason}). "
            f"Use a smaller batch_size than {examples}, a smaller network, or smaller examples."
        )
    for parameter in state.model.parameters():
        parameter.grad = None
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    pieces = f"pieces of {-(-examples // (2 * number))} examples"
    normalized = ", which batch normalization takes its means over" if least > 1 else ""
    go_back(
        state,
        shortages,
        Choice(
            "accumulate",
            2 * number,
            f"too little memory at step {step + 1}, which is taken again in {pieces}{normalized}; "
            f"the gradient is that of the whole batch ({reason})",
        ),
    )
