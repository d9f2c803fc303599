"""Curvature: products with the Hessian, its largest eigenvalue, Newton's step."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from thalweg._core import seeds
from thalweg.errors import SettingError, ShapeError

Scalar = Callable[[Tensor], Tensor]
"""From a row of numbers to one number: a plain function, or a `FlatLoss`."""

# The Hessian of more numbers is a matrix of more than 128 MiB in double precision.
MOST_NUMBERS = 4096
# An eigenvalue below this share of the largest is rounding.
FLAT = 1e-10


def hessian_vector_product(
    function: Scalar,
    point: Tensor,
    vector: Float[Tensor, " numbers"],
) -> Float[Tensor, " numbers"]:
    """Return H·v, the Hessian times a vector, without ever forming the Hessian.

    It is the gradient of the number ∇f·v: two passes back, whatever the size (Pearlmutter, 1994).

    Raises:
        ShapeError: The function gives more than one number, or point and vector do not fit.
        SettingError: The function does not depend on the point.

    Example:
        >>> x = torch.tensor([1.0, 2.0])
        >>> hessian_vector_product(lambda x: x[0] ** 2 * x[1], x, torch.tensor([1.0, 0.0]))
        tensor([4., 2.])
    """
    numbers, gradient = _gradient(function, point, twice=True)
    if not isinstance(vector, Tensor) or vector.shape != point.shape:
        got = tuple(vector.shape) if isinstance(vector, Tensor) else type(vector).__name__
        raise ShapeError(f"the vector must be a tensor of {len(point)} numbers, got {got}.")
    # Of a function that is linear in pieces the gradient is constant.
    if not gradient.requires_grad:
        return torch.zeros_like(point)
    with torch.enable_grad():
        along = gradient @ vector.to(gradient)
    (found,) = torch.autograd.grad(along, numbers, allow_unused=True)
    return torch.zeros_like(point) if found is None else found.detach()


@dataclass(frozen=True, eq=False)
class Eigenpair:
    """An eigenvalue of a Hessian."""

    value: float
    vector: Float[Tensor, " numbers"]
    """Of length one."""
    residual: float
    """‖H·v − λ·v‖, within which some eigenvalue lies."""
    products: int
    """With the Hessian, that it took."""


def top_eigenvalue(
    function: Scalar,
    point: Tensor,
    *,
    method: Literal["lanczos", "power"] = "lanczos",
    tolerance: float = 1e-6,
    most: int = 1000,
    seed: int = 0,
) -> Eigenpair:
    """Return the largest eigenvalue of the Hessian, its sharpest curvature.

    Plain gradient descent is stable below the rate 2/λ. Lanczos is ARPACK's, through scipy. The
    power method, for comparison, multiplies by H until the direction stays; where the eigenvalue
    of largest size is negative, it starts again on H − λ·I, whose largest one belongs to H's top.

    Args:
        function: To one number.
        point: Where.
        method: "lanczos" or "power".
        tolerance: Of the residual, relative to the eigenvalue.
        most: Products with the Hessian that may be spent on it.
        seed: Of the direction to begin with.

    Raises:
        SettingError: It has not converged after so many products, or is not finite.

    Example:
        >>> found = top_eigenvalue(lambda x: x[0] ** 2 - 3 * x[1] ** 2, torch.zeros(2))
        >>> round(found.value, 4)
        2.0
    """
    if method not in ("lanczos", "power"):
        raise SettingError(f"method must be 'lanczos' or 'power', got {method!r}.")
    _check_point(point)
    operator = _Operator(function, point, most)
    draw = seeds.generator(seed, "eigenvalue")
    start = torch.randn(len(point), generator=draw, dtype=torch.float64).to(point)
    start /= start.norm()
    image = operator(start)
    if not bool(torch.isfinite(image).all()):
        raise SettingError("the curvature must be finite at the point. Move it.")
    if not bool(image.any()):
        # No direction at random is flat but where all are.
        return Eigenpair(0.0, start, 0.0, operator.products)
    if method == "lanczos" and len(point) > 1:
        vector = _lanczos(operator, start, tolerance)
    else:
        vector, value = _power(operator, start, 0.0, tolerance)
        if value < 0:
            # From the same start: the vector just found has no share in the others.
            vector, _ = _power(operator, start, value, tolerance)
    image = operator(vector)
    value = float(vector @ image)
    return Eigenpair(value, vector, float((image - value * vector).norm()), operator.products)


@dataclass(frozen=True, eq=False)
class NewtonStep:
    """Where Newton's method goes from a point."""

    step: Float[Tensor, " numbers"]
    """To be added to the point."""
    gain: float
    """By how much the quadratic model says that the function falls."""
    smallest_eigenvalue: float
    """Of the Hessian as it is."""
    is_repaired: bool
    """Whether the Hessian was changed to be positive definite."""


