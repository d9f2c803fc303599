"""Automatic decisions, kept with their reasons."""

from dataclasses import asdict, dataclass
from typing import Any, Self

from thalweg._core.plain_data import rebuilt


@dataclass(frozen=True)
class Choice:
    """One decision that the user did not make.

    Example:
        >>> Choice("batch_size", 32, "1,257 training examples").setting
        'batch_size'
    """

    setting: str
    """What was decided; for a setting, its name."""
    value: Any
    """What was chosen: a plain value that JSON can hold."""
    reason: str
    """Why, in one line."""

    def to_json(self) -> dict[str, Any]:
        """Return the choice as plain data."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        """Rebuild a choice from `to_json`.

        Raises:
            TypeError, ValueError: The data are no choice.
        """
        return rebuilt(cls, data)
