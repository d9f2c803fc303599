import numpy as np
import torch
from scipy.interpolate import BSpline

from thalweg.data.images.augmentation._elastic import (
    KNOTS,
    MOST_ELASTIC,
    PIECES,
    displaced,
    draw_knots,
    field,
    undisplaced,
)


def keys(number: int) -> torch.Tensor:
    draw = torch.Generator().manual_seed(0)
    return torch.randint(2**24, (number, 2), generator=draw, dtype=torch.int32)


def test_the_field_is_scipys_spline():
    knots = draw_knots(keys(2), 0.1)
    found = field(knots, (9, 12))
    places = (np.arange(-3, KNOTS + 1) - 0.0) * 2 / PIECES - 1
    for picture in range(2):
        for axis in range(2):
            values = knots[picture, axis].double().numpy()
            down = BSpline(places, values, 3)((np.arange(9) * 2 + 1) / 9 - 1)
            both = BSpline(places, down.T, 3)((np.arange(12) * 2 + 1) / 12 - 1).T
            np.testing.assert_allclose(found[picture, axis].numpy(), both, atol=1e-6)


def test_nothing_moves_further_than_asked_for_and_something_moves_far():
    moved = field(draw_knots(keys(300), 0.1), (32, 32))
    assert moved.abs().max() <= 0.2
    assert moved.abs().max() > 0.12
    assert abs(float(moved.mean())) < 0.005


def test_pictures_never_fold():
    knots = draw_knots(keys(500), MOST_ELASTIC)
    moved = field(knots, (64, 64)).double()
    centres = (torch.arange(64, dtype=torch.float64) * 2 + 1) / 64 - 1
    x, y = moved[:, 0] + centres, moved[:, 1] + centres[:, None]
    slopes = [each.diff(dim=axis)[:, :63, :63] for each in (x, y) for axis in (2, 1)]
    area = slopes[0] * slopes[3] - slopes[1] * slopes[2]
    assert area.min() > 0


def test_newton_finds_the_way_back_even_where_the_field_is_strongest():
    knots = draw_knots(keys(500), MOST_ELASTIC).double()
    places = 2 * torch.rand(500, 20, 2, dtype=torch.float64) - 1
    back = undisplaced(knots, displaced(knots, places))
    torch.testing.assert_close(back, places, atol=1e-9, rtol=0)
