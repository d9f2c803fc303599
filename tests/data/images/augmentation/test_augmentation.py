"""Draws that depend on nothing but seed, epoch and position; settings that are refused."""

import math
from dataclasses import fields

import pytest
import torch

import thalweg as tw
from thalweg.data import Augmentation, Palette
from thalweg.errors import SettingError

EVERY = {
    "rotate": 20,
    "shift": 0.1,
    "scale": 0.2,
    "shear": 10,
    "mirror": True,
    "crop": 0.5,
    "elastic": 0.1,
    "blur": 1.5,
    "brightness": 0.3,
    "contrast": 0.3,
    "saturation": 0.5,
    "hue": 30,
    "noise": 0.1,
    "erase": 0.3,
}
PALETTE = Palette((0.4, 0.5, 0.6), (0.2, 0.3, 0.25))


def images(number: int, side: int = 16) -> torch.Tensor:
    return torch.randn(number, 3, side, side, generator=torch.Generator().manual_seed(0))


def test_every_augmentation_is_tried_here():
    assert list(EVERY) == [each.name for each in fields(Augmentation)]


def test_nothing_asked_for_changes_nothing():
    augmentation = Augmentation()
    assert augmentation.is_identity
    before = images(3)
    assert torch.equal(augmentation.apply(before, augmentation.draw(3, 0, 0)), before)


@pytest.mark.parametrize("name", EVERY)
def test_each_changes_most_pictures_and_leaves_the_batch_alone(name):
    augmentation, before = Augmentation(**{name: EVERY[name]}), images(40)
    given = before.clone()
    after = augmentation.apply(given, augmentation.draw(40, 0, 0), palette=PALETTE)
    assert torch.equal(given, before)
    assert after.shape == before.shape
    assert after.isfinite().all()
    # Of mirror images there are half, which are fewer than 10 of 40 once in a thousand times.
    assert int((after != before).flatten(1).any(dim=1).sum()) > 10


@pytest.mark.parametrize("settings", [*({name: value} for name, value in EVERY.items()), EVERY])
def test_a_picture_is_treated_alike_in_whatever_batch_it_comes(settings):
    augmentation, before = Augmentation(**settings), images(12, side=20)
    draws = augmentation.draw(12, seed=3, epoch=5)
    whole = augmentation.apply(before, draws, (16, 16), PALETTE)
    rows = torch.tensor([7, 2, 11])
    few = augmentation.apply(before[rows], draws.of(rows), (16, 16), PALETTE)
    torch.testing.assert_close(few, whole[rows], rtol=1e-5, atol=1e-5)


def test_asking_for_more_changes_no_other_draw():
    alone = Augmentation(crop=0.5, noise=0.1).draw(30, 1, 2)
    among = Augmentation(**EVERY).draw(30, 1, 2)
    assert set(alone.values) == {"windows", "noise", "noise strength"}
    for name, drawn in alone.values.items():
        assert torch.equal(drawn, among[name]), name


def test_where_nothing_moves_the_centre_of_what_is_stored_is_taken():
    before = images(2, side=10)
    for settings in ({}, {"noise": 1e-9}, {"rotate": 1e-9}):
        augmentation = Augmentation(**settings)
        after = augmentation.apply(before, augmentation.draw(2, 0, 0), (6, 4))
        torch.testing.assert_close(after, before[:, :, 2:8, 3:7], rtol=0, atol=1e-5)


def test_maps_stay_within_their_limits():
    drawn = Augmentation(rotate=30, shift=0.1, scale=0.2).draw(2000, 0, 0)["maps"]
    scale = drawn[:, :, :2].det().sqrt()
    turn = torch.atan2(drawn[:, 1, 0], drawn[:, 0, 0]).rad2deg()
    assert 1 / 1.2 - 1e-5 <= scale.min() < 0.85
    assert 1.15 < scale.max() <= 1.2 + 1e-5
    assert 29 < turn.abs().max() <= 30 + 1e-4
    assert 0.19 < drawn[:, :, 2].abs().max() <= 0.2


def test_half_of_the_images_are_mirrored():
    drawn = Augmentation(mirror=True).draw(4000, 0, 0)["maps"]
    # Four standard deviations of a fair coin thrown 4,000 times are 126 heads.
    assert abs(int((drawn[:, 0, 0] < 0).sum()) - 2000) < 126


def test_what_is_drawn_is_a_function_of_seed_epoch_and_position():
    augmentation = Augmentation(**EVERY)
    first = augmentation.draw(50, seed=1, epoch=2)
    again, epoch, seed = (augmentation.draw(50, *each) for each in ((1, 2), (1, 3), (2, 2)))
    for name, drawn in first.values.items():
        assert torch.equal(drawn, again[name]), name
        assert not torch.equal(drawn, epoch[name]), name
        assert not torch.equal(drawn, seed[name]), name
        assert len(torch.unique(drawn, dim=0)) == 50, name


@pytest.mark.parametrize(
    "setting",
    [
        {"rotate": -1},
        {"shift": 2},
        {"scale": True},
        {"shear": "much"},
        {"mirror": 1},
        {"crop": 1.0},
        {"elastic": 0.2},
        {"blur": math.nan},
        {"saturation": 1.5},
        {"hue": math.inf},
        {"noise": None},
    ],
)
def test_values_out_of_range_are_refused_by_name(setting):
    with pytest.raises(SettingError, match=next(iter(setting))):
        Augmentation(**setting)


def test_training_on_augmented_images_resumes_exactly(monkeypatch):
    data = tw.load("digits")
    settings = {"epochs": 2, "checkpoint_every": 10, "batch_size": 100}
    # Digits are grey.
    settings |= {name: value for name, value in EVERY.items() if name not in ("saturation", "hue")}
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


def test_the_search_for_a_rate_augments_as_training_does():
    data = tw.load("digits")
    curve = tw.find_learning_rate("linear", data, rotate=10, noise=0.1)
    assert curve.losses != tw.find_learning_rate("linear", data).losses


def test_colours_need_pictures_in_colour():
    with pytest.raises(SettingError, match=r"saturation is for pictures in colour.*grey"):
        tw.fit("linear", "digits", saturation=0.5, out="run", progress=False)
    numbers = torch.randn(30, 3, 8, 8), torch.arange(30) % 2
    with pytest.raises(SettingError, match=r"contrast is for pictures.*uint8"):
        tw.fit("linear", tw.load(*numbers), contrast=0.5, out="run", progress=False)


def test_tables_cannot_be_turned():
    with pytest.raises(SettingError, match=r"augmentation \(rotate\) is for images"):
        tw.fit("linear", "iris", rotate=10, out="run", progress=False)
