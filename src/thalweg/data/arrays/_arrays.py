"""Arrays and tensors: numbers of any shape, the first axis counting examples."""

from collections.abc import Iterator
from hashlib import blake2b
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from jaxtyping import Float, Float64, Shaped
from torch import Tensor

from thalweg._core import formats
from thalweg._core.choices import Choice
from thalweg._core.plain_data import rebuilt
from thalweg.data._inputs import Encoder, Inputs, encoders, row_names
from thalweg.data._parts import parts_of
from thalweg.data._source import Raw, Source, sources
from thalweg.data._target_values import as_targets, per_example, to_numpy
from thalweg.data.tables._recognize import is_frame
from thalweg.errors import DataError, ShapeError

# A spread of less than this many rounding errors of the feature's own magnitude is noise.
ROUNDING_ERRORS = 4
# With fewer features, unrelated points lie close together by chance, in a plane above all.
FEWEST_FEATURES = 8
# Rows standardized at once, in double precision: 1,024 pictures of 28×28 take 6 MiB.
CHUNK = 1024


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
        # Adding zero makes -0.0 and 0.0 one.
        flat = np.ascontiguousarray(self.values.reshape(len(self), -1) + 0)
        return [blake2b(row.tobytes(), digest_size=16).digest() for row in flat]

    def columns(self) -> Iterator[Shaped[np.ndarray, " examples"]]:
        return iter(self.values.reshape(len(self), -1).T)

    def signatures(self) -> Float[np.ndarray, "examples features"] | None:
        """Rows are near duplicates when no feature differs by more than rounding would."""
        flat = self.values.reshape(len(self), -1).astype(np.float64)
        if flat.shape[1] < FEWEST_FEATURES:
            return None
        spread = flat.std(axis=0)
        kept = flat[:, spread > 0] / spread[spread > 0]
        # Rounding to four digits moves a standardized feature by at most 5e-4.
        return kept / (5e-4 * np.sqrt(max(kept.shape[1], 1)))


@encoders.register("array", summary="numbers of any shape")
class ArrayEncoder(Encoder):
    """Standardizes each feature with the moments of the training part.

    Args:
        mean: Mean of each feature, in the shape of one example, as float64: in float32 a feature
            far from zero (seconds since 1970) would lose what varies.
        scale: Standard deviation of each feature; one where a feature is constant.
        constant: How many features never vary in the training part.
    """

    kind = "array"

    def __init__(
        self, mean: Float64[Tensor, "..."], scale: Float64[Tensor, "..."], constant: int
    ) -> None:
        self.mean = mean
        self.scale = scale
        self.constant = constant
        self.shape = tuple(mean.shape)

    @classmethod
    def fit(cls, inputs: ArrayInputs) -> tuple[Self, list[Choice]]:
        """Learn the moments of the training part."""
        values = inputs.values
        with np.errstate(over="ignore", invalid="ignore"):
            mean = values.mean(axis=0, dtype=np.float64)
            scale = values.std(axis=0, dtype=np.float64)
        _refuse_huge(scale, inputs.what)
        precision = np.finfo(values.dtype if values.dtype.kind == "f" else np.float64).eps
        is_constant = scale <= ROUNDING_ERRORS * precision * np.abs(mean)
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
        encoder = cls(torch.as_tensor(mean), torch.as_tensor(scale), constant)
        return encoder, [Choice("preprocessing", "standardize", reason)]

    def encode(self, inputs: Inputs) -> Float[Tensor, "examples ..."]:
        """Return (values − mean) / scale, computed in float64 and kept in float32."""
        assert isinstance(inputs, ArrayInputs)
        values = inputs.values
        mean, scale = self.mean.numpy(), self.scale.numpy()
        encoded = np.empty(values.shape, dtype=np.float32)
        with np.errstate(over="ignore"):
            for start in range(0, len(values), CHUNK):
                rows = slice(start, start + CHUNK)
                encoded[rows] = (values[rows].astype(np.float64) - mean) / scale
        _refuse_huge(encoded, inputs.what)
        return torch.from_numpy(encoded)

    def normalize(self, stored: Shaped[Tensor, "batch ..."]) -> Float[Tensor, "batch ..."]:
        return stored

    def read(self, given: Any) -> tuple[Inputs, tuple[str, ...]]:
        if given is None or isinstance(given, (str, Path)):
            raise DataError(
                f"this network was trained on arrays, so an array of shape (examples, "
                f"{', '.join(map(str, self.shape))}) is needed, got {formats.plain(repr(given))}."
            )
        is_one = np.shape(given) == self.shape
        values = as_numbers([given] if is_one else given, "the inputs")
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
        mean, scale = (torch.tensor(data[name], dtype=torch.float64) for name in ("mean", "scale"))
        if mean.shape != scale.shape or mean.ndim == 0 or not mean.isfinite().all():
            raise ValueError("every feature has a finite mean and a scale")
        if not (scale.isfinite() & (scale > 0)).all():
            raise ValueError("the scale of every feature must be positive and finite")
        return cls(mean, scale, rebuilt(int, data["constant"]))

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
        numbers = (stored.detach().cpu() * self.scale + self.mean).tolist()
        return {f"feature {index}": number for index, number in enumerate(numbers)}


