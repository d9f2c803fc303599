"""The numbers of a training run, as they came."""

import json
import math
from collections.abc import Iterable
from typing import Any, Self


class History:
    """What was measured, step by step and epoch by epoch.

    The same settings, data and machine give the same history to the bit; times are kept
    elsewhere for that reason.

    Example:
        >>> history = History()
        >>> history.add_step(1, 0, 0.7, 0.01)
        >>> history.add_epoch({"epoch": 1, "step": 1, "train_loss": 0.7, "valid_loss": 0.6})
        >>> history.column("valid_loss")
        [0.6]
    """

    def __init__(self) -> None:
        self.steps: list[dict[str, Any]] = []
        """"step" (counted from one), "epoch" (from one), "loss", "learning_rate" (per step)."""
        self.epochs: list[dict[str, Any]] = []
        """"epoch", "step", "learning_rate", "train_loss", "valid_loss", "valid_<metric>"."""

    def add_step(self, step: int, epoch: int, loss: float, learning_rate: float) -> None:
        """Add the loss of one optimizer step."""
        self.steps.append(
            {"step": step, "epoch": epoch + 1, "loss": loss, "learning_rate": learning_rate}
        )

    def add_epoch(self, row: dict[str, Any]) -> None:
        """Add what was measured at the end of an epoch."""
        self.epochs.append(row)

    def column(self, name: str) -> list[Any]:
        """Return one measurement of every epoch that has it."""
        return [row[name] for row in self.epochs if name in row]

    def lines(self) -> list[str]:
        """Return the history as lines of JSON, in the order in which it happened."""
        rows = [*self.steps, *self.epochs]
        # An epoch's row follows the row of its last step.
        rows.sort(key=lambda row: (row["step"], "loss" not in row))
        return [json.dumps(_strict(row), allow_nan=False) for row in rows]

    @classmethod
    def from_lines(cls, lines: Iterable[str]) -> Self:
        """Rebuild a history from `lines`.

        Raises:
            ValueError: A line is no row of a history.
        """
        history = cls()
        for number, line in enumerate(lines, start=1):
            row = {name: _NAN if v is None else v for name, v in json.loads(line).items()}
            if not _is_row(row):
                raise ValueError(f"line {number} is no row of a history")
            (history.steps if "loss" in row else history.epochs).append(row)
        return history

    def copy(self) -> Self:
        """Return a history that does not grow with this one; its rows are the same."""
        history = type(self)()
        history.steps, history.epochs = list(self.steps), list(self.epochs)
        return history

    def __eq__(self, other: object) -> bool:
        return isinstance(other, History) and self.lines() == other.lines()

    __hash__ = None  # type: ignore[assignment]

    def __len__(self) -> int:
        return len(self.epochs)


_NAN = float("nan")


_LARGEST = 2**53
"""Whole numbers beyond it are not counted in steps, and float has no place for all of them."""


def _is_row(row: dict[str, Any]) -> bool:
    """Return whether a row says its step and epoch, and nothing but numbers."""
    counted = all(type(row.get(name)) is int and row[name] >= 0 for name in ("step", "epoch"))
    return counted and all(
        isinstance(value, float) or (isinstance(value, int) and abs(value) <= _LARGEST)
        for value in row.values()
    )


def _strict(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row with null for what strict JSON has no number for: NaN and infinity."""
    return {
        name: None if isinstance(value, float) and not math.isfinite(value) else value
        for name, value in row.items()
    }
