"""The numbers behind each section, against other people's arithmetic."""

import base64
from importlib import resources

import numpy as np
import pytest
import sklearn.calibration
import sklearn.metrics
import torch
from bokeh.plotting import figure
from torchmetrics.functional.classification import multiclass_calibration_error

from thalweg._core.choices import Choice
from thalweg.data import load
from thalweg.report import _evidence, sections
from thalweg.report.sections import _calibration, _classes, _confusion, _data_card, _numbers
from thalweg.train import Status


def section_of(run, name):
    return next(each for each in sections.compose(run, _evidence.gather(run)) if each.name == name)


@pytest.fixture(scope="module")
def answers():
    """True and decided classes of 400 examples, half of them right."""
    draw = np.random.default_rng(0)
    targets = draw.integers(0, 6, 400)
    decided = np.where(draw.random(400) < 0.5, targets, draw.integers(0, 6, 400))
    return targets, decided


def test_the_confusion_matrix_is_scikit_learns(answers):
    ours = _confusion.confusion_matrix(*answers, 7)
    np.testing.assert_array_equal(ours, sklearn.metrics.confusion_matrix(*answers, labels=range(7)))


def test_the_confused_pairs_are_the_matrix_without_its_diagonal(answers):
    matrix = sklearn.metrics.confusion_matrix(*answers, labels=range(6))
    pairs = _confusion.most_confused(*answers, [str(number) for number in range(6)])
    assert [pair.count for pair in pairs] == sorted((p.count for p in pairs), reverse=True)
    assert sum(pair.count for pair in pairs) == matrix.sum() - matrix.trace()
    for pair in pairs:
        count = matrix[int(pair.true), int(pair.predicted)]
        assert pair.count == count
        assert pair.share == pytest.approx(count / matrix[int(pair.true)].sum())


def test_precision_and_recall_are_scikit_learns(answers):
    scores = _classes.class_scores(*answers, list("abcdef"))
    precision, recall, _, counts = sklearn.metrics.precision_recall_fscore_support(*answers)
    assert [score.precision for score in scores] == pytest.approx(precision)
    assert [score.recall for score in scores] == pytest.approx(recall)
    assert [score.count for score in scores] == counts.tolist()


def test_precision_and_recall_of_labels_are_scikit_learns():
    draw = np.random.default_rng(3)
    targets, decided = draw.integers(0, 2, (2, 90, 4))
    scores = _classes.class_scores(targets.astype(np.float32), decided, list("abcd"))
    precision, recall, _, counts = sklearn.metrics.precision_recall_fscore_support(targets, decided)
    assert [score.precision for score in scores] == pytest.approx(precision)
    assert [score.recall for score in scores] == pytest.approx(recall)
    assert [score.count for score in scores] == counts.tolist()


def test_a_class_that_is_absent_has_no_recall():
    scores = _classes.class_scores(np.array([0, 0]), np.array([0, 1]), ["a", "b", "c"])
    assert scores[1].recall is None
    assert scores[1].precision == 0
    assert scores[2].precision is None


def test_the_reliability_diagram_is_scikit_learns():
    draw = np.random.default_rng(1)
    probabilities = draw.random(500)
    outcomes = draw.random(500) < probabilities**2
    ours = _calibration.reliability(probabilities, outcomes)
    frequency, confidence = sklearn.calibration.calibration_curve(
        outcomes, probabilities, n_bins=_calibration.BINS
    )
    np.testing.assert_allclose(ours.frequency, frequency)
    np.testing.assert_allclose(ours.confidence, confidence)
    assert ours.counts.sum() == 500


def test_the_calibration_error_is_the_one_among_the_scores():
    draw = torch.Generator().manual_seed(0)
    probabilities = torch.randn(300, 4, generator=draw).mul(2).double().softmax(dim=1)
    targets = torch.randint(4, (300,), generator=draw)
    confidence, decided = probabilities.max(dim=1)
    ours = _calibration.reliability(confidence.numpy(), (decided == targets).numpy())
    theirs = multiclass_calibration_error(probabilities, targets, num_classes=4)
    assert ours.error == pytest.approx(float(theirs), abs=1e-6)


def test_certainty_lies_in_the_last_bin():
    ours = _calibration.reliability(np.array([1.0, 1.0]), np.array([True, False]))
    assert ours.counts.tolist() == [2]
    assert ours.error == 0.5


def test_the_explained_variance_is_scikit_learns():
    draw = np.random.default_rng(2)
    true, predicted = draw.normal(size=(2, 50))
    ours = _numbers._explained(true, predicted)
    assert ours == pytest.approx(sklearn.metrics.r2_score(true, predicted))
    assert _numbers._explained(np.ones(3), np.zeros(3)) is None


