"""Arrays and tensors: numbers of any shape, the first axis counting examples."""

from typing import Any, Self

import numpy as np
import torch
from jaxtyping import Float, Shaped
from torch import Tensor

from thalweg._core import formats
from thalweg._core.choices import Choice
from thalweg.data._inputs import Encoder, Inputs, encoders, row_names
from thalweg.data._source import Raw, Source, sources
from thalweg.data._targets import as_targets
from thalweg.errors import DataError, ShapeError

# Below this share of a feature's own magnitude, its spread is rounding noise.
SMALLEST_SPREAD = 1e-6


class ArrayInputs(Inputs):
    """Numbers, not yet standardized.

    Args:
        values: Examples along the first axis.
        what: How messages call the array.
    """

    def __init__(
        self, values: Shaped[np.ndarray, "examples ..."], what: str = "the inputs"
    ) -> None:
        self.values = values
        self.what = what

    def __len__(self) -> int:
        return len(self.values)

    def select(self, rows: np.ndarray) -> Self:
        return type(self)(self.values[rows], self.what)

    def fit(self) -> "tuple[Encoder, list[Choice]]":
        return ArrayEncoder.fit(self)

    def digests(self) -> list[bytes]:
        flat = np.ascontiguousarray(self.values.reshape(len(self), -1))
        return [row.tobytes() for row in flat]

    def signatures(self) -> Float[np.ndarray, "examples features"] | None:
        """Rows are near duplicates when no feature differs by more than rounding would."""
        flat = self.values.reshape(len(self), -1).astype(np.float64)
        spread = flat.std(axis=0)
        kept = flat[:, spread > 0] / spread[spread > 0]
        # Rounding to four digits moves a standardized feature by at most 5e-4.
        return kept / (5e-4 * np.sqrt(max(kept.shape[1], 1)))


@encoders.register("array", summary="numbers of any shape")
class ArrayEncoder(Encoder):
    """Standardizes each feature with the moments of the training part.

    Args:
        mean: Mean of each feature, in the shape of one example.
        scale: Standard deviation of each feature; one where a feature is constant.
        constant: How many features never vary in the training part.
    """

    kind = "array"

    def __init__(self, mean: Tensor, scale: Tensor, constant: int) -> None:
        self.mean = mean
        self.scale = scale
        self.constant = constant
        self.shape = tuple(mean.shape)

    @classmethod
    def fit(cls, inputs: ArrayInputs) -> tuple[Self, list[Choice]]:
        """Learn the moments of the training part."""
        values = _finite(inputs)
        mean = values.mean(axis=0, dtype=np.float64)
        scale = values.std(axis=0, dtype=np.float64)
        is_constant = scale <= SMALLEST_SPREAD * np.abs(mean)
        if is_constant.all():
            raise DataError(
                f"{inputs.what} are the same in every training example, so nothing can be learned "
                "from them. Check how they were read."
            )
        constant = int(is_constant.sum())
        scale = np.where(is_constant, 1.0, scale)
        reason = "each feature to mean 0 and variance 1, with the moments of the training part"
        if constant:
            reason += f"; {formats.count(constant)} constant features are only centred"
        encoder = cls(
            torch.as_tensor(mean, dtype=torch.float32),
            torch.as_tensor(scale, dtype=torch.float32),
            constant,
        )
        return encoder, [Choice("preprocessing", "standardize", reason)]

    def encode(self, inputs: Inputs) -> Shaped[Tensor, "examples ..."]:
        assert isinstance(inputs, ArrayInputs)
        values = torch.as_tensor(np.ascontiguousarray(_finite(inputs)), dtype=torch.float32)
        return (values - self.mean) / self.scale

    def normalize(self, stored: Shaped[Tensor, "batch ..."]) -> Float[Tensor, "batch ..."]:
        return stored

    def read(self, given: Any) -> tuple[Inputs, tuple[str, ...]]:
        values = as_numbers(given, "the inputs")
        if values.shape == self.shape:
            values = values[None]
        if values.shape[1:] != self.shape:
            raise ShapeError(
                f"inputs must have shape (examples, {', '.join(map(str, self.shape))}) as in "
                f"training, got {values.shape}."
            )
        return ArrayInputs(values), row_names(len(values))

    def to_json(self) -> dict[str, Any]:
        return {
            "mean": self.mean.tolist(),
            "scale": self.scale.tolist(),
            "constant": self.constant,
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        return cls(torch.tensor(data["mean"]), torch.tensor(data["scale"]), data["constant"])

    def describe(self) -> list[dict[str, Any]]:
        if len(self.shape) != 1:
            return [{"name": "array", "kind": "number", "shape": list(self.shape)}]
        return [
            {"name": f"feature {index}", "kind": "number", "mean": mean, "std": scale}
            for index, (mean, scale) in enumerate(
                zip(self.mean.tolist(), self.scale.tolist(), strict=True)
            )
        ]

    def values(self, stored: Shaped[Tensor, "..."]) -> dict[str, float | str]:
        if len(self.shape) != 1:
            return {}
        numbers = (stored * self.scale + self.mean).tolist()
        return {f"feature {index}": number for index, number in enumerate(numbers)}


def as_numbers(data: Any, what: str) -> Shaped[np.ndarray, "examples ..."]:
    """Return anything array-like as an array of numbers with at least two axes.

    A single axis is read as one feature per example.

    Raises:
        DataError: Rows differ in length, or values are not numbers.
    """
    if isinstance(data, Tensor):
        data = data.detach().cpu().numpy()
    try:
        values = np.asarray(data)
    except ValueError as error:
        raise DataError(f"{what} must be rows of equal length: {error}.") from None
    if values.dtype == object:
        try:
            values = values.astype(np.float64)
        except (TypeError, ValueError) as error:
            raise DataError(
                f"{what} must be numbers: {error}. For columns of text, pass a data frame."
            ) from None
    if values.dtype.kind not in "biuf":
        raise DataError(
            f"{what} must be numbers, got {values.dtype}. For columns of text, pass a data frame."
        )
    if values.ndim == 0:
        raise DataError(f"{what} must have one row per example, got a single number.")
    return values[:, None] if values.ndim == 1 else values


def _accepts(data: Any) -> bool:
    return isinstance(data, (np.ndarray, Tensor, list, tuple))


def _read(data: Any, target: Any) -> Raw:
    values = as_numbers(data, "the inputs")
    return Raw(
        inputs=ArrayInputs(values),
        targets=as_targets(target, len(values)),
        names=row_names(len(values)),
    )


sources.register("arrays", summary="arrays and tensors, tw.load(X, y)")(Source(_accepts, _read))


def _finite(inputs: ArrayInputs) -> np.ndarray:
    """Return the values, all finite.

    Raises:
        DataError: One is NaN or infinite; the message says where.
    """
    values = inputs.values
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        bad = ~np.isfinite(values).reshape(len(values), -1)
        row, column = (int(index[0]) for index in np.nonzero(bad))
        raise DataError(
            f"{inputs.what} must be finite, got {formats.count(bad.sum())} NaN or infinite values, "
            f"the first at row {row}, feature {column}. Drop or fill them, or pass a data frame, "
            "whose missing values are filled with the training median."
        )
    return values
