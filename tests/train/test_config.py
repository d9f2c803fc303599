"""Settings: every range, every name, and the trip through a file."""

import dataclasses
import math
import tomllib

import numpy as np
import pytest
import tomli_w
from hypothesis import given
from hypothesis import strategies as st

from thalweg.errors import SettingError, UnknownNameError
from thalweg.train import Config, optimizers, schedules, setting_names
from thalweg.train._optimizers import constants_of

NAMES = [each.name for each in dataclasses.fields(Config)]


@pytest.mark.parametrize(
    ("setting", "legal"),
    [
        ("epochs", [1, 10**6, None]),
        ("batch_size", [1, 4096, None]),
        ("accumulate", [1, 8]),
        ("shuffle", [True, False]),
        ("optimizer", ["sgd", "AdamW", "nesterov"]),
        ("optimizer_options", [{}, {"betas": (0.9, 0.99)}]),
        ("augmentation", [{}, {"rotate": 10.0, "mirror": True}]),
        ("learning_rate", [0, 0.1, 1, 1e6, "find", None]),
        ("schedule", ["constant", "cosine"]),
        ("schedule_options", [{}]),
        ("warmup", [0, 0.1, 1000, None]),
        ("weight_decay", [0, 0.1, None]),
        ("l1", [0, 1e-9, 10.0]),
        ("l2", [0, 1e-9, 10.0]),
        ("clip_norm", [1e-12, 1, None]),
        ("clip_value", [1e-12, 1, None]),
        ("ema", [0, 0.999, 1 - 1e-6, None]),
        ("patience", [1, 100, None]),
        ("min_improvement", [0, 0.01]),
        ("restore_best", [True, False]),
        ("checkpoint_every", [1, 3, None]),
        ("checkpoint_minutes", [0, 0.5, 60]),
        ("precision", ["float32", "bfloat16", "bfloat16-matmul"]),
        ("parallel", ["ddp", "fsdp", None]),
        ("channels_last", [True, False, None]),
        ("threads", [1, 4, None]),
        ("compiled", [True, False, None]),
        ("measure_speed", [True, False]),
        ("fused", [True, False, None]),
        ("device", ["cpu", "cuda:1", None]),
        ("seed", [0, 2**63 - 1]),
    ],
)
def test_takes_what_is_in_range(setting, legal):
    for value in legal:
        assert getattr(Config(**{setting: value}), setting) == value


WRONG = {
    "epochs": [0, -1, 1.0, "3", True, math.inf, math.nan, [3]],
    "batch_size": [0, 0.5, "32", False],
    "accumulate": [0, None, 1.5],
    "shuffle": ["yes", 1, None],
    "optimizer": [3, None, ["adam"]],
    "optimizer_options": [None, "momentum", [0.9], {"betas": {"one": 1}}],
    "augmentation": [None, "mirror", {"rotate": -1}, {"rotaet": 10}],
    "learning_rate": [-1e-9, 1e7, math.nan, math.inf, True, "fast", [0.1]],
    "schedule": [0, None],
    "schedule_options": [None, 3],
    "warmup": [-1, "5", math.inf],
    "weight_decay": [-0.1, math.inf, math.nan],
    "tune": ["body", "last:0", "last:", "last:-1", "last:99999", 3, True, ""],
    "layer_decay": [0, 1.5, "0.5", True, math.nan],
    "l1": [-0.1, None, "0.1", math.inf],
    "l2": [-0.1, None, math.nan],
    "clip_norm": [0, -1, math.inf],
    "clip_value": [0, -1, "1"],
    "ema": [-0.1, 1, 1.5, "0.9", True, math.nan],
    "patience": [0, 2.5],
    "min_improvement": [-0.1, None],
    "restore_best": [None, 0],
    "checkpoint_every": [0, 1.5],
    "checkpoint_minutes": [-1, None, math.inf],
    "precision": ["float16", "", 32],
    "channels_last": ["yes", 1],
    "threads": [0, 1.5, "all", True],
    "compiled": ["yes", 1],
    "measure_speed": ["yes", 1, None],
    "fused": ["yes", 0],
    "parallel": ["dp", 2, True],
    "device": [0, False],
    "seed": [-1, 2**63, None, 0.0, 10**400],
}


@pytest.mark.parametrize("setting", NAMES)
def test_refuses_the_rest_in_one_line_that_names_the_setting(setting):
    for value in WRONG[setting]:
        with pytest.raises(SettingError) as caught:
            Config(**{setting: value})
        message = str(caught.value)
        # An option that does not fit is told by its own name.
        assert message.startswith((setting, "betas", "rotate", "there is no augmentation")), value
        assert len(message.splitlines()) == 1
        assert len(message) < 300


def test_a_message_says_what_was_needed_and_what_came():
    with pytest.raises(SettingError) as caught:
        Config(epochs=0)
    assert str(caught.value) == "epochs must be a whole number of at least 1, got 0."
    with pytest.raises(SettingError) as caught:
        Config(learning_rate=-1.0)
    assert str(caught.value) == (
        "learning_rate must be a finite number between 0 and 1e+06, got -1.0."
    )


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"bach_size": 3}, "unknown setting 'bach_size'. Did you mean 'batch_size'?"),
        ({"lr": 3}, "unknown setting 'lr'. Did you mean 'learning_rate'?"),
        ({"optimizer": "sgd", "momentun": 3}, "'momentun'. Did you mean 'momentum'?"),
        ({"schedule": "step", "facter": 3}, "'facter'. Did you mean 'factor'?"),
        ({"momentum": 0.9}, "'adamw' has no constant 'momentum'. These have: muon, rmsprop, sgd."),
        ({"schedule_options": {"decay": 1.0}}, "schedule 'cosine' has no constant 'decay'"),
        ({"optimizer_options": {"rho": 1.0}}, "optimizer 'adamw' has no constant 'rho'"),
        ({"a\x1b[2J\n" * 99: 1}, "unknown setting 'a"),
    ],
)
def test_an_unknown_setting_comes_with_the_way_out(settings, message):
    with pytest.raises(SettingError) as caught:
        Config.from_settings(settings)
    assert message in str(caught.value)
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("settings", [{"optimizer": "adamm"}, {"schedule": "cosinus"}])
def test_an_unknown_name_comes_with_the_nearest(settings):
    with pytest.raises(UnknownNameError, match="Did you mean"):
        Config.from_settings(settings)


