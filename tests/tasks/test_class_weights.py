import numpy as np
import pytest
import torch
import torch.nn.functional as F
from sklearn.utils.class_weight import compute_class_weight

from thalweg.data import Target
from thalweg.errors import SettingError
from thalweg.tasks import tasks

THREE = Target("category", ("animal",), ("cat", "dog", "eel"), counts=(20, 12, 8))
TWO = Target("category", ("digit",), (3, 7), counts=(30, 10))


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_weighted_losses_over_weights_are_the_weighted_cross_entropy_of_torch(smoothing):
    weights = [0.5, 2.0, 3.0]
    task = tasks["classification"](THREE, class_weights=weights, label_smoothing=smoothing)
    torch.manual_seed(0)
    output, targets = torch.randn(20, 3), torch.randint(3, (20,))
    ours = task.losses(output, targets).sum() / task.weights(targets).sum()
    expected = F.cross_entropy(output, targets, torch.tensor(weights), label_smoothing=smoothing)
    torch.testing.assert_close(ours, expected)


def test_two_classes_by_one_logit_weigh_as_by_two():
    torch.manual_seed(0)
    logit, targets = torch.randn(20, 1), torch.randint(2, (20,))
    one = tasks["binary"](TWO, class_weights="balanced")
    two = tasks["classification"](TWO, class_weights="balanced")
    both = torch.cat([torch.zeros_like(logit), logit], dim=1)
    torch.testing.assert_close(one.losses(logit, targets), two.losses(both, targets))
    assert torch.equal(one.weights(targets), two.weights(targets))


def test_balanced_weights_agree_with_scikit_learn():
    task = tasks["classification"](THREE, class_weights="balanced")
    written = torch.repeat_interleave(torch.arange(3), torch.tensor(THREE.counts)).numpy()
    expected = compute_class_weight("balanced", classes=np.arange(3), y=written)
    np.testing.assert_allclose(task.weights(torch.arange(3)), expected, rtol=1e-6)


def test_a_class_without_training_examples_keeps_balanced_weights_finite():
    target = Target("category", ("animal",), ("cat", "dog", "eel"), counts=(30, 10, 0))
    weights = tasks["classification"](target, class_weights="balanced").weights(torch.arange(3))
    torch.testing.assert_close(weights, torch.tensor([40 / 60, 40 / 20, 1.0]))


@pytest.mark.parametrize("name", ["binary", "classification"])
def test_without_weights_there_are_none(name):
    assert tasks[name](TWO).weights(torch.tensor([0, 1])) is None


@pytest.mark.parametrize(
    "given", ["balance", [1.0, 2.0], [1.0, 2.0, 0.0], [1.0, float("inf"), 1.0], 2.0, ["1", 2, 3]]
)
def test_weights_that_make_no_sense_are_refused(given):
    with pytest.raises(SettingError, match="class_weights must"):
        tasks["classification"](THREE, class_weights=given)


@pytest.mark.parametrize("given", ["balanced", [1.0, 4.0], np.array([1.0, 4.0])])
def test_weights_are_kept_among_the_options_as_plain_data(given):
    kept = given if isinstance(given, str) else [1.0, 4.0]
    assert tasks["binary"](TWO, class_weights=given).options() == {"class_weights": kept}


@pytest.mark.parametrize("smoothing", [-0.1, 1.0])
def test_label_smoothing_out_of_range_is_refused(smoothing):
    with pytest.raises(SettingError, match="label_smoothing must be"):
        tasks["classification"](THREE, label_smoothing=smoothing)
