import math

from thalweg.doctor.checks._check import Note, Unchecked
from thalweg.doctor.checks.generalization._overfitting import check_overfitting

TURNED = [1.5, 1.1, 0.9, 0.8, 0.85, 1.0, 1.1, 1.2, 1.3, 1.4]


def falling(count=200):
    return [2.3 * math.exp(-4 * step / count) for step in range(count)]


def test_finds_validation_that_turned(training):
    [finding] = check_overfitting(training(falling(), validation=TURNED))
    assert finding.evidence["best after steps"] == 80
    assert finding.severity == "warning"


def test_is_silent_where_validation_stays(training):
    validation = [1.5, 1.1, 0.9, 0.8, 0.79, 0.8, 0.81, 0.8, 0.8, 0.81]
    assert not list(check_overfitting(training(falling(), validation=validation)))


def test_is_silent_where_the_rise_is_noise(training):
    validation = [1.5, 0.7, 1.3, 0.6, 1.2, 0.7, 1.4, 0.8, 1.3, 0.9]
    assert not list(check_overfitting(training(falling(), validation=validation)))


def test_is_silent_where_training_gets_worse_too(training):
    losses = [2.3 - 0.01 * step if step < 100 else 1.3 for step in range(200)]
    assert not list(check_overfitting(training(losses, validation=TURNED)))


def test_notes_a_rise_while_accuracy_improves(training):
    record = training(falling(), validation=TURNED)
    for place, each in enumerate(record.evaluations):
        each.accuracy = 0.3 + 0.05 * place
    [answer] = check_overfitting(record)
    assert isinstance(answer, Note)


def test_does_not_judge_without_validation(training):
    [answer] = check_overfitting(training(falling()))
    assert isinstance(answer, Unchecked)
