"""Every setting is chosen or given, explained, and refused once."""

import pytest

import thalweg as tw
from thalweg.errors import SettingError


def test_a_batch_larger_than_the_data_is_refused(three_classes):
    with pytest.raises(SettingError, match="at most the 90"):
        tw.fit("mlp", three_classes, batch_size=1000, out="run", progress=False)


def test_an_unknown_setting_names_the_nearest(three_classes):
    with pytest.raises(SettingError, match="Did you mean 'patience'"):
        tw.fit("mlp", three_classes, patiense=3, out="run", progress=False)


def test_every_automatic_choice_has_a_reason_and_can_be_overridden(three_classes):
    free = tw.fit("mlp", three_classes, out="free", epochs=1, progress=False)
    chosen = {choice.setting: choice for choice in free.choices}
    for setting in ("batch_size", "learning_rate", "warmup", "weight_decay", "device"):
        assert chosen[setting].reason
    bound = tw.fit(
        "mlp", three_classes, out="bound", epochs=1, batch_size=7, learning_rate=0.5, warmup=0,
        weight_decay=0.0, device="cpu", progress=False,
    )  # fmt: skip
    assert bound.settings.train.batch_size == 7
    assert not {"batch_size", "learning_rate", "warmup", "device"} & {
        choice.setting for choice in bound.choices
    }
