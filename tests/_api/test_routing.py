"""Each setting finds its part, or its nearest name."""

import pytest

from thalweg._api._routing import route
from thalweg.errors import SettingError


def test_files_each_setting_in_the_part_that_knows_it():
    filed = route(
        {"size": 32, "dropout": 0.1, "distribution": "laplace", "patience": 3, "momentum": 0.9},
        {"model": {"name": "mlp"}, "train": {"optimizer": "sgd"}},
    )
    assert filed == {
        "data": {"size": 32},
        "model": {"name": "mlp", "dropout": 0.1},
        "task": {"distribution": "laplace"},
        "train": {"optimizer": "sgd", "patience": 3, "momentum": 0.9},
    }


def test_a_prefix_decides_between_parts_that_share_a_name():
    assert route({"train.seed": 1, "data.seed": 2}, {}) == {
        "train": {"seed": 1},
        "data": {"seed": 2},
    }


def test_does_not_change_what_it_is_given():
    sections = {"train": {"epochs": 1}}
    route({"epochs": 2}, sections)
    assert sections == {"train": {"epochs": 1}}


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("epocs", "epochs"),
        ("dropuot", "dropout"),
        ("model.hiden", "hidden"),
        ("momentun", "momentum"),
    ],
)
def test_an_unknown_setting_names_the_nearest_known(name, hint):
    with pytest.raises(SettingError, match=f"Did you mean '{hint}'"):
        route({name: 1}, {"model": {"name": "mlp"}, "train": {"optimizer": "sgd"}})


def test_a_constant_of_other_optimizers_or_schedules_names_them():
    with pytest.raises(SettingError, match=r"'sgd' has no constant 'rho'\. These have: adadelta"):
        route({"rho": 0.9, "optimizer": "sgd"}, {})
    with pytest.raises(SettingError, match=r"'adamw' has no constant 'momentum'\. .*rmsprop, sgd"):
        route({"momentum": 0.9}, {})
    with pytest.raises(SettingError, match=r"'linear' has no constant 'decay'\. These have: exp"):
        route({"decay": 0.1}, {"train": {"schedule": "linear"}})


def test_an_unknown_section_is_named():
    with pytest.raises(SettingError, match="Did you mean 'train'"):
        route({"trian.epochs": 1}, {})