def newton_step(
    function: Scalar,
    point: Tensor,
    *,
    repair: Literal["shift", "absolute"] | None = None,
    least: float = 1e-3,
) -> NewtonStep:
    """Return −H⁻¹·∇f, the step to the minimum of the quadratic that touches the function.

    That quadratic has a minimum only where the Hessian is positive definite. Elsewhere the step
    leads to a saddle or up, unless it is repaired: "shift" adds the same number to all
    eigenvalues until the smallest is large enough (Levenberg, 1944); "absolute" takes their
    sizes, which leaves a saddle along its falling side (Dauphin et al., 2014). The whole Hessian
    is formed: n products for n numbers, n³ operations.

    Args:
        function: To one number.
        point: Where.
        repair: What to do where the Hessian is not positive definite; by default an error.
        least: The smallest eigenvalue after a repair, relative to that of the largest size.

    Raises:
        SettingError: It is not positive definite and no repair is chosen, or there are too many
            numbers.

    Example:
        >>> bowl = lambda x: (x[0] - 3) ** 2 + 10 * (x[1] + 1) ** 2
        >>> newton_step(bowl, torch.zeros(2)).step
        tensor([ 3., -1.])
    """
    if repair not in (None, "shift", "absolute"):
        raise SettingError(f"repair must be None, 'shift' or 'absolute', got {repair!r}.")
    _check_point(point)
    if len(point) > MOST_NUMBERS:
        raise SettingError(
            f"Newton's step forms a matrix of {len(point)}×{len(point)}, more than "
            f"{MOST_NUMBERS}×{MOST_NUMBERS}. Use products with the Hessian instead."
        )
    _, gradient = _gradient(function, point, twice=False)
    columns = [
        hessian_vector_product(function, point, each) for each in torch.eye(len(point)).to(point)
    ]
    hessian = torch.stack(columns, dim=1).double()
    if not bool(torch.isfinite(hessian).all() and torch.isfinite(gradient).all()):
        raise SettingError("slope and curvature must be finite at the point. Move it.")
    values, vectors = torch.linalg.eigh((hessian + hessian.mT) / 2)
    smallest, size = float(values[0]), float(values.abs().max())
    is_repaired = not smallest > FLAT * size
    if is_repaired and repair is None:
        raise SettingError(
            f"the Hessian must be positive definite, its smallest eigenvalue is {smallest:.3g}. "
            'Choose repair="shift" or repair="absolute", or begin nearer to a minimum.'
        )
    if is_repaired:
        floor = least * size or 1.0  # A function that is flat everywhere takes its gradient.
        values = values + (floor - smallest) if repair == "shift" else values.abs()
        values = values.clamp(min=floor)
    along = vectors.mT @ gradient.double()
    step = -vectors @ (along / values)
    gain = float((along.square() / values).sum()) / 2
    return NewtonStep(step.to(point), gain, smallest, is_repaired)


class _Operator:
    """The Hessian at a point, by its products; counted."""

    def __init__(self, function: Scalar, point: Tensor, most: int) -> None:
        self.function, self.point, self.most = function, point, most
        self.products = 0

    def __call__(self, vector: Tensor) -> Tensor:
        self.products += 1
        if self.products > self.most:
            raise SettingError(
                f"the eigenvalue has not converged after {self.most} products. "
                "Raise most=, or the tolerance."
            )
        return hessian_vector_product(self.function, self.point, vector)


def _lanczos(operator: _Operator, start: Tensor, tolerance: float) -> Tensor:
    """Return the eigenvector of the largest eigenvalue."""
    # Late: only this needs it.
    from scipy.sparse.linalg import ArpackError, LinearOperator, eigsh

    size = len(start)

    class Hessian(LinearOperator):
        def _matvec(self, x: np.ndarray) -> np.ndarray:
            return operator(torch.from_numpy(x.reshape(-1)).to(start)).double().cpu().numpy()

    hessian = Hessian(np.float64, (size, size))
    # scipy says `int` for the tolerance, and takes a share of the eigenvalue.
    options: dict[str, Any] = {"tol": tolerance, "maxiter": operator.most}
    try:
        _, vectors = eigsh(hessian, k=1, which="LA", v0=start.double().cpu().numpy(), **options)
    except ArpackError as error:
        raise SettingError(
            f"the eigenvalue has not converged after {operator.products} products. "
            "Raise most=, or the tolerance."
        ) from error
    return torch.from_numpy(vectors[:, 0].copy()).to(start)


def _power(
    operator: _Operator, start: Tensor, shift: float, tolerance: float
) -> tuple[Tensor, float]:
    """Return the direction that H − shift·I stretches most, and H's own stretch along it."""
    vector, value = start, math.nan
    while True:
        image = operator(vector)
        value = float(vector @ image)
        residual = float((image - value * vector).norm())
        if residual <= tolerance * max(abs(value), abs(shift)) or residual == 0:
            return vector, value
        image = image - shift * vector
        vector = image / image.norm()


def _gradient(function: Scalar, point: Tensor, twice: bool) -> tuple[Tensor, Tensor]:
    """Return the point as differentiated, and the gradient there."""
    _check_point(point)
    numbers = point.detach().clone().requires_grad_()
    with torch.enable_grad():
        value = function(numbers)
    if not isinstance(value, Tensor):
        raise SettingError(
            f"the function must give a tensor of one number, got {type(value).__name__}. "
            "Compute it by torch from its argument."
        )
    if value.numel() != 1:
        raise ShapeError(f"the function must give one number, got shape {tuple(value.shape)}.")
    if not value.requires_grad:
        raise SettingError("the function must depend on the point. Compute it from its argument.")
    (found,) = torch.autograd.grad(value, numbers, torch.ones_like(value), create_graph=twice)
    return numbers, found


def _check_point(point: object) -> None:
    """Refuse what is no row of floats.

    Raises:
        ShapeError: It has another shape or type.
    """
    if not isinstance(point, Tensor):
        raise ShapeError(
            f"the point must be a row of floats, got {type(point).__name__}. Pass a tensor."
        )
    if point.ndim != 1 or not point.numel() or not point.is_floating_point():
        raise ShapeError(
            f"the point must be a row of floats, got shape {tuple(point.shape)} and "
            f"{point.dtype}. For a network, take FlatLoss and its point."
        )
