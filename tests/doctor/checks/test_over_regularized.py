import math

from thalweg.doctor.checks._check import Unchecked
from thalweg.doctor.checks.dynamics._over_regularized import check_over_regularized
from thalweg.doctor.record import ModuleFacts
from thalweg.train import Config


def resting(level, count=100):
    return [
        level + (2.3 - level) * math.exp(-step / 10) + 0.02 * math.sin(1.7 * step)
        for step in range(count)
    ]


def decayed(training, level, *, decay=0.5, kind="Adam", shrunk=0.4):
    record = training(resting(level))
    record.optimizers[0].kind = kind
    record.optimizers[0].options["weight_decay"] = decay
    for sample in record.samples[5:]:
        for motion in sample.parameters.values():
            motion.weight *= shrunk
    return record


def test_finds_decay_that_pulls_harder_than_the_data(training):
    [finding] = check_over_regularized(decayed(training, 1.5))
    assert finding.where == "optimizer"
    assert finding.remedy.change(Config(weight_decay=0.5)) == {"weight_decay": 0.005}


def test_small_decay_is_usual(training):
    assert not list(check_over_regularized(decayed(training, 1.5, decay=1e-3)))


def test_decay_apart_from_the_gradient_is_measured_by_the_step(training):
    assert not list(check_over_regularized(decayed(training, 1.5, kind="AdamW")))
    [finding] = check_over_regularized(decayed(training, 1.5, kind="AdamW", decay=50.0))
    assert finding.evidence["decay as share of the step"] > 1


def test_is_silent_where_the_loss_is_low(training):
    assert not list(check_over_regularized(decayed(training, 0.1)))


def test_finds_dropout_meant_as_the_share_to_keep(training):
    record = training(resting(2.2))
    record.modules["drop"] = ModuleFacts("Dropout", "dropout", [], False, {"p": 0.9}, order=2)
    [finding] = check_over_regularized(record)
    assert finding.where == "drop"
    record.modules["drop"].options["p"] = 0.5
    assert not list(check_over_regularized(record))


def test_dropout_in_one_of_several_heads_hides_nothing_from_the_others(training):
    record = training(resting(2.2))
    record.modules["aux.drop"] = ModuleFacts("Dropout", "dropout", [], False, {"p": 0.7}, order=2)
    for sample in record.samples:
        sample.losses = 3 * sample.losses
    assert not list(check_over_regularized(record))


def test_finds_a_penalty_that_holds_the_weights_down(training):
    record = decayed(training, 2.3, decay=0.0)
    for row in record.steps:
        row.root = 2 * row.loss
    [finding] = check_over_regularized(record)
    assert finding.where == "loss"


def test_finds_noise_that_hides_the_data(training):
    record = training(resting(2.3), validation=[1.7, 1.6, 1.6])
    assert not list(check_over_regularized(record))
    record.modules["noise"] = ModuleFacts("Noise", "other", [], False, order=2)
    [finding] = check_over_regularized(record)
    assert finding.where == "network"
    for each in record.evaluations:
        each.loss = 2.3
    assert not list(check_over_regularized(record))


def test_does_not_judge_few_steps(training):
    [answer] = check_over_regularized(training(resting(2.2, 10)))
    assert isinstance(answer, Unchecked)


def test_finds_decay_that_has_left_nothing(training):
    record = decayed(training, 2.29, decay=0.5, shrunk=1e-3)
    for sample in record.samples[5:]:
        for motion in sample.parameters.values():
            motion.gradient *= 1e-3
    [finding] = check_over_regularized(record)
    assert finding.where == "optimizer"


def test_a_usual_decay_that_a_huge_rate_multiplies_is_the_rates_fault(training):
    record = training(resting(1.5), rates=20.0, moves=0.3)
    record.optimizers[0].kind = "AdamW"
    record.optimizers[0].options["weight_decay"] = 0.1
    assert not list(check_over_regularized(record))
    record.optimizers[0].options["weight_decay"] = 0.11
    [finding] = check_over_regularized(record)
    assert finding.fault == "over-regularized"
