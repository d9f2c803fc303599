"""Four ways to differentiate a function: by differences, by symbols, forward, in reverse.

Each is a function of two steps: what is prepared once (an expression, say), and the Jacobian
at a point.
"""

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from thalweg._core.registry import Registry
from thalweg.autodiff._dual import Dual
from thalweg.autodiff._function import (
    Counted,
    Jacobian,
    check_stays,
    floats,
    to_list,
    to_row,
    to_tensor,
)

Differentiate = Callable[[np.ndarray], Jacobian]
ways: Registry[Callable[[Counted, np.ndarray], Differentiate]] = Registry("way to differentiate")
"""Every way by name; each takes a function and a point where it can be tried."""

# A difference errs twice. The series cut off costs h/2·f″ forward, h²/6·f‴ centrally; rounding
# costs about ε·f/h, where ε = 2.2e-16 is that of double precision. The sum is least near √ε
# forward and ε^⅓ centrally, for a function whose derivatives are of its own size: errors of
# √ε ≈ 1.5e-8 and ε^⅔ ≈ 4e-11. Both are relative to inputs larger than one.
FORWARD_STEP = float(np.finfo(np.float64).eps ** (1 / 2))
CENTRAL_STEP = float(np.finfo(np.float64).eps ** (1 / 3))
# Beyond double precision, so that what it is compared with shows its own rounding.
DIGITS = 40


def steps(point: np.ndarray, size: float) -> np.ndarray:
    """Return the step along each input, such that x + h − x is h to the last bit."""
    moved = point + size * np.maximum(1.0, np.abs(point))
    return moved - point


@ways.register("forward-difference", summary="(f(x + h) − f(x)) / h, an evaluation per input")
def forward_difference(function: Counted, point: np.ndarray) -> Differentiate:
    """Differentiate by moving one input at a time, to one side."""
    value = floats(function, point)

    def jacobian(point: np.ndarray) -> Jacobian:
        here, columns = value(point), []
        for column, step in enumerate(steps(point, FORWARD_STEP)):
            columns.append(_apart(value(_moved(point, column, step)), here) / step)
        return np.stack(columns, axis=1)

    return jacobian


@ways.register("central-difference", summary="(f(x + h) − f(x − h)) / 2h, two per input")
def central_difference(function: Counted, point: np.ndarray) -> Differentiate:
    """Differentiate by moving one input at a time, to both sides."""
    value = floats(function, point)

    def jacobian(point: np.ndarray) -> Jacobian:
        columns = []
        for column, step in enumerate(steps(point, CENTRAL_STEP)):
            ahead, behind = (value(_moved(point, column, each)) for each in (step, -step))
            columns.append(_apart(ahead, behind) / (2 * step))
        return np.stack(columns, axis=1)

    return jacobian


@ways.register("symbolic", summary="the rules of calculus on the expression, by sympy")
def symbolic(function: Counted, point: np.ndarray) -> Differentiate:
    """Differentiate the expression that the function is; once, for all points."""
    evaluate = _lambdified(function, len(point), "math")
    return lambda point: np.array(evaluate(*point.tolist()), dtype=np.float64)


def to_many_digits(function: Counted, point: np.ndarray) -> Jacobian:
    """Return the symbolic Jacobian, evaluated to forty digits before it is rounded."""
    import mpmath  # Comes with sympy, which comes with torch.

    evaluate = _lambdified(function, len(point), "mpmath")
    with mpmath.workdps(DIGITS):
        rows = evaluate(*map(mpmath.mpf, point.tolist()))
        return np.array([[float(each) for each in row] for row in rows])


@ways.register("dual", summary="forward mode: dual numbers, a pass per input")
def dual(function: Counted, point: np.ndarray) -> Differentiate:
    """Differentiate by numbers that carry their slope along one input at a time."""

    def jacobian(point: np.ndarray) -> Jacobian:
        columns = []
        for column in range(len(point)):
            numbers = np.empty(len(point), dtype=object)
            numbers[:] = [Dual(x, float(row == column)) for row, x in enumerate(point.tolist())]
            outputs = to_list(function(numbers))
            columns.append([each.slope if isinstance(each, Dual) else 0.0 for each in outputs])
        return np.array(columns, dtype=np.float64).T

    return jacobian


@ways.register("jvp", summary="forward mode: torch.func.jvp, a pass per input")
def jvp(function: Counted, point: np.ndarray) -> Differentiate:
    """Differentiate by torch's forward mode along one input at a time."""
    check_stays(function, point)

    def jacobian(point: np.ndarray) -> Jacobian:
        columns = []
        with warnings.catch_warnings():
            # torch itself calls what it deprecates, once, where it loads its forward mode.
            warnings.filterwarnings("ignore", r"`torch\.jit\.script", DeprecationWarning)
            for direction in torch.eye(len(point), dtype=torch.float64):
                found = torch.func.jvp(
                    lambda numbers: to_row(function(numbers)), (to_tensor(point),), (direction,)
                )
                # Detached: a network's weights have gradients.
                columns.append(found[1].detach().numpy())
        return np.stack(columns, axis=1)

    return jacobian


@ways.register("reverse", summary="reverse mode: autograd, a pass back per output")
def reverse(function: Counted, point: np.ndarray) -> Differentiate:
    """Differentiate one output at a time along all inputs, by autograd."""
    check_stays(function, point)

    def jacobian(point: np.ndarray) -> Jacobian:
        inputs = to_tensor(point).requires_grad_()
        outputs = to_row(function(inputs))
        rows = np.zeros((len(outputs), len(point)))
        for row in range(len(outputs)):
            function.backward_passes += 1
            found = _row(outputs[row], inputs, keep=row + 1 < len(outputs))
            if found is not None:
                rows[row] = found.numpy()
        return rows

    return jacobian


def _row(output: torch.Tensor, inputs: torch.Tensor, keep: bool) -> torch.Tensor | None:
    """Return the gradient of one output; None where it does not depend on the inputs."""
    if not output.requires_grad:
        return None
    return torch.autograd.grad(output, inputs, retain_graph=keep, allow_unused=True)[0]


def _apart(values: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Return by how much values differ: no number between infinities of one sign."""
    with np.errstate(invalid="ignore"):
        return values - others


def _moved(point: np.ndarray, column: int, by: float) -> np.ndarray:
    moved = point.copy()
    moved[column] += by
    return moved


def _lambdified(function: Counted, inputs: int, numbers: str) -> Callable[..., Any]:
    """Return the Jacobian's expression as a function of floats or of mpmath's numbers."""
    import sympy  # Late: a second, and only this way needs it.

    symbols = sympy.symbols(f"x:{inputs}", real=True)
    row = np.empty(inputs, dtype=object)
    row[:] = symbols
    outputs = sympy.Matrix([sympy.sympify(each) for each in to_list(function(row))])
    found = outputs.jacobian(sympy.Matrix(symbols))
    return sympy.lambdify(symbols, found.tolist(), modules=numbers, cse=True)
