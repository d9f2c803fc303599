import torch

from thalweg.data import Augmentation
from thalweg.data.images.augmentation._crop import RATIOS


def windows(crop: float, number: int = 4000) -> torch.Tensor:
    return Augmentation(crop=crop).draw(number, 0, 0)["windows"]


def test_windows_stay_inside_and_keep_their_share_of_the_area():
    for crop in (0.1, 0.5, 0.92):
        x, y, across, down = windows(crop).unbind(1)
        assert (x.abs() + across).max() <= 1 + 1e-6
        assert (y.abs() + down).max() <= 1 + 1e-6
        area = across * down
        assert 1 - crop - 1e-5 <= area.min() < 1 - 0.99 * crop
        assert 1 - 0.01 * crop < area.max() <= 1 + 1e-6
        # Of an even distribution, the mean of 4,000 is this close four times in five million.
        assert abs(float(area.mean()) - (1 - crop / 2)) < 5 * crop / (12 * 4000) ** 0.5


def test_ratios_are_those_of_szegedy():
    across, down = windows(0.92).unbind(1)[2:]
    ratio = across / down
    assert RATIOS[0] - 1e-5 <= ratio.min() < 0.76
    assert 1.32 < ratio.max() <= RATIOS[1] + 1e-5
    assert abs(float(ratio.log().mean())) < 0.02


def test_a_window_fills_the_whole_of_the_output():
    augmentation = Augmentation(crop=0.8)
    draws = augmentation.draw(50, 0, 0)
    warp = augmentation.warp(draws, (32, 32), (40, 60))
    corners = torch.tensor([[0.0, 0], [32, 32]]).expand(50, 2, 2)
    x, y, across, down = draws["windows"].unbind(1)
    low = torch.stack([(x - across + 1) * 30, (y - down + 1) * 20], dim=1)
    high = torch.stack([(x + across + 1) * 30, (y + down + 1) * 20], dim=1)
    torch.testing.assert_close(
        warp.origins(corners), torch.stack([low, high], dim=1), atol=1e-4, rtol=0
    )