def test_constants_can_be_given_like_settings_and_win():
    config = Config.from_settings(
        {
            "optimizer": "adam",
            "optimizer_options": {"eps": 1e-6, "amsgrad": False},
            "amsgrad": True,
            "betas": [0.8, 0.9],
            "schedule": "step",
            "factor": 0.5,
        }
    )
    assert config.optimizer_options == {"eps": 1e-6, "amsgrad": True, "betas": (0.8, 0.9)}
    assert config.schedule_options == {"factor": 0.5}


def test_a_name_that_is_a_setting_too_is_the_setting():
    config = Config.from_settings({"fused": True})
    assert config.fused is True
    assert config.optimizer_options == {}


def test_numbers_of_numpy_become_plain_ones():
    config = Config(
        epochs=np.int64(3),
        learning_rate=np.float64(0.5),
        l1=np.float32(0.25),
        shuffle=np.bool_(False),
        optimizer_options={"betas": [np.float32(0.5), np.float64(0.75)], "foreach": None},
    )
    assert config == Config(
        epochs=3,
        learning_rate=0.5,
        l1=0.25,
        shuffle=False,
        optimizer_options={"betas": (0.5, 0.75)},
    )
    kinds = [type(getattr(config, each)) for each in ("epochs", "learning_rate", "l1", "shuffle")]
    assert kinds == [int, float, float, bool]


def test_names_cover_settings_and_constants_once_each():
    for optimizer in [*optimizers.names(), "momentum"]:
        for schedule in schedules.names():
            names = setting_names(optimizer, schedule)
            assert len(set(names)) == len(names)
            assert set(NAMES) <= set(names)
            assert set(constants_of(optimizer)) <= set(names)
    assert {"momentum", "decay"} <= set(setting_names("momentum", "exponential"))


def test_what_is_none_is_left_out():
    assert "epochs" not in Config().to_settings()
    assert None not in Config().to_settings().values()


positive = st.floats(1e-12, 1e6)
OPTIMIZERS = {
    "sgd": st.fixed_dictionaries({}, optional={"momentum": st.floats(0, 1)}),
    "adamw": st.fixed_dictionaries(
        {},
        optional={
            "betas": st.tuples(st.floats(0, 0.99), st.floats(0, 0.999)),
            "eps": positive,
            "amsgrad": st.booleans(),
        },
    ),
    "lbfgs": st.fixed_dictionaries(
        {}, optional={"line_search_fn": st.just("strong_wolfe"), "max_iter": st.integers(1, 50)}
    ),
}
SCHEDULES = {
    "cosine": st.just({}),
    "step": st.fixed_dictionaries({}, optional={"factor": positive, "drop_every": positive}),
    "exponential": st.fixed_dictionaries({}, optional={"decay": positive}),
}


@st.composite
def legal(draw) -> dict:
    """Return any legal settings."""
    optimizer = draw(st.sampled_from(sorted(OPTIMIZERS)))
    schedule = draw(st.sampled_from(sorted(SCHEDULES)))
    whole = st.integers(1, 10**9)
    optional = {
        "epochs": whole,
        "batch_size": whole,
        "accumulate": whole,
        "shuffle": st.booleans(),
        "learning_rate": st.one_of(positive, st.just("find"), st.integers(0, 5)),
        "warmup": st.floats(0, 1e5),
        "weight_decay": positive,
        "l1": positive,
        "l2": positive,
        "clip_norm": positive,
        "clip_value": positive,
        "ema": st.floats(0, 0.9999),
        "patience": whole,
        "min_improvement": positive,
        "restore_best": st.booleans(),
        "checkpoint_every": whole,
        "checkpoint_minutes": positive,
        "precision": st.sampled_from(["float32", "bfloat16", "bfloat16-matmul"]),
        "parallel": st.sampled_from(["ddp", "fsdp"]),
        "channels_last": st.booleans(),
        "threads": st.none() | st.integers(1, 64),
        "compiled": st.none() | st.booleans(),
        "measure_speed": st.booleans(),
        "fused": st.booleans(),
        "device": st.sampled_from(["cpu", "cuda", "cuda:1", "mps"]),
        "seed": st.integers(0, 2**63 - 1),
    }
    return {
        "optimizer": optimizer,
        "optimizer_options": draw(OPTIMIZERS[optimizer]),
        "schedule": schedule,
        "schedule_options": draw(SCHEDULES[schedule]),
        **draw(st.fixed_dictionaries({}, optional=optional)),
    }


@given(legal())
def test_comes_back_from_its_settings_as_it_was(settings):
    config = Config(**settings)
    assert Config.from_settings(config.to_settings()) == config
    assert Config.from_settings(tomllib.loads(tomli_w.dumps(config.to_settings()))) == config
