"""Turns, shifts and mirrors that one can check by hand, and draws that depend on nothing else."""

import math

import pytest
import torch

import thalweg as tw
from thalweg.data import Augmentation
from thalweg.errors import SettingError


def maps(rows) -> torch.Tensor:
    return torch.tensor([rows], dtype=torch.float32)


IMAGE = torch.arange(25.0).reshape(1, 1, 5, 5)


def test_the_identity_changes_nothing():
    nothing = maps([[1, 0, 0], [0, 1, 0]])
    torch.testing.assert_close(Augmentation().apply(IMAGE, nothing), IMAGE)


def test_a_mirror_is_torchs_flip():
    mirrored = Augmentation(mirror=True).apply(IMAGE, maps([[-1, 0, 0], [0, 1, 0]]))
    torch.testing.assert_close(mirrored, IMAGE.flip(-1))


def test_a_quarter_turn_is_torchs_rotation():
    drawn = Augmentation(rotate=90).draw(1, 0, 0)
    turn = math.atan2(drawn[0, 1, 0], drawn[0, 0, 0])
    exact = maps([[0, -math.copysign(1, turn), 0], [math.copysign(1, turn), 0, 0]])
    turned = Augmentation(rotate=90).apply(IMAGE, exact)
    torch.testing.assert_close(turned, IMAGE.rot90(1 if turn > 0 else -1, (2, 3)))


def test_a_shift_of_one_pixel_moves_every_column_and_repeats_the_border():
    # Coordinates run over two units and five pixels, so that one pixel is 0.4.
    shifted = Augmentation(shift=0.5).apply(IMAGE, maps([[1, 0, 0.4], [0, 1, 0]]))
    expected = torch.cat([IMAGE[..., 1:], IMAGE[..., -1:]], dim=-1)
    torch.testing.assert_close(shifted, expected)


def test_maps_stay_within_their_limits():
    drawn = Augmentation(rotate=30, shift=0.1, scale=0.2).draw(2000, 0, 0)
    scale = drawn[:, :, :2].det().sqrt()
    turn = torch.atan2(drawn[:, 1, 0], drawn[:, 0, 0]).rad2deg()
    assert 1 / 1.2 - 1e-5 <= scale.min() < 0.85
    assert 1.15 < scale.max() <= 1.2 + 1e-5
    assert 29 < turn.abs().max() <= 30 + 1e-4
    assert 0.19 < drawn[:, :, 2].abs().max() <= 0.2


def test_half_of_the_images_are_mirrored():
    drawn = Augmentation(mirror=True).draw(4000, 0, 0)
    # Four standard deviations of a fair coin thrown 4,000 times are 126 heads.
    assert abs(int((drawn[:, 0, 0] < 0).sum()) - 2000) < 126


def test_what_is_drawn_is_a_function_of_seed_epoch_and_position():
    augmentation = Augmentation(rotate=10, shift=0.1)
    first = augmentation.draw(50, seed=1, epoch=2)
    assert torch.equal(first, augmentation.draw(50, seed=1, epoch=2))
    assert not torch.equal(first, augmentation.draw(50, seed=1, epoch=3))
    assert not torch.equal(first, augmentation.draw(50, seed=2, epoch=2))


@pytest.mark.parametrize(
    "setting", [{"rotate": -1}, {"shift": 2}, {"scale": True}, {"shear": "much"}, {"mirror": 1}]
)
def test_values_out_of_range_are_refused_by_name(setting):
    with pytest.raises(SettingError, match=next(iter(setting))):
        Augmentation(**setting)


def test_training_on_augmented_images_resumes_exactly(monkeypatch):
    data = tw.load("digits")
    settings = {"epochs": 2, "rotate": 10, "shift": 0.1, "checkpoint_every": 10, "batch_size": 100}
    calm = tw.fit("linear", data, out="calm", progress=False, **settings)
    update, steps = tw.train._loop.update, iter(range(17))

    def failing(*arguments):
        if next(steps, None) is None:
            raise OSError
        return update(*arguments)

    monkeypatch.setattr(tw.train._loop, "update", failing)
    with pytest.raises(OSError):
        tw.fit("linear", data, out="cut", progress=False, **settings)
    monkeypatch.setattr(tw.train._loop, "update", update)
    resumed = tw.resume("cut", data, progress=False)
    assert torch.equal(
        resumed.model.state_dict()["output.weight"], calm.model.state_dict()["output.weight"]
    )
    plain = tw.fit("linear", data, out="plain", progress=False, epochs=2, batch_size=100)
    assert calm.history != plain.history


def test_tables_cannot_be_turned():
    with pytest.raises(SettingError, match=r"augmentation \(rotate\) is for images"):
        tw.fit("linear", "iris", rotate=10, out="run", progress=False)
