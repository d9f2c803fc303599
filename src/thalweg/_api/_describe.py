"""What there is to choose from, and what a data set holds."""

from dataclasses import dataclass
from typing import Any

from thalweg import models
from thalweg.data import builtins, load, sources


@dataclass(frozen=True)
class DataCard:
    """What is known of a data set before training on it."""

    source: str
    kind: str
    shape: tuple[int, ...]
    counts: dict[str, int]
    duplicates: dict[str, int]
    target: dict[str, Any]
    columns: list[dict[str, Any]]
    choices: list[dict[str, Any]]

    def to_json(self) -> dict[str, Any]:
        """Return the card as plain data."""
        return dict(vars(self))


def describe_data(source: Any, **options: Any) -> DataCard:
    """Load data as `tw.load` does and return what is known of them."""
    schema = load(source, **options).schema
    return DataCard(
        source=schema.name,
        kind=schema.encoder.kind,
        shape=schema.encoder.shape,
        counts=schema.counts,
        duplicates=schema.duplicates,
        target=schema.target.to_json(),
        columns=schema.encoder.describe(),
        choices=[choice.to_json() for choice in schema.choices],
    )


def list_models() -> list[dict[str, str]]:
    """Return the name and summary of every network."""
    return [{"name": entry.name, "summary": entry.summary} for entry in models.networks]


def list_data() -> list[dict[str, str]]:
    """Return the name and summary of every builtin data set, then of every source."""
    named = [{"name": entry.name, "summary": entry.summary} for entry in builtins]
    kinds = [{"name": f"({entry.name})", "summary": entry.summary} for entry in sources]
    return named + kinds
