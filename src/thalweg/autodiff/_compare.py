"""The ways to differentiate, side by side on one function."""

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from torch import Tensor

from thalweg._core import formats
from thalweg._core.text_table import text_table
from thalweg._core.timing import fastest
from thalweg.autodiff._function import UNSUITABLE, Counted, Function, Jacobian, as_point
from thalweg.autodiff._ways import to_many_digits, ways


@dataclass(frozen=True)
class Differentiated:
    """What one way found, and what it cost."""

    way: str
    jacobian: Jacobian | None
    """None where the way cannot differentiate this function."""
    error: float | None
    """Largest difference to the reference, relative to the reference's largest entry."""
    seconds: float
    """For one Jacobian."""
    preparation_seconds: float
    """Once for all points: building the expression."""
    evaluations: int
    """Of the function, for one Jacobian."""
    backward_passes: int
    """Back through it, for one Jacobian."""
    reason: str = ""
    """Why the way cannot."""


@dataclass(frozen=True)
class Comparison:
    """Every way with its Jacobian, error and cost; printing it shows the table."""

    results: tuple[Differentiated, ...]
    reference: str
    """What the errors are measured against."""

    def __getitem__(self, way: str) -> Differentiated:
        return {each.way: each for each in self.results}[way]

    def to_json(self) -> dict[str, Any]:
        """Return the comparison as plain data."""
        rows = [
            asdict(each) | {"jacobian": None if each.jacobian is None else each.jacobian.tolist()}
            for each in self.results
        ]
        return {"reference": self.reference, "results": rows}

    def __str__(self) -> str:
        headings = ("way", "error", "time", "prepared in", "evaluations", "passes back")
        rows = [
            (
                each.way,
                f"{each.error:.1e}" if each.error is not None else "",
                formats.seconds(each.seconds),
                formats.seconds(each.preparation_seconds),
                str(each.evaluations),
                str(each.backward_passes),
            )
            for each in self.results
            if each.jacobian is not None
        ]
        cannot = [f"{each.way}: {each.reason}" for each in self.results if each.jacobian is None]
        table = text_table(headings, rows, right=" rrrrr")
        return "\n".join([table, f"errors: against {self.reference}", *cannot])


def compare(
    function: Function,
    point: Sequence[float] | Tensor | np.ndarray | float,
    names: Sequence[str] | None = None,
) -> Comparison:
    """Differentiate a function in every way, and show error, time and work side by side.

    The function is ordinary Python: arithmetic, indexing, matrix products, branches, and the
    functions of `thalweg.autodiff` (`exp`, `sin`, `maximum`, …). It runs on floats, symbols,
    dual numbers and tensors in turn. A function of torch works too; the ways that torch's
    operations exclude are then listed with the reason.

    Args:
        function: From one row of numbers to one number, or to several.
        point: Where to differentiate.
        names: The ways, of `thalweg.autodiff.ways`; all by default. The symbolic way can take
            for ever where a program repeats itself: its expression grows with every round.

    Raises:
        UnknownNameError: There is no such way.
        ShapeError: The point is no row of numbers.

    Example:
        >>> found = compare(lambda x: x[0] * x[1] + 3 * x[0], [2.0, 5.0])
        >>> found["reverse"].jacobian
        array([[8., 2.]])
        >>> found["forward-difference"].evaluations, found["reverse"].evaluations
        (3, 1)
    """
    row = as_point(point)
    chosen = list(ways.names() if names is None else names)
    tried = [_tried(name, function, row) for name in chosen]
    working = [each for each in tried if each.jacobian is not None]
    if not working:
        # No way leads through it: its own error says more than ours.
        Counted(function)(row)
    exact, reference = _reference(function, row, working)
    return Comparison(tuple(_judged(each, exact) for each in tried), reference)


def _tried(name: str, function: Function, point: np.ndarray) -> Differentiated:
    prepare, counted = ways[name], Counted(function)
    try:
        began = time.perf_counter()
        differentiate = prepare(counted, point)
        prepared = time.perf_counter() - began
        counted.evaluations = counted.backward_passes = 0
        jacobian = differentiate(point)
        evaluations, backward_passes = counted.evaluations, counted.backward_passes
    except UNSUITABLE as error:
        told = formats.plain(str(error).strip().partition("\n")[0] or type(error).__name__)
        return Differentiated(name, None, None, 0.0, 0.0, 0, 0, told)
    seconds = fastest(lambda: differentiate(point))
    return Differentiated(name, jacobian, None, seconds, prepared, evaluations, backward_passes)


def _reference(
    function: Function, point: np.ndarray, working: list[Differentiated]
) -> tuple[Jacobian, str]:
    """Return the most exact Jacobian there is, and its name."""
    found = {each.way: each.jacobian for each in working if each.jacobian is not None}
    if "symbolic" in found:
        return to_many_digits(Counted(function), point), "symbolic, evaluated to 40 digits"
    order = ("reverse", "jvp", "dual", "central-difference")
    best = next((name for name in order if name in found), working[0].way)
    return found[best], f"{best}, in double precision"


def _judged(result: Differentiated, exact: Jacobian) -> Differentiated:
    if result.jacobian is None:
        return result
    scale = float(np.abs(exact).max()) or 1.0
    with np.errstate(invalid="ignore"):  # Infinity less infinity is no number, and says so.
        error = float(np.abs(result.jacobian - exact).max()) / scale
    return Differentiated(**{**vars(result), "error": error})
