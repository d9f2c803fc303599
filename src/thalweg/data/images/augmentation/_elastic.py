"""Elastic distortion: a smooth random field moves every place a little.

The field is a cubic B-spline over a coarse grid of random displacements (Ronneberger et al.,
2015, section 3.1; splines as of Rueckert et al., 1999). It has two derivatives, nowhere moves
further than its knots do, and is known at any place, so that points move exactly as pixels do.
"""

import torch
from jaxtyping import Float, Int
from torch import Tensor

from thalweg.data.images.augmentation._draws import LEVELS, hashed

# Pieces of the spline along each side: bumps of the width that Simard et al. (2003) found best
# for handwriting, four pixels of 29.
PIECES = 4
# A cubic piece has four knots.
KNOTS = PIECES + 3
# Displacements below 0.48 of the distance between knots never fold a picture over itself
# (Choi and Lee, 2000).
MOST_ELASTIC = 0.12
# Newton's steps to a place whose image is known: the error is squared each time.
STEPS = 8


def draw_knots(keys: Int[Tensor, "batch 2"], elastic: float) -> Float[Tensor, "batch 2 knots cols"]:
    """Return the displacement of each knot, along x and along y, in half sides.

    Args:
        keys: Of the pictures.
        elastic: Largest displacement, as a share of a side.
    """
    drawn = hashed(keys, 2 * KNOTS * KNOTS).reshape(-1, 2, KNOTS, KNOTS)
    return 2 * elastic * (2 * drawn.float() / (LEVELS - 1) - 1)


def field(
    knots: Float[Tensor, "batch 2 knots cols"], size: tuple[int, int]
) -> Float[Tensor, "batch 2 height width"]:
    """Return the displacement along x and y at the centre of every pixel."""
    rows, columns = (_weights(_centres(length, knots)) for length in size)
    return rows @ knots @ columns.mT


def displaced(
    knots: Float[Tensor, "batch 2 knots cols"], places: Float[Tensor, "batch points 2"]
) -> Float[Tensor, "batch points 2"]:
    """Return where places (x, y) are moved to."""
    along, down = _weights(places[..., 0]), _weights(places[..., 1])
    return places + torch.einsum("bpj,bpi,bcij->bpc", along, down, knots)


def undisplaced(
    knots: Float[Tensor, "batch 2 knots cols"], places: Float[Tensor, "batch points 2"]
) -> Float[Tensor, "batch points 2"]:
    """Return which places are moved to the given ones, by Newton's method."""
    found = places
    for _ in range(STEPS):
        x, y = found.unbind(-1)
        along, down = _weights(x), _weights(y)
        slopes = [
            torch.einsum("bpj,bpi,bcij->bpc", _weights(x, slope=True), down, knots),
            torch.einsum("bpj,bpi,bcij->bpc", along, _weights(y, slope=True), knots),
        ]
        # The columns are the derivatives of the new place along x and along y.
        jacobian = torch.eye(2, device=places.device) + torch.stack(slopes, dim=-1)
        miss = displaced(knots, found) - places
        found = found - torch.linalg.solve(jacobian, miss.unsqueeze(-1)).squeeze(-1)
    return found


def _centres(length: int, like: Tensor) -> Float[Tensor, " length"]:
    """Return the centres of so many pixels, in half sides."""
    return (torch.arange(length, device=like.device, dtype=like.dtype) * 2 + 1) / length - 1


def _weights(
    places: Float[Tensor, "*places"], slope: bool = False
) -> Float[Tensor, "*places knots"]:
    """Return how much each knot counts at places along one side, or the derivative of that.

    Beyond the border the field stays as it is there, with slope zero.
    """
    inside = places.clamp(-1, 1)
    numbers = torch.arange(KNOTS, device=places.device, dtype=places.dtype)
    signed = ((inside + 1) * PIECES / 2).unsqueeze(-1) + 1 - numbers
    far = signed.abs()
    if not slope:
        near = (4 - 6 * far**2 + 3 * far**3) / 6
        return torch.where(far < 1, near, (2 - far).clamp(min=0) ** 3 / 6)
    near = (9 * far**2 - 12 * far) / 6
    change = torch.where(far < 1, near, -((2 - far).clamp(min=0) ** 2) / 2) * signed.sign()
    return change * (PIECES / 2) * (places == inside).unsqueeze(-1)
