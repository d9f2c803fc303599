"""Points drawn from a formula: the small problems on which networks are explained."""

import numpy as np
from jaxtyping import Float, Int

from thalweg._core import seeds

Points = Float[np.ndarray, "examples 2"]
Labels = Int[np.ndarray, " examples"]


def draw_xor(n: int, *, seed: int, noise: float) -> tuple[Points, Labels]:
    """Draw points around the corners of the unit square; the class is the corners' XOR.

    No single line separates the classes (Minsky and Papert, 1969).

    Example:
        >>> draw_xor(4, seed=0, noise=0.0)[1]
        array([0, 1, 1, 0])
    """
    corners = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])[np.arange(n) % 4]
    draws = seeds.numpy_generator(seed, "xor")
    return corners + noise * draws.standard_normal((n, 2)), corners[:, 0] ^ corners[:, 1]


def draw_moons(n: int, *, seed: int, noise: float) -> tuple[Points, Labels]:
    """Draw points along two half circles of radius one, each reaching into the other."""
    draws = seeds.numpy_generator(seed, "moons")
    labels = np.arange(n) % 2
    angle = np.pi * draws.random(n)
    upper = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    points = np.where(labels[:, None] == 0, upper, [1.0, 0.5] - upper)
    return points + noise * draws.standard_normal((n, 2)), labels


def draw_spirals(
    n: int, *, seed: int, noise: float, classes: int, turns: float
) -> tuple[Points, Labels]:
    """Draw points along one Archimedean spiral per class, from the centre to radius one.

    Args:
        n: How many.
        seed: Of the points.
        noise: Standard deviation across and along the spiral.
        classes: How many spirals.
        turns: How often each winds around the centre.
    """
    draws = seeds.numpy_generator(seed, "spirals")
    labels = np.arange(n) % classes
    radius = draws.random(n)
    angle = 2 * np.pi * (turns * radius + labels / classes)
    points = radius[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    return points + noise * draws.standard_normal((n, 2)), labels


def draw_piecewise(
    n: int, *, seed: int, noise: float, left: float, right: float, kink: float, offset: float
) -> tuple[Float[np.ndarray, "examples 1"], Float[np.ndarray, " examples"]]:
    """Draw a function of one number that is linear on either side of a kink.

    f(x) = m₁ min(x − x₀, 0) + m₂ max(x − x₀, 0) + b, x uniform in [−1, 1]. One hidden ReLU
    layer of two units represents it exactly.

    Args:
        n: How many.
        seed: Of the points.
        noise: Standard deviation of what is added to f.
        left: Slope m₁ below the kink.
        right: Slope m₂ above it.
        kink: Where the slope changes, x₀.
        offset: Value at the kink, b.

    Example:
        >>> x, y = draw_piecewise(
        ...     3, seed=0, noise=0.0, left=-1.0, right=2.0, kink=0.0, offset=0.0
        ... )
        >>> bool((y == np.where(x[:, 0] < 0, -x[:, 0], 2 * x[:, 0])).all())
        True
    """
    draws = seeds.numpy_generator(seed, "piecewise")
    x = draws.uniform(-1.0, 1.0, size=(n, 1))
    beyond = x[:, 0] - kink
    values = left * np.minimum(beyond, 0) + right * np.maximum(beyond, 0) + offset
    return x, values + noise * draws.standard_normal(n)
