"""What is chosen is legal, reasoned, and never in the user's way."""

import dataclasses
import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

import thalweg as tw
from thalweg.errors import SettingError
from thalweg.train import Config, optimizers
from thalweg.train._defaults import _batch_size, _epochs, complete

CHOSEN = (
    "device",
    "batch_size",
    "epochs",
    "learning_rate",
    "warmup",
    "weight_decay",
    "fused",
    "channels_last",
    "precision",
)


def network() -> nn.Module:
    return nn.Linear(4, 3)


def chosen(config: Config, data: tw.data.Splits, model: nn.Module | None = None):
    """Return the completed configuration, and value and reason by setting."""
    complete_, choices = complete(config, model or network(), data)
    return complete_, {choice.setting: choice for choice in choices}


def test_whatever_is_open_is_chosen_with_a_reason(three_classes):
    config, choices = chosen(Config(), three_classes)
    assert set(choices) == set(CHOSEN)
    for setting, choice in choices.items():
        assert getattr(config, setting) == choice.value
        assert choice.value is not None
        assert choice.reason
        assert "\n" not in choice.reason


def test_nothing_that_was_asked_for_is_changed(three_classes):
    asked = Config(
        epochs=2,
        batch_size=7,
        learning_rate=0.5,
        warmup=3,
        weight_decay=0.25,
        fused=False,
        channels_last=True,
        precision="bfloat16",
        device="cpu",
    )
    assert complete(asked, network(), three_classes) == (asked, [])


def test_a_rate_to_be_found_is_left_to_the_finder(three_classes):
    config, choices = chosen(Config(learning_rate="find"), three_classes)
    assert config.learning_rate == "find"
    assert "learning_rate" not in choices


@given(st.integers(1, 10**8))
def test_the_batch_is_a_power_of_two_that_gives_about_forty_steps(examples):
    value, _ = _batch_size(examples)
    assert 1 <= value <= min(examples, 256)
    assert value == examples or math.log2(value).is_integer()
    if 640 < examples < 10_240:  # Between the limits of 16 and 256 examples.
        assert 40 / math.sqrt(2) <= examples / value <= 40 * math.sqrt(2)


@given(st.integers(1, 10**6))
def test_epochs_give_about_three_thousand_steps_within_limits(steps):
    value, _ = _epochs(steps)
    assert 5 <= value <= 100
    if 30 <= steps <= 600:
        assert abs(value * steps - 3000) <= steps / 2


def test_a_batch_larger_than_the_data_is_refused_with_the_largest_that_works(three_classes):
    with pytest.raises(SettingError) as caught:
        complete(Config(batch_size=1000), network(), three_classes)
    assert str(caught.value) == (
        "batch_size must be at most the 90 training examples, got 1,000. "
        "Use batch_size=90 for one step per epoch."
    )
    assert complete(Config(batch_size=90), network(), three_classes)[0].batch_size == 90


@pytest.mark.parametrize("name", optimizers.names())
def test_every_optimizer_has_a_rate_and_a_decay_of_its_own(three_classes, name):
    config, _ = chosen(Config(optimizer=name), three_classes)
    assert isinstance(config.learning_rate, float)
    assert 1e-4 <= config.learning_rate <= 1
    defaults = optimizers[name]([nn.Parameter(torch.zeros(2, 2))], lr=1.0).defaults
    assert config.weight_decay == defaults.get("weight_decay", 0.0)


def test_the_names_of_the_courses_are_sgd_underneath(three_classes):
    sgd, _ = chosen(Config(optimizer="sgd"), three_classes)
    nesterov, choices = chosen(Config(optimizer="nesterov"), three_classes)
    assert nesterov.learning_rate == sgd.learning_rate
    assert "sgd" in choices["learning_rate"].reason


def test_a_constant_rate_has_no_warm_up(three_classes):
    config, _ = chosen(Config(schedule="constant"), three_classes)
    assert config.warmup == 0


@pytest.mark.parametrize(
    ("settings", "fused", "reason"),
    [
        ({"optimizer": "adamw"}, True, "one kernel"),
        ({"optimizer": "momentum"}, True, "one kernel"),
        ({"optimizer": "rmsprop"}, False, "rmsprop has no fused kernel on cpu"),
        (
            {"optimizer_options": {"foreach": True}},
            False,
            "foreach was asked for, and excludes it",
        ),
        ({"optimizer_options": {"foreach": False}}, True, "one kernel"),
    ],
)
def test_one_kernel_updates_all_where_there_is_one(three_classes, settings, fused, reason):
    config, choices = chosen(Config(**settings), three_classes)
    assert config.fused is fused
    assert reason in choices["fused"].reason


def test_what_was_chosen_makes_an_optimizer(three_classes):
    for name in optimizers.names():
        config, _ = chosen(Config(optimizer=name), three_classes)
        options = {"fused": True} if config.fused else {}
        assert isinstance(config.learning_rate, float)
        assert config.weight_decay is not None
        tw.train.make_optimizer(
            nn.Linear(4, 3, bias=False),
            name,
            learning_rate=config.learning_rate,
            weight_decay=config.weight_decay,
            options=options,
        )


def test_only_convolutions_are_laid_out_for(three_classes):
    plain, _ = chosen(Config(), three_classes)
    images, _ = chosen(Config(), three_classes, nn.Sequential(nn.Conv2d(1, 2, 3)))
    assert plain.channels_last is False
    assert images.channels_last is True


def test_a_device_that_is_not_there_is_refused(three_classes):
    with pytest.raises(SettingError, match="'meta' is not on this machine"):
        complete(Config(device="meta"), network(), three_classes)


def test_one_example_is_enough_to_choose_for(three_classes):
    train = three_classes.train
    one = dataclasses.replace(
        train, inputs=train.inputs[:1], targets=train.targets[:1], names=train.names[:1]
    )
    config, _ = chosen(Config(), dataclasses.replace(three_classes, train=one))
    assert config.batch_size == 1
    assert config.epochs == 100


def test_reasons_count_as_the_loop_does():
    value, reason = _batch_size(1257)
    assert (value, reason) == (32, "1,257 training examples: 40 steps per epoch")
    assert np.ceil(1257 / 32) == 40
