"""Colours against kornia, and hue against Python's own colorsys."""

import colorsys
import math

import pytest
import torch

from thalweg.data import Palette
from thalweg.data.images.augmentation._colour import draw_colours, recoloured

PALETTE = Palette((0.4, 0.5, 0.6), (0.2, 0.3, 0.25))
MEAN, STD = (torch.tensor(each)[:, None, None] for each in (PALETTE.mean, PALETTE.std))


@pytest.fixture
def pictures() -> torch.Tensor:
    return 0.3 + 0.4 * torch.rand(5, 3, 8, 9, generator=torch.Generator().manual_seed(0))


def treated(pictures: torch.Tensor, colours: list[list[float]]) -> torch.Tensor:
    return recoloured((pictures - MEAN) / STD, torch.tensor(colours), PALETTE) * STD + MEAN


FACTORS = torch.tensor([0.0, 0.7, 1.0, 1.2, 1.3])


@pytest.mark.parametrize(
    ("place", "name"),
    [
        (0, "adjust_brightness_accumulative"),
        (1, "adjust_contrast_with_mean_subtraction"),
        (2, "adjust_saturation_with_gray_subtraction"),
    ],
)
def test_factors_do_what_kornias_do(pictures, place, name):
    enhance = pytest.importorskip("kornia.enhance")
    colours = torch.tensor([[1.0, 1.0, 1.0, 0.0]]).repeat(5, 1)
    colours[:, place] = FACTORS
    expected = getattr(enhance, name)(pictures, FACTORS)
    found = PALETTE.clamp(recoloured((pictures - MEAN) / STD, colours, PALETTE)) * STD + MEAN
    torch.testing.assert_close(found, expected, atol=1e-4, rtol=0)


def test_hue_turns_the_colours_around_grey(pictures):
    angle = 0.7
    found = treated(pictures, [[1, 1, 1, angle]] * 5)
    for before, after in zip(
        pictures.permute(0, 2, 3, 1).reshape(-1, 3),
        found.permute(0, 2, 3, 1).reshape(-1, 3),
        strict=True,
    ):
        y, i, q = colorsys.rgb_to_yiq(*before.tolist())
        turned = complex(i, q) * complex(math.cos(angle), math.sin(angle))
        # colorsys cuts at zero and one, which nothing here reaches, and rounds its constants.
        expected = colorsys.yiq_to_rgb(y, turned.real, turned.imag)
        assert after.tolist() == pytest.approx(expected, abs=0.01)


def test_grey_keeps_its_grey_and_back_is_back(pictures):
    grey = pictures[:, :1].repeat(1, 3, 1, 1)
    torch.testing.assert_close(treated(grey, [[1, 1, 2, 2.0]] * 5), grey, atol=2e-3, rtol=0)
    there = treated(pictures, [[1, 1, 1, 1.1]] * 5)
    torch.testing.assert_close(treated(there, [[1, 1, 1, -1.1]] * 5), pictures)


def test_grey_pictures_have_brightness_and_contrast():
    palette = Palette((0.5,), (0.25,))
    pictures = torch.rand(2, 1, 4, 4)
    colours = torch.tensor([[0.5, 1.0, 1.0, 0.0], [1.0, 0.5, 1.0, 0.0]])
    found = recoloured((pictures - 0.5) / 0.25, colours, palette) * 0.25 + 0.5
    torch.testing.assert_close(found[0], pictures[0] / 2)
    torch.testing.assert_close(found[1], pictures[1] / 2 + pictures[1].mean() / 2)


def test_draws_stay_within_their_limits():
    def uniform(numbers: int) -> torch.Tensor:
        return torch.rand(5000, numbers, generator=torch.Generator().manual_seed(0))

    drawn = draw_colours(uniform, brightness=0.2, contrast=0.3, saturation=1.0, hue=90)
    for column, (centre, limit) in enumerate([(1, 0.2), (1, 0.3), (1, 1.0), (0, math.pi / 2)]):
        away = (drawn[:, column] - centre).abs().max()
        assert 0.99 * limit < away <= limit + 1e-6