def test_examples_are_spread_over_the_classes():
    classes = np.array([0] * 50 + [1] * 3 + [2])
    chosen = _data_card.spread(classes, most=9)
    assert np.bincount(classes[chosen]).tolist() == [5, 3, 1]


def test_the_worst_mistakes_come_first_and_are_mistakes(digits):
    evidence = _evidence.gather(digits)
    section = section_of(digits, "mistakes")
    losses = [float(each.loss) for each in section.body["shown"]]
    assert losses == sorted(losses, reverse=True)
    wrong = sklearn.metrics.zero_one_loss(evidence.targets, evidence.decided, normalize=False)
    assert f"{int(wrong)} mistaken" in section.sentence
    assert all(each.true != each.predicted for each in section.body["shown"])


def test_a_network_without_mistakes_shows_what_was_hardest(train_run, pictures):
    run = train_run(load(*pictures()), epochs=8)
    assert run.score("valid")["accuracy"] == 1
    section = section_of(run, "mistakes")
    assert section.sentence.startswith("No validation example is mistaken.")
    assert len(section.body["shown"]) == len(run.data.valid)


def test_settings_show_the_reason_of_each_decision_and_what_was_asked_for(digits):
    rows = {row.setting: row for row in section_of(digits, "settings").body["rows"]}
    assert all(rows[choice.setting].why == choice.reason for choice in digits.choices)
    assert rows["epochs"].value == "2"
    assert rows["epochs"].why == ""


def test_the_time_adds_up(digits):
    phases = section_of(digits, "timing").body["phases"]
    assert sum(phase.per_cent for phase in phases) == pytest.approx(100)
    assert [phase.name for phase in phases] == list(digits.timing)


def test_the_network_is_lenets_of_the_course(digits):
    # 61,706 parameters and 416,520 multiply-accumulates: COURSE V4.
    assert "61,706" in section_of(digits, "anatomy").sentence
    section = section_of(digits, "anatomy")
    assert "416,520" in section.sentence
    # Eight pixels are enlarged to 32: five of those come from at most three.
    assert section.body["rows"][1][-1] == "3×3"
    assert "adamw state" in section.body["training"]
    assert b"Conv2d 5" in base64.b64decode(section.body["picture"])


def test_a_thousand_classes_show_the_most_confused_pairs_only(train_run):
    draw = np.random.default_rng(0)
    labels = np.arange(4000) % 1000
    run = train_run(load(draw.normal(size=(4000, 2)), labels, kind="category"), epochs=1)
    confusion = section_of(run, "confusion")
    assert confusion.body["matrix"] is None
    assert len(confusion.body["pairs"]) == _confusion.MOST_PAIRS
    assert len(section_of(run, "classes").body["scores"]) <= _classes.MOST_CLASSES


def test_several_numbers_are_drawn_one_by_one(train_run):
    draw = np.random.default_rng(0)
    inputs = draw.normal(size=(80, 3))
    run = train_run(load(inputs, inputs @ draw.normal(size=(3, 6))), epochs=1)
    section = section_of(run, "numbers")
    assert len(section.charts) == 2 * _numbers.MOST_DRAWN
    assert section.body["left_out"] == 2


def test_a_decision_without_a_setting_is_shown_too(digits):
    digits.choices.append(Choice("dropped", 7, "seven examples without a target"))
    try:
        rows = section_of(digits, "settings").body["rows"]
    finally:
        digits.choices.pop()
    assert ("dropped", "7") in [(row.setting, row.value) for row in rows]


def test_a_run_that_goes_on_is_not_judged(digits):
    ended = digits.status
    digits.status = Status("running", epochs=1, steps=3)
    try:
        assert _evidence.gather(digits) == "Training had not ended when this page was written."
    finally:
        digits.status = ended


def test_a_share_that_never_changes_is_not_drawn_below_zero(digits):
    panels = section_of(digits, "curves").charts["curves-chart"]
    (score,) = [each for each in panels.select({"type": figure}) if "accuracy" in each.title.text]
    assert score.y_range.default_span == 0.1


def test_names_of_mistakes_are_not_cut_to_one_line():
    sheet = (resources.files("thalweg.report") / "templates" / "page.css").read_text("utf-8")
    (rule,) = [line for line in sheet.splitlines() if line.startswith(".name ")]
    assert "nowrap" not in rule
    assert "-webkit-line-clamp: 3" in rule