def as_numbers(data: Any, what: str) -> Shaped[np.ndarray, "examples ..."]:
    """Return anything array-like as an array of numbers with at least two axes.

    A single axis is read as one feature per example.

    Raises:
        DataError: Rows differ in length, values are not numbers, or one is NaN or infinite.
    """
    try:
        values = to_numpy(data)
    except ValueError as error:
        raise DataError(f"{what} must be rows of equal length{_unequal(data, error)}.") from None
    if values.dtype == object:
        try:
            values = values.astype(np.float64)
        except (TypeError, ValueError, OverflowError) as error:
            raise DataError(
                f"{what} must be numbers: {formats.plain(error)}. "
                "For columns of text, pass a data frame."
            ) from None
    if values.dtype.kind not in "biuf":
        raise DataError(
            f"{what} must be numbers, got {values.dtype}. For columns of text, pass a data frame."
        )
    if values.ndim == 0:
        raise DataError(f"{what} must have one row per example, got a single number.")
    if values.size == 0:
        raise DataError(f"{what} must hold examples with features, got shape {values.shape}.")
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        bad = ~np.isfinite(values).reshape(len(values), -1)
        row, column = (int(index[0]) for index in np.nonzero(bad))
        number = formats.count(int(bad.sum()))
        raise DataError(
            f"{what} must be finite, got {number} NaN or infinite values, the first at row {row}, "
            f"feature {column}. Drop or fill them, or pass a data frame, whose missing values are "
            "filled with the training median."
        )
    return values[:, None] if values.ndim == 1 else values


def _unequal(rows: Any, error: ValueError) -> str:
    """Return which row differs from the first, or NumPy's words where none does."""
    lengths = [np.size(row) if np.isscalar(row) else len(row) for row in rows]
    for row, length in enumerate(lengths):
        if length != lengths[0]:
            return f", got {lengths[0]} values in row 0 and {length} in row {row}"
    return f": {formats.plain(error)}"


def _refuse_huge(numbers: np.ndarray, what: str) -> None:
    if not np.isfinite(numbers).all():
        raise DataError(
            f"{what} must be finite once standardized, in float32, and some are not. Rescale them, "
            "or take their logarithm."
        )


def _accepts(data: Any) -> bool:
    # A list of dictionaries is a table, row by row.
    return isinstance(data, (np.ndarray, Tensor, list, tuple)) and not is_frame(data)


def _read(data: Any, target: Any, *, group: Any = None, time: Any = None, parts: Any = None) -> Raw:
    values = as_numbers(data, "the inputs")
    return Raw(
        inputs=ArrayInputs(values),
        targets=as_targets(target, len(values)),
        names=row_names(len(values)),
        parts=parts_of(parts, len(values)),
        groups=per_example(group, len(values), "group"),
        times=per_example(time, len(values), "time"),
    )


sources.register("arrays", summary="arrays and tensors, tw.load(X, y)")(Source(_accepts, _read))
