"""What is chosen by timing: when, by how much, and with which words."""

import copy

import pytest
import torch

import thalweg as tw
from thalweg._api._verbs import repeat
from thalweg.train import _arrangement
from thalweg.train._arrangement import arrange
from thalweg.train._defaults import complete
from thalweg.train._race import FEWER_ROUNDS
from thalweg.train._trial import Trial
from thalweg.train._whole_step import CannotCompileError, WholeStep


@pytest.fixture
def subject():
    data = tw.load("digits")
    model = tw.build("lenet", data)
    task, _ = tw.tasks.choose(data.schema.target, outputs=10)
    return model, data, task


@pytest.fixture
def long(monkeypatch):
    """Every training is long enough."""
    for name in ("FEWEST_STEPS", "FEWEST_SECONDS", "LONG_SECONDS", "SHORTEST_STEP"):
        monkeypatch.setattr(_arrangement, name, 0)


@pytest.fixture(autouse=True)
def units(monkeypatch):
    """Every processor has units for bfloat16."""
    monkeypatch.setattr(_arrangement, "has_units", lambda device: True)


@pytest.fixture
def times(monkeypatch):
    """What a step takes is told by its settings; nothing is measured."""

    def told(rule):
        monkeypatch.setattr(Trial, "seconds", lambda trial, steps: rule(trial.config))

    return told


def found(subject, wait=lambda why: None, **settings):
    config, chosen = complete(tw.train.Config(batch_size=32, **settings), *subject[:2])
    arrangement = arrange(*subject, config, {each.setting for each in chosen}, wait)
    return arrangement, {each.setting: each for each in arrangement.choices}


def test_a_short_training_is_not_timed(subject, monkeypatch):
    monkeypatch.setattr(Trial, "seconds", lambda *_: pytest.fail("timed"))
    arrangement, choices = found(subject, epochs=2)
    assert list(choices) == ["compiled"]
    assert choices["compiled"].reason == "training is too short for compiling to pay"
    assert arrangement.config.channels_last
    assert arrangement.config.threads is None


def test_nothing_is_timed_where_that_is_switched_off(subject, long, times):
    times(lambda config: pytest.fail("timed"))
    _, choices = found(subject, measure_speed=False)
    assert [(each.setting, each.reason) for each in choices.values()] == [
        ("compiled", "measure_speed is off")
    ]


def test_the_faster_layout_is_taken_and_told_with_its_times(subject, long, times):
    times(lambda config: 0.018 if config.channels_last else 0.012)
    arrangement, choices = found(subject, threads=1)
    assert arrangement.config.channels_last is False
    assert choices["channels_last"].reason == "12 ms a step; 18 ms channels innermost"
    told = "12 ms a step is spent in kernels, which it makes no faster"
    assert choices["compiled"].reason == told
    times(lambda config: 0.012 if config.channels_last else 0.018)
    arrangement, choices = found(subject, threads=1)
    assert arrangement.config.channels_last is True
    assert choices["channels_last"].reason == "12 ms a step; 18 ms channels outermost"


def test_a_layout_that_gives_other_numbers_is_not_taken(subject, long, times, monkeypatch):
    monkeypatch.setattr(_arrangement, "difference", lambda *_: "the loss of step 1 is 2 not 1")
    times(lambda config: 0.012 if config.channels_last else 0.018)
    arrangement, choices = found(subject, threads=1)
    assert arrangement.config.channels_last is False
    assert "other numbers: the loss of step 1" in choices["channels_last"].reason


def test_as_many_threads_as_are_fastest(subject, long, times, monkeypatch):
    monkeypatch.setattr(torch, "get_num_threads", lambda: 4)
    monkeypatch.setattr(torch, "set_num_threads", lambda number: None)
    times(lambda config: {1: 0.003, 2: 0.001, 4: 0.05}[config.threads or 4])
    arrangement, choices = found(subject, channels_last=True, compiled=False)
    assert arrangement.config.threads == 2
    assert choices["threads"].reason == "1 ms a step; 50 ms with 4, 3 ms with 1"
    times(lambda config: {1: 0.96, 2: 1.0, 4: 1.0}[config.threads or 4])
    arrangement, _ = found(subject, channels_last=True, compiled=False)
    assert arrangement.config.threads == 4  # Four per cent are no reason to leave the usual.


def test_what_was_given_stays(subject, long, times):
    times(lambda config: 1.0 if config.channels_last else 0.1)
    arrangement, choices = found(
        subject, threads=1, channels_last=True, compiled=False, precision="float32"
    )
    assert not choices
    assert arrangement.config.channels_last
    assert arrangement.config.threads == 1


