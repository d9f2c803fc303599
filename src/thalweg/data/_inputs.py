"""What every kind of input data can do, before and after it becomes a tensor.

A source reads a user's data into `Inputs`: examples as they are, not yet
numbers. `Inputs.fit`, called on the training part only, learns an `Encoder`:
how such examples become tensors. The encoder is stored with the run, so that
data met at prediction are treated as the training data were.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from typing import Any, ClassVar, Self

import numpy as np
from jaxtyping import Float, Shaped
from torch import Tensor

from thalweg._core.choices import Choice
from thalweg._core.registry import Registry
from thalweg.data._rows import Rows
from thalweg.data.images.augmentation._colour import Palette


class Inputs(ABC):
    """Examples of one kind, not yet encoded."""

    repairs: Sequence[Choice] = ()
    """What was mended in data met at prediction, such as unseen categories, with reasons."""

    @abstractmethod
    def __len__(self) -> int:
        """Return the number of examples."""

    @abstractmethod
    def select(self, rows: np.ndarray) -> Self:
        """Return the examples at these positions, in this order."""

    @abstractmethod
    def fit(self) -> "tuple[Encoder, list[Choice]]":
        """Learn from these examples how to encode any of their kind.

        Returns:
            The encoder, and what was decided on the way, with reasons.

        Raises:
            DataError: The examples cannot be used: infinite values, all columns constant.
        """

    @abstractmethod
    def digests(self) -> list[bytes]:
        """Return one digest per example; equal examples have equal digests."""

    def columns(self) -> Iterator[Shaped[np.ndarray, " examples"]]:
        """Yield each column with equal values for equal cells; nothing where there are no cells.

        They tell how often rows are equal by chance.
        """
        return iter(())

    def signatures(self) -> Float[np.ndarray, "examples features"] | None:
        """Return one short vector per example in which near duplicates lie within distance one.

        None where "nearly equal" means nothing for this kind.
        """
        return None


class Encoder(ABC):
    """How examples of one kind become tensors. Fitted on the training part, then fixed."""

    kind: ClassVar[str]
    """The name under which it is registered: "array", "table", "image"."""

    shape: tuple[int, ...]
    """Shape of one example as the network gets it, without the batch."""

    palette: Palette | None = None
    """Where black and white lie in what the network gets; None where inputs are no pictures."""

    @abstractmethod
    def encode(self, inputs: Inputs) -> Shaped[Tensor, "examples ..."] | Rows:
        """Return the examples as one tensor, in the compact form in which they are kept."""

    @abstractmethod
    def normalize(self, stored: Shaped[Tensor, "batch ..."]) -> Float[Tensor, "batch ..."]:
        """Return a batch as the network gets it, on the device where it lies."""

    def whole(self, stored: Shaped[Tensor, "batch ..."]) -> Float[Tensor, "batch ..."]:
        """Return a batch normalized with all that is stored, for augmentation to choose from.

        By default that is what `normalize` returns.
        """
        return self.normalize(stored)

    @abstractmethod
    def read(self, given: Any) -> tuple[Inputs, tuple[str, ...]]:
        """Return data met at prediction as inputs of this kind, and a name for each example.

        Raises:
            DataError: Columns are missing, the shape differs, a file cannot be read.
        """

    @abstractmethod
    def to_json(self) -> dict[str, Any]:
        """Return everything that was learned, as plain data."""

    @classmethod
    @abstractmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        """Rebuild an encoder from `to_json`."""

    @abstractmethod
    def describe(self) -> list[dict[str, Any]]:
        """Return one row per column for the data card: name, kind, and what was learned of it."""

    def picture(self, stored: Shaped[Tensor, "..."]) -> np.ndarray | None:
        """Return one stored example as an image (height, width, 3) of uint8; None if it is none."""
        return None

    def values(self, stored: Shaped[Tensor, "..."]) -> dict[str, float | str]:
        """Return one stored example as a person would read it, column by column."""
        return {}


encoders: Registry[type[Encoder]] = Registry("kind of input")
"""Every encoder, by the kind that `schema.json` names."""


def row_names(number: int, names: Sequence[str] | None = None) -> tuple[str, ...]:
    """Return the names of examples: the ones given, or "row 0", "row 1" and so on."""
    return tuple(names) if names is not None else tuple(f"row {row}" for row in range(number))
