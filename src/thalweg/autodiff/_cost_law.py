"""What a Jacobian costs, against the number of inputs and of outputs.

Forward mode and differences pay for each input, reverse mode for each output. A loss has one
output and a network millions of inputs: hence backpropagation.
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from thalweg._core import formats
from thalweg._core.line_chart import Panel, line_chart
from thalweg._core.seeds import numpy_generator
from thalweg._core.text_table import text_table
from thalweg._core.timing import fastest
from thalweg.autodiff._elementary import like, tanh
from thalweg.autodiff._function import Counted, Function
from thalweg.autodiff._ways import ways
from thalweg.errors import SettingError

# Those that run on tensors or arrays as a whole, so that the law shows and not Python's speed.
WAYS = ("forward-difference", "jvp", "reverse")
# Wide enough that a pass costs more than the calls it is made of.
HIDDEN = 512
SIZES = (1, 4, 16, 64, 256)


@dataclass(frozen=True)
class Cost:
    """What one Jacobian cost."""

    way: str
    inputs: int
    outputs: int
    evaluations: int
    """Of the function."""
    backward_passes: int
    """Back through it."""
    seconds: float
    """The fastest of several."""
    function_seconds: float
    """One evaluation on the same kind of number, the fastest of several."""

    @property
    def relative(self) -> float:
        """Time in evaluations of the function."""
        return self.seconds / self.function_seconds


@dataclass(frozen=True)
class CostLaw:
    """Costs against inputs (at one output) and outputs (at one input), as table and picture."""

    costs: tuple[Cost, ...]

    def passes(self, way: str, inputs: int = 1, outputs: int = 1) -> int:
        """Return the passes, forward and back, of one Jacobian of this size."""
        for cost in self.costs:
            if (cost.way, cost.inputs, cost.outputs) == (way, inputs, outputs):
                return cost.evaluations + cost.backward_passes
        raise SettingError(f"no cost of {way!r} at {inputs} inputs and {outputs} outputs is known.")

    def to_json(self) -> list[dict[str, Any]]:
        """Return the costs as plain data."""
        return [asdict(cost) for cost in self.costs]

    def picture(self, path: str | Path) -> Path:
        """Write two charts of passes, against inputs and against outputs, as one SVG.

        Raises:
            RunError: The file cannot be written.
        """
        panels = [
            Panel("inputs, at one output", self._curves(lambda cost: cost.inputs, "outputs")),
            Panel("outputs, at one input", self._curves(lambda cost: cost.outputs, "inputs")),
        ]
        title, height = "What a Jacobian costs", "time ÷ time of one evaluation"
        return line_chart(title, height, panels, log_x=True).save(path)

    def _curves(self, x: Callable[[Cost], int], fixed: str) -> dict[str, list[tuple[float, float]]]:
        names = dict.fromkeys(cost.way for cost in self.costs)
        found = {
            name: {
                x(cost): cost.relative
                for cost in self.costs
                if cost.way == name and getattr(cost, fixed) == 1
            }
            for name in names
        }
        return {name: sorted(curve.items()) for name, curve in found.items()}

    def __str__(self) -> str:
        headings = ("way", "inputs", "outputs", "evaluations", "passes back", "time", "÷ f")
        rows = [
            (
                cost.way,
                str(cost.inputs),
                str(cost.outputs),
                str(cost.evaluations),
                str(cost.backward_passes),
                formats.seconds(cost.seconds),
                f"{cost.relative:.1f}",
            )
            for cost in self.costs
        ]
        return text_table(headings, rows, right=" rrrrrr")


def perceptron(inputs: int, outputs: int) -> Function:
    """Return x ↦ C·tanh(B·tanh(A·x)), two layers of 512 units, weights from a fixed seed."""
    draw = numpy_generator(0, "cost-law", inputs, outputs)
    first = draw.normal(size=(HIDDEN, inputs)) / inputs**0.5
    middle = draw.normal(size=(HIDDEN, HIDDEN)) / HIDDEN**0.5
    last = draw.normal(size=(outputs, HIDDEN)) / HIDDEN**0.5
    return lambda x: like(last, x) @ tanh(like(middle, x) @ tanh(like(first, x) @ x))


def cost_law(
    make: Callable[[int, int], Function] = perceptron,
    inputs: Sequence[int] = SIZES,
    outputs: Sequence[int] = SIZES,
    names: Sequence[str] = WAYS,
) -> CostLaw:
    """Measure what a Jacobian costs at several numbers of inputs, and of outputs.

    Each number of inputs goes with one output, and each number of outputs with one input.

    Args:
        make: Returns a function of so many inputs with so many outputs.
        inputs: Numbers of inputs.
        outputs: Numbers of outputs.
        names: The ways, of `thalweg.autodiff.ways`.

    Raises:
        SettingError: A number is below 1.
        UnknownNameError: There is no such way.

    Example:
        >>> law = cost_law(inputs=[1, 8], outputs=[1, 8])
        >>> [law.passes(way, inputs=8) for way in ("forward-difference", "jvp", "reverse")]
        [9, 8, 2]
        >>> [law.passes(way, outputs=8) for way in ("forward-difference", "jvp", "reverse")]
        [2, 1, 9]
    """
    if not inputs or not outputs or min(*inputs, *outputs) < 1:
        raise SettingError("numbers of inputs and of outputs must be at least 1.")
    pairs = dict.fromkeys([*((each, 1) for each in inputs), *((1, each) for each in outputs)])
    return CostLaw(tuple(_cost(name, make(*pair), pair) for name in names for pair in pairs))


def _cost(way: str, function: Function, size: tuple[int, int]) -> Cost:
    counted, point = Counted(function), np.linspace(-1.0, 1.0, size[0])
    differentiate = ways[way](counted, point)
    counted.evaluations = counted.backward_passes = 0
    differentiate(point)
    evaluations, backward_passes = counted.evaluations, counted.backward_passes
    on_tensors = torch.from_numpy(point) if way in ("jvp", "reverse") else point
    return Cost(
        way,
        *size,
        evaluations,
        backward_passes,
        seconds=fastest(lambda: differentiate(point)),
        function_seconds=fastest(lambda: function(on_tensors)),
    )
