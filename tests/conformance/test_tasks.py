"""Every task keeps every promise; each check fails on a task that breaks its own."""

import pytest
import torch
import torch.nn.functional as F

import thalweg as tw
from thalweg.conformance.tasks import TASK
from thalweg.data import Target
from thalweg.errors import SettingError
from thalweg.tasks import Classification, Prediction, Regression, tasks

CATEGORY = Target("category", ("animal",), ("cat", "dog", "eel"), counts=(20, 12, 8))
TWO = Target("category", ("digit",), (3, 7), counts=(30, 10))
LABELS = Target("multilabel", ("topic",), ("war", "peace", "tax"), counts=(9, 9, 9))
NUMBERS = Target("number", ("x", "y"), mean=(1.0, -50.0), scale=(0.5, 30.0))

# Every registered task, with every option that changes its loss.
CASES = [
    ("binary", TWO, {}),
    ("binary", TWO, {"class_weights": "balanced"}),
    ("classification", CATEGORY, {}),
    ("classification", TWO, {}),
    ("classification", CATEGORY, {"class_weights": [1.0, 2.0, 0.5], "label_smoothing": 0.1}),
    ("multilabel", LABELS, {}),
    ("regression", NUMBERS, {}),
    ("regression", NUMBERS, {"distribution": "laplace"}),
    ("perceptron", TWO, {}),
]


def test_every_registered_task_is_examined_here():
    assert {name for name, _, _ in CASES} == set(tasks.names())


@pytest.mark.parametrize(("name", "target", "options"), CASES)
def test_every_task_keeps_every_promise(name, target, options):
    report = tw.check_task(tasks[name](target, **options))
    assert report.passed, report


def test_a_task_by_name_is_made_for_the_data_and_takes_its_targets():
    report = tw.check_task("regression", "diabetes", distribution="laplace")
    assert report.passed, report
    assert report.subject == "task regression"


# Each is wrong in the way of its name; what follows from that is not counted.
WRONG: dict[str, Classification] = {}


def wrong(name, **options):
    def file(kind):
        WRONG[name] = kind(CATEGORY, **options)
        return kind

    return file


@wrong("losses")
class GivesTheMean(Classification):
    def losses(self, output, targets):
        return super().losses(output, targets).mean()


@wrong("losses-apart")
class DividesByTheLargest(Classification):
    def losses(self, output, targets):
        losses = super().losses(output, targets)
        return losses / losses.max().detach() if len(losses) else losses


@wrong("mean-loss")
class GivesTheSum(Classification):
    def mean_loss(self, output, targets):
        return self.losses(output, targets).sum()


@wrong("losses-not-negative")
class ForgetsASign(Classification):
    def losses(self, output, targets):
        return -super().losses(output, targets)


@wrong("extreme-outputs")
class TakesTheLogarithmLast(Classification):
    def losses(self, output, targets):
        return F.nll_loss(output.softmax(dim=1).log(), targets, reduction="none")


@wrong("loss-has-its-slope")
class AddsAGradient(Classification):
    def losses(self, output, targets):
        return super().losses(output, targets) + (output - output.detach()).sum(dim=1)


@wrong("weights")
class WeighsTheFirstNothing(Classification):
    def weights(self, targets):
        return (targets > 0).float()


@wrong("no-examples")
class LooksAtTheFirst(Classification):
    def losses(self, output, targets):
        return super().losses(output, targets) + 0 * targets[0]


@wrong("refuses")
class TakesAnything(Classification):
    def check(self, output, targets):
        pass


@wrong("metrics")
class GivesAnotherFirst(Classification):
    def score(self, output, targets):
        return {"mean": float(output.mean()), **super().score(output, targets)}


@wrong("metrics-in-any-order")
class LooksAtHalf(Classification):
    def score(self, output, targets):
        half = max(1, len(targets) // 2)
        return {**self.quick(output, targets), "half": float(targets[:half].double().mean())}


@wrong("metrics-of-few")
class DividesByTheSpread(Classification):
    def score(self, output, targets):
        spread = output[:, 0].std(correction=0)
        return {**self.quick(output, targets), "peak": float(output.max() / spread)}


@wrong("reads")
class ForgetsTheNames(Classification):
    def read(self, output, names):
        return Prediction(super().read(output, names).values, None, self.target.classes, ())


@wrong("probabilities")
class NormalizesEachAlone(Classification):
    def read(self, output, names):
        values = super().read(output, names).values
        shares = output.double().sigmoid().numpy()
        return Prediction(values, shares, self.target.classes, tuple(names))


@wrong("loss-leads-to-the-target")
class NumbersClassesBackwards(Classification):
    def losses(self, output, targets):
        return super().losses(output, self.outputs - 1 - targets)


@wrong("arguments-untouched")
class ClampsInPlace(Classification):
    def quick(self, output, targets):
        return super().quick(output.clamp_(-1, 1), targets)


@wrong("options", label_smoothing=0.2)
class ForgetsItsOptions(Classification):
    def options(self):
        return {}


@wrong("moves")
class KeepsTensorsInAList(Classification):
    def __init__(self, target, **options):
        super().__init__(target, **options)
        self.shifts = [torch.zeros(3)]

    def losses(self, output, targets):
        return super().losses(output + self.shifts[0], targets)


def test_there_is_a_wrong_task_for_every_check():
    assert set(WRONG) == set(TASK.names())


@pytest.mark.parametrize("name", WRONG)
def test_a_check_fails_on_a_task_that_breaks_its_promise(name):
    report = tw.check_task(WRONG[name])
    assert report[name].outcome == "failed", report
    assert report[name].came
    assert report[name].remedy


def test_a_number_that_is_read_in_other_units_is_seen():
    class InOtherUnits(Regression):
        def read(self, output, names):
            read = super().read(output, names)
            return Prediction(read.values / 1000, None, (), read.names)

    report = tw.check_task(InOtherUnits(NUMBERS))
    assert [each.name for each in report.failures] == ["loss-leads-to-the-target"]


def test_a_task_that_is_not_registered_cannot_be_stored_and_that_is_said():
    class Own(Classification):
        name = "own"

    assert tw.check_task(Own(CATEGORY))["options"].outcome == "not applicable"


def test_nothing_of_the_task_or_the_world_changes():
    task = Classification(CATEGORY, class_weights=[1.0, 2.0, 3.0])
    drawn = torch.get_rng_state()
    assert tw.check_task(task).passed
    assert not any(each.is_meta for each in vars(task).values() if isinstance(each, torch.Tensor))
    assert torch.equal(torch.get_rng_state(), drawn)


def test_a_name_needs_data_and_an_option_a_name():
    with pytest.raises(SettingError, match="by name needs data"):
        tw.check_task("classification")
    with pytest.raises(SettingError, match="label_smoothing is an option of a task by name"):
        tw.check_task(Classification(CATEGORY), label_smoothing=0.1)
