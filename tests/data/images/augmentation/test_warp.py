"""Marks are drawn into pictures, moved, and found where the geometry says."""

import math

import pytest
import torch

from thalweg.data import Augmentation, Warp

IMAGE = torch.arange(25.0).reshape(1, 1, 5, 5)
MOVING = {
    "turn": {"rotate": 40},
    "affine": {"rotate": 20, "shift": 0.1, "scale": 0.2, "shear": 10, "mirror": True},
    "crop": {"crop": 0.6},
    # Where it is stronger, a dot bends so much that its centre is no longer that of the mark.
    "elastic": {"elastic": 0.06},
    "all": {"rotate": 15, "shear": 5, "mirror": True, "crop": 0.4, "elastic": 0.05},
}
SIZES = [((64, 64), (64, 64)), ((48, 80), (64, 100)), ((60, 60), (60, 100))]


def by(rows, image=IMAGE) -> torch.Tensor:
    size = tuple(image.shape[2:])
    return Warp(torch.tensor([rows], dtype=torch.float32), size, size).images(image)


def test_a_mirror_is_torchs_flip():
    torch.testing.assert_close(by([[-1, 0, 0], [0, 1, 0]]), IMAGE.flip(-1))


def test_a_quarter_turn_is_torchs_rotation():
    drawn = Augmentation(rotate=90).draw(1, 0, 0)["maps"]
    turn = math.atan2(drawn[0, 1, 0], drawn[0, 0, 0])
    sign = math.copysign(1, turn)
    turned = by([[0, -sign, 0], [sign, 0, 0]])
    torch.testing.assert_close(turned, IMAGE.rot90(1 if turn > 0 else -1, (2, 3)))


def test_a_shift_of_one_pixel_moves_every_column_and_repeats_the_border():
    # Coordinates run over two units and five pixels, so that one pixel is 0.4.
    expected = torch.cat([IMAGE[..., 1:], IMAGE[..., -1:]], dim=-1)
    torch.testing.assert_close(by([[1, 0, 0.4], [0, 1, 0]]), expected)


def test_oblong_pictures_turn_without_leaning():
    augmentation = Augmentation(rotate=60)
    warp = augmentation.warp(augmentation.draw(20, 0, 0), (30, 90))
    corners = torch.tensor([[40.0, 10], [60, 10], [40, 20]]).expand(20, 3, 2)
    corner, along, down = warp.points(corners).unbind(1)
    along, down = along - corner, down - corner
    torch.testing.assert_close(along.norm(dim=1), torch.full((20,), 20.0))
    torch.testing.assert_close(down.norm(dim=1), torch.full((20,), 10.0))
    torch.testing.assert_close((along * down).sum(1), torch.zeros(20), atol=1e-3, rtol=0)


def dots(places: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
    """Draw a soft dot at a place of each picture."""
    y, x = torch.meshgrid(*(torch.arange(side) + 0.5 for side in size), indexing="ij")
    far = (x - places[:, :1, None]) ** 2 + (y - places[:, 1:, None]) ** 2
    return torch.exp(-far / (2 * 1.5**2))[:, None]


def found(images: torch.Tensor) -> torch.Tensor:
    """Return the centre of what is bright in each picture."""
    _, _, height, width = images.shape
    weights = images[:, 0] / images.sum(dim=(1, 2, 3))[:, None, None]
    x = (weights.sum(1) * (torch.arange(width) + 0.5)).sum(1)
    y = (weights.sum(2) * (torch.arange(height) + 0.5)).sum(1)
    return torch.stack([x, y], dim=1)


@pytest.mark.parametrize("settings", MOVING.values(), ids=MOVING)
@pytest.mark.parametrize(("size", "stored"), SIZES, ids=str)
def test_a_dot_is_found_where_its_point_went(settings, size, stored):
    augmentation = Augmentation(**settings)
    warp = augmentation.warp(augmentation.draw(200, 0, 0), size, stored)
    share = 0.3 + 0.4 * torch.rand(200, 2, generator=torch.Generator().manual_seed(0))
    places = share * torch.tensor([stored[1], stored[0]])
    expected = warp.points(places[:, None])[:, 0]
    # A dot near the border is cut, so that its centre is elsewhere.
    border = torch.tensor([size[1], size[0]])
    is_inside = ((expected > 10) & (expected < border - 10)).all(dim=1)
    assert is_inside.sum() > 50
    moved = found(warp.images(dots(places, stored)))
    # Bilinear pixels and a bent dot leave its centre within a third of a pixel.
    assert (moved - expected)[is_inside].norm(dim=1).max() < 0.34


@pytest.mark.parametrize("settings", MOVING.values(), ids=MOVING)
def test_points_come_from_where_they_went(settings):
    augmentation = Augmentation(**settings)
    warp = augmentation.warp(augmentation.draw(300, 0, 0), (48, 80), (64, 100))
    points = torch.rand(300, 6, 2) * torch.tensor([80.0, 48.0])
    torch.testing.assert_close(warp.points(warp.origins(points)), points, atol=2e-3, rtol=0)


@pytest.mark.parametrize("settings", MOVING.values(), ids=MOVING)
def test_a_box_is_found_where_it_went(settings):
    augmentation = Augmentation(**settings)
    size = (96, 128)
    warp = augmentation.warp(augmentation.draw(60, 0, 0), size)
    low = torch.rand(60, 2, generator=torch.Generator().manual_seed(1)) * 40 + 30
    boxes = torch.cat([low, low + 25], dim=1)
    y, x = torch.meshgrid(*(torch.arange(side) + 0.5 for side in size), indexing="ij")
    left, top, right, bottom = boxes[:, :, None, None].unbind(1)
    inside = (x > left) & (x < right) & (y > top) & (y < bottom)
    # Corners that turn are thinner than a pixel.
    shown = warp.images(inside[:, None].float())[:, 0] > 0.25
    moved, shares = warp.boxes(boxes[:, None])
    for picture, (box,), share in zip(shown, moved, shares, strict=True):
        rows, columns = picture.any(1).nonzero(), picture.any(0).nonzero()
        if share > 0.1:
            around = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
            torch.testing.assert_close(torch.tensor(around).float(), box, atol=2.0, rtol=0)


def test_the_share_of_a_box_that_stays_inside_is_told():
    half = Warp(torch.tensor([[[1.0, 0, 1], [0, 1, 0]]]), (10, 10), (10, 10))  # 5 pixels left
    boxes, shares = half.boxes(torch.tensor([[[0.0, 0, 4, 4], [4, 2, 8, 4], [6, 0, 10, 10]]]))
    expected = torch.tensor([[[0.0, 0, 0, 4], [0, 2, 3, 4], [1, 0, 5, 10]]])
    torch.testing.assert_close(boxes, expected, atol=1e-5, rtol=0)
    torch.testing.assert_close(shares, torch.tensor([[0.0, 0.75, 1.0]]))