def test_small_steps_of_long_trainings_are_compiled(subject, long, times, monkeypatch):
    asked, said = [], []

    def compiled(*subject):
        asked.append(subject)
        raise CannotCompileError("the step cannot be compiled: it is odd.")

    monkeypatch.setattr(_arrangement, "compiled", compiled)
    given = {"threads": 1, "channels_last": False}
    for epochs, seconds, told in (
        (1000, 0.02, "20 ms a step is spent in kernels, which it makes no faster"),
        (100, 0.0005, "training is too short for compiling to pay"),
        # A minute of steps, of which calls are but a sixth.
        (700, 0.002, "training is too short for compiling to pay"),
    ):
        times(lambda config, seconds=seconds: seconds)
        _, choices = found(subject, said.append, epochs=epochs, **given)
        assert choices["compiled"].reason == told
    assert not asked
    assert not said
    arrangement, choices = found(subject, said.append, epochs=5000, **given)
    assert asked
    assert said == ["compiling several steps into one program, which takes some 15 s"]
    assert choices["compiled"].reason == "the step cannot be compiled: it is odd."
    assert arrangement.config.compiled is False


class Program(WholeStep):
    """Stands for one that takes so many seconds a step."""

    def __init__(self, pace):
        self.pace, self.steps = pace, 4

    def seconds(self, trial, turns=20):
        return self.pace


@pytest.mark.parametrize(("pace", "is_taken"), [(0.0001, True), (0.00049, False), (0.002, False)])
def test_a_program_is_taken_where_it_pays(subject, long, times, monkeypatch, pace, is_taken):
    monkeypatch.setattr(_arrangement, "compiled", lambda *_: Program(pace))
    times(lambda config: 0.0005)
    arrangement, choices = found(subject, epochs=5000, threads=1, channels_last=False)
    assert arrangement.config.compiled is is_taken
    assert (arrangement.program is not None) is is_taken
    assert f"{1000 * pace:.3g} ms a step instead of 0.5 ms" in choices["compiled"].reason


def test_a_network_that_cannot_be_copied_trains_all_the_same(subject, long):
    model = copy.deepcopy(subject[0])
    model.notes = (each for each in ())  # A generator, which nothing copies.
    _, choices = found((model, *subject[1:]))
    assert choices["measure_speed"].reason.startswith("a step on a copy failed: ")
    assert choices["compiled"].value is False


def test_a_network_too_large_to_be_copied_is_not(subject, long, times, monkeypatch):
    times(lambda config: pytest.fail("timed"))
    monkeypatch.setattr(_arrangement.memory, "available", lambda: 1_000_000)
    _, choices = found(subject)
    assert choices["measure_speed"].reason.startswith("copies of the network need more memory")


def test_what_was_timed_is_what_the_run_repeats(long, tmp_path):
    run = tw.fit("lenet", "digits", epochs=1, out=tmp_path / "run", progress=False)
    again = repeat(tmp_path / "run" / "config.toml", out=tmp_path / "again", progress=False)
    assert again.settings.train == run.settings.train
    for name, value in run.model.state_dict().items():
        assert torch.equal(value, again.model.state_dict()[name])
    reasons = {each.setting: each.reason for each in run.choices}
    assert " ms a step; " in reasons["channels_last"]


def by_type(config):
    return {"float32": 0.020, "bfloat16": 0.012, "bfloat16-matmul": 0.016}[config.precision]


def test_a_shorter_type_is_taken_for_pictures_classes_where_it_is_faster(subject, long, times):
    times(by_type)
    arrangement, choices = found(subject, threads=1, channels_last=True)
    assert arrangement.config.precision == "bfloat16"
    told = "12 ms a step; 20 ms in float32, 16 ms in bfloat16-matmul"
    assert choices["precision"].reason == told
    times(lambda config: {"float32": 0.020, "bfloat16": 0.019}.get(config.precision, 0.010))
    arrangement, choices = found(subject, threads=1, channels_last=True)
    assert arrangement.config.precision == "bfloat16-matmul"
    times(lambda config: 0.020 if config.precision == "float32" else 0.0185)
    arrangement, choices = found(subject, threads=1, channels_last=True)
    assert arrangement.config.precision == "float32"
    told = "20 ms a step; 18.5 ms in bfloat16, 18.5 ms in bfloat16-matmul"
    assert choices["precision"].reason == told


