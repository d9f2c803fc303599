"""Training, validation and test examples, and the schema they share."""

from dataclasses import dataclass, field
from typing import Any, Self

from jaxtyping import Shaped
from torch import Tensor

from thalweg._core import formats
from thalweg._core.choices import Choice
from thalweg._core.plain_data import rebuilt
from thalweg.data._inputs import Encoder, encoders
from thalweg.data._rows import Rows
from thalweg.data._targets import Target

PARTS = ("train", "valid", "test")


@dataclass(frozen=True)
class Examples:
    """One part of the data: encoded inputs, encoded targets, and a name for each example."""

    inputs: Shaped[Tensor, "examples ..."] | Rows
    """A tensor; where they are too large for the memory, rows of a file, read by the batch."""
    targets: Shaped[Tensor, "examples ..."]
    names: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.names)


@dataclass(frozen=True)
class Schema:
    """Everything known of the data but the data: enough to treat new examples alike."""

    source: str
    """A builtin name or an absolute path that `tw.load` takes again; else what kind of object
    it was."""
    is_reloadable: bool
    options: dict[str, Any]
    """What `tw.load` was called with besides the source."""
    encoder: Encoder
    target: Target
    counts: dict[str, int]
    """Examples in each part."""
    duplicates: dict[str, int]
    """"exact" and "near": how many examples repeat an earlier one. All stay on one side."""
    fingerprint: str
    """Digest of every example, target and part: equal data, equal fingerprint."""
    choices: list[Choice] = field(default_factory=list)
    name: str = ""
    """The source as the user wrote it, for people."""

    def to_json(self) -> dict[str, Any]:
        """Return the schema as plain data."""
        return {
            "source": self.source,
            "name": self.name,
            "is_reloadable": self.is_reloadable,
            "options": self.options,
            "inputs": {"kind": self.encoder.kind, **self.encoder.to_json()},
            "target": self.target.to_json(),
            "counts": self.counts,
            "duplicates": self.duplicates,
            "fingerprint": self.fingerprint,
            "choices": [choice.to_json() for choice in self.choices],
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        """Rebuild a schema from `to_json`.

        Raises:
            KeyError, TypeError, ValueError: The data are no schema.
        """
        inputs = dict(data["inputs"])
        encoder = encoders[inputs.pop("kind")].from_json(inputs)
        counts = rebuilt(dict[str, int], data["counts"])
        duplicates = rebuilt(dict[str, int], data["duplicates"])
        if set(counts) != set(PARTS) or set(duplicates) != {"exact", "near"}:
            raise ValueError("examples are counted by part, duplicates as exact and near")
        return cls(
            source=rebuilt(str, data["source"]),
            name=rebuilt(str, data["name"]),
            is_reloadable=rebuilt(bool, data["is_reloadable"]),
            options=rebuilt(dict[str, Any], data["options"]),
            encoder=encoder,
            target=Target.from_json(data["target"]),
            counts=counts,
            duplicates=duplicates,
            fingerprint=rebuilt(str, data["fingerprint"]),
            choices=rebuilt(list[Choice], data["choices"]),
        )


@dataclass(frozen=True)
class Splits:
    """Data ready to train on."""

    train: Examples
    valid: Examples
    test: Examples
    schema: Schema

    def __getitem__(self, part: str) -> Examples:
        assert part in PARTS, part
        return getattr(self, part)

    def __repr__(self) -> str:
        schema = self.schema
        shape = "×".join(str(length) for length in schema.encoder.shape)
        parts = ", ".join(f"{formats.count(len(self[part]))} {part}" for part in PARTS)
        return f"Splits({schema.name}: {parts}; {schema.encoder.kind} {shape} → {schema.target})"
