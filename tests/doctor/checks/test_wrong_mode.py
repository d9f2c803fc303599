import pytest

from thalweg.doctor.checks._check import Unchecked
from thalweg.doctor.checks.wiring._wrong_mode import check_wrong_mode
from thalweg.doctor.record import Activity, Evaluation, ModuleFacts


def with_dropout(loop, **settings):
    record = loop(**settings)
    record.modules["dropout"] = ModuleFacts("Dropout", "dropout", [], False, follows_mode=True)
    return record


def validated(record, passes=4, **facts):
    record.evaluations = [
        Evaluation(10 * (place + 1), forwards=1, examples=100, **facts) for place in range(passes)
    ]
    return record


def test_finds_training_in_evaluation_mode(loop):
    [finding] = check_wrong_mode(with_dropout(loop, training=False))
    assert finding.where == "training"
    assert finding.evidence["in evaluation mode"] == 40


def test_finds_training_that_is_in_evaluation_mode_from_the_first_validation_on(loop):
    record = with_dropout(loop)
    for each in record.steps[10:]:
        each.is_training = False
    [finding] = check_wrong_mode(record)
    assert finding.evidence["in evaluation mode"] == 30


def test_finds_one_of_several_networks_trained_in_evaluation_mode(loop):
    record = with_dropout(loop)
    del record.modules[""]
    record.modules["trunk"].follows_mode = True
    for sample in record.samples:
        sample.modules = {"trunk": Activity(False, None, None)}
    [finding] = check_wrong_mode(record)
    assert finding.where == "training"


def test_is_silent_about_a_frozen_trunk_in_evaluation_mode(loop):
    record = with_dropout(loop, training=False)
    record.modules["trunk.norm"] = ModuleFacts("BatchNorm1d", "batch norm", [], False)
    del record.modules["dropout"]
    record.modules["trunk.norm"].follows_mode = True
    record.parameters["trunk.weight"].optimizer = None
    assert not list(check_wrong_mode(record))


def test_is_silent_where_no_part_follows_the_mode(loop):
    assert not list(check_wrong_mode(loop(training=False)))
    assert not list(check_wrong_mode(validated(loop(), loss=1.0)))


def test_finds_validation_in_training_mode_by_its_loss(loop):
    record = validated(with_dropout(loop), loss=1.0, noisy_forwards=1, noisy_losses=1)
    [finding] = check_wrong_mode(record)
    assert finding.where == "validation"


def test_finds_validation_in_training_mode_by_its_shape(loop):
    record = validated(with_dropout(loop), noisy_forwards=1, alike_forwards=1)
    assert len(list(check_wrong_mode(record))) == 1


@pytest.mark.parametrize(
    "facts",
    [
        {"loss": 1.0},
        {"loss": 1.0, "noisy_forwards": 1},  # statistics of the norms redone, then validation
        {"noisy_forwards": 1},  # samples drawn: other shapes than those trained on
        {"noisy_forwards": 1, "alike_forwards": 1, "rows": 100, "seen_rows": 90},
    ],
)
def test_is_silent_where_validation_is_in_evaluation_mode_or_is_none(loop, facts):
    assert not list(check_wrong_mode(validated(with_dropout(loop), **facts)))


def test_is_silent_about_passes_in_every_step(loop):
    facts = {"loss": 1.0, "noisy_forwards": 1, "noisy_losses": 1}
    assert not list(check_wrong_mode(validated(with_dropout(loop), passes=40, **facts)))


def test_finds_validation_with_gradients_on_in_training_mode(loop, row):
    record = with_dropout(loop, steps=60)
    for step in (10, 20, 30):
        record.steps[step] = row(step, "fffbs")
    [finding] = check_wrong_mode(record)
    assert finding.evidence["validation passes in training mode"] == 3


def test_is_silent_about_more_forward_passes_with_more_backward_passes(loop, row):
    record = with_dropout(loop, steps=60)
    for step in (10, 20, 30):
        record.steps[step] = row(step, "fbfbfbs")
    assert not list(check_wrong_mode(record))


def test_finds_functional_dropout_that_ignores_the_mode(loop):
    [finding] = check_wrong_mode(validated(loop(), loss=1.0, stuck_dropouts=2))
    assert "training=self.training" in finding.remedy


def test_is_silent_beside(loop):
    assert not list(check_wrong_mode(validated(with_dropout(loop), loss=1.0)))


def test_does_not_judge_three_steps(loop):
    [answer] = check_wrong_mode(with_dropout(loop, steps=3))
    assert isinstance(answer, Unchecked)