def test_a_training_of_a_few_seconds_tries_the_type_and_nothing_else(subject, times, monkeypatch):
    monkeypatch.setattr(_arrangement, "FEWEST_SECONDS", 2.0)
    times(lambda config: 0.1 * by_type(config))
    turned, seconds = [], Trial.seconds

    def counted(trial, steps):
        turned.append(trial.config.precision)
        return seconds(trial, steps)

    monkeypatch.setattr(Trial, "seconds", counted)
    _, data, task = subject
    wide = tw.build("convnet", data, widths=[16, 16]), data, task
    arrangement, choices = found(wide, epochs=50)
    assert arrangement.config.precision == "bfloat16"
    assert list(choices) == ["precision", "compiled"]
    assert turned.count("bfloat16") == FEWER_ROUNDS
    assert "bfloat16-matmul" not in turned  # Which makes no convolution faster.
    arrangement, _ = found((tw.build("mlp", data), data, task), epochs=50)
    assert arrangement.config.precision == "bfloat16-matmul"
    # LeNet's convolutions from 1 to 6 and from 6 to 16 channels gain too little.
    _, choices = found(subject, epochs=50)
    assert list(choices) == ["compiled"]
    # 40 steps of 2 ms an epoch: 1.6 s are not worth it, nor are steps of which calls take most.
    _, choices = found(wide, epochs=20)
    assert list(choices) == ["compiled"]
    times(lambda config: 0.04 * by_type(config))
    _, choices = found(wide, epochs=100)
    assert list(choices) == ["compiled"]


def test_a_shorter_type_is_not_taken_where_losses_differ(subject, long, times, monkeypatch):
    monkeypatch.setattr(_arrangement, "PRECISION_TOLERANCE", 1e-9)
    times(by_type)
    arrangement, choices = found(subject, threads=1, channels_last=True)
    assert arrangement.config.precision == "float32"
    assert "other numbers: the loss of step 1 is" in choices["precision"].reason


@pytest.mark.parametrize(("name", "outputs"), [("diabetes", 1), ("wine", 3)])
def test_numbers_of_tables_and_numbers_wanted_keep_their_digits(name, outputs, long, times):
    data = tw.load(name)
    model = tw.build("mlp", data)
    task, _ = tw.tasks.choose(data.schema.target, outputs=outputs)
    times(by_type)
    arrangement, choices = found((model, data, task), threads=1)
    assert "precision" not in choices
    assert arrangement.config.precision == "float32"


def test_the_type_is_not_tried_where_it_was_given_or_nothing_computes_in_it(
    subject, long, times, monkeypatch
):
    times(by_type)
    _, choices = found(subject, threads=1, channels_last=True, precision="float32")
    assert "precision" not in choices
    monkeypatch.setattr(_arrangement, "has_units", lambda device: False)
    arrangement, choices = found(subject, threads=1, channels_last=True)
    assert "precision" not in choices
    assert arrangement.config.precision == "float32"


def test_a_network_that_cannot_compute_in_bfloat16_may_still_round_factors(
    subject, long, times, monkeypatch
):
    class Strict(torch.nn.Linear):
        def forward(self, x):
            if torch.is_autocast_enabled("cpu"):
                raise RuntimeError("not implemented for 'BFloat16'")
            return super().forward(x.flatten(1))

    times(by_type)
    _, data, task = subject
    arrangement, choices = found((Strict(64, 10), data, task), threads=1, compiled=False)
    assert arrangement.config.precision == "bfloat16-matmul"
    assert arrangement.config.measure_speed
    told = "16 ms a step; 20 ms in float32; bfloat16 failed on a copy: not implemented for"
    assert choices["precision"].reason.startswith(told)


def test_a_training_of_seconds_stays_in_float32_where_the_only_other_type_fails(
    subject, times, monkeypatch
):
    class Strict(torch.nn.Conv2d):
        def forward(self, x):
            if torch.is_autocast_enabled("cpu"):
                raise RuntimeError("not implemented for 'BFloat16'\nwhere it was called")
            return super().forward(x)

    monkeypatch.setattr(_arrangement, "FEWEST_SECONDS", 2.0)
    times(lambda config: 0.1 * by_type(config))
    _, data, task = subject
    first = torch.nn.Conv2d(1, 16, 1)
    last = torch.nn.Flatten(), torch.nn.Linear(16, 10)
    model = torch.nn.Sequential(first, Strict(16, 16, 8), *last)
    arrangement, choices = found((model, data, task), epochs=50)
    assert arrangement.config.precision == "float32"
    told = "2 ms a step; bfloat16 failed on a copy: not implemented for 'BFloat16'"
    assert choices["precision"].reason == told


def test_a_failure_of_another_cause_is_told_as_it_is(subject, times, monkeypatch):
    class Broken(torch.nn.Linear):
        def forward(self, x):
            if torch.backends.mkldnn.matmul.fp32_precision == "bf16":
                raise RuntimeError("out of order")
            return super().forward(x.flatten(1))

    monkeypatch.setattr(_arrangement, "FEWEST_SECONDS", 2.0)
    times(lambda config: 0.1 * by_type(config))
    _, data, task = subject
    _, choices = found((Broken(64, 10), data, task), epochs=50)
    assert choices["measure_speed"].reason == "a step on a copy failed: out of order"
