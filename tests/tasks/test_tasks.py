"""What every task must do."""

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from sklearn import metrics as sk
from torch import distributions as D

from thalweg.data import Target
from thalweg.errors import DataError, ShapeError
from thalweg.tasks import Task, tasks

EXAMPLES = 40
CATEGORY = Target("category", ("animal",), ("cat", "dog", "eel"), counts=(20, 12, 8))
TWO = Target("category", ("digit",), (3, 7), counts=(30, 10))
SEVEN = Target("category", ("day",), tuple("abcdefg"), counts=(6,) * 7)
LABELS = Target("multilabel", ("topic",), ("war", "peace", "tax"), counts=(9, 9, 9))
NUMBER = Target("number", ("price",), mean=(100.0,), scale=(20.0,))
NUMBERS = Target("number", ("x", "y"), mean=(1.0, -50.0), scale=(0.5, 30.0))

# Every registered task, with each kind of target and each distribution it knows.
CASES = {
    "binary": tasks["binary"](TWO),
    "classification": tasks["classification"](CATEGORY),
    "classification of seven": tasks["classification"](SEVEN),
    "multilabel": tasks["multilabel"](LABELS),
    "regression": tasks["regression"](NUMBER),
    "regression of two": tasks["regression"](NUMBERS),
    "regression, laplace": tasks["regression"](NUMBERS, distribution="laplace"),
    "perceptron": tasks["perceptron"](TWO),
}

every_task = pytest.mark.parametrize("task", CASES.values(), ids=CASES)


def answers(task: Task, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """Return outputs and targets of some examples."""
    draw = torch.Generator().manual_seed(seed)
    output = 2 * torch.randn(EXAMPLES, task.outputs, generator=draw)
    target = task.target
    if target.kind == "category":
        return output, torch.randint(len(target.classes), (EXAMPLES,), generator=draw)
    if target.kind == "multilabel":
        return output, (torch.rand(EXAMPLES, task.outputs, generator=draw) < 0.4).float()
    spread = torch.randn(EXAMPLES, task.outputs, generator=draw)
    return output, torch.tensor(target.mean) + torch.tensor(target.scale) * spread


def negative_log_likelihood(task: Task, output: torch.Tensor, targets: torch.Tensor):
    """Return what torch.distributions says, less the constant of the scale."""
    mean, scale = torch.tensor(task.target.mean), torch.tensor(task.target.scale)
    match task.name, getattr(task, "distribution", None):
        case "binary", _:
            return -D.Bernoulli(logits=output[:, 0]).log_prob(targets.float())
        case "classification", _:
            return -D.Categorical(logits=output).log_prob(targets)
        case "multilabel", _:
            return -D.Independent(D.Bernoulli(logits=output), 1).log_prob(targets)
        case "regression", "gaussian":
            each = -D.Normal(mean + scale * output, scale).log_prob(targets)
            return (each - scale.log() - 0.5 * math.log(2 * math.pi)).sum(dim=1)
        case "regression", "laplace":
            each = -D.Laplace(mean + scale * output, scale).log_prob(targets)
            return (each - scale.log() - math.log(2)).sum(dim=1)
    raise AssertionError(task.name)


def test_every_registered_task_is_tested_here():
    assert {task.name for task in CASES.values()} == set(tasks.names())
    assert all(tasks[name].name == name for name in tasks.names())


@every_task
def test_losses_are_the_negative_log_likelihood(task):
    if task.name == "perceptron":
        pytest.skip("the perceptron's loss belongs to no distribution")
    output, targets = answers(task)
    expected = negative_log_likelihood(task, output, targets)
    torch.testing.assert_close(task.losses(output, targets), expected, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("binary", lambda z, y: F.binary_cross_entropy_with_logits(z[:, 0], y.float())),
        ("classification", F.cross_entropy),
        ("multilabel", lambda z, y: 3 * F.multilabel_soft_margin_loss(z, y)),
        ("regression", lambda z, y: 0.5 * F.mse_loss(100 + 20 * z, y) / 400),
    ],
)
def test_the_mean_loss_is_what_torch_computes(name, expected):
    task = CASES[name]
    output, targets = answers(task)
    torch.testing.assert_close(task.losses(output, targets).mean(), expected(output, targets))


@every_task
def test_the_mean_loss_is_the_mean_of_the_losses(task):
    output, targets = answers(task)
    torch.testing.assert_close(task.mean_loss(output, targets), task.losses(output, targets).mean())


def test_smoothed_labels_have_the_same_mean_in_one_kernel():
    task = tasks["classification"](CATEGORY, label_smoothing=0.2)
    output, targets = answers(task)
    torch.testing.assert_close(task.mean_loss(output, targets), task.losses(output, targets).mean())


@every_task
@pytest.mark.parametrize("logit", [1e4, -1e4, 0.0])
def test_losses_and_gradients_stay_finite(task, logit):
    _, targets = answers(task)
    output = torch.full((EXAMPLES, task.outputs), logit)
    output[::2, 0] *= -1
    output.requires_grad_()
    losses = task.losses(output, targets)
    losses.sum().backward()
    assert losses.isfinite().all()
    assert output.grad is not None
    assert output.grad.isfinite().all()


@every_task
def test_losses_have_one_entry_per_example_and_do_not_mix_examples(task):
    output, targets = answers(task)
    whole = task.losses(output, targets)
    assert whole.shape == (EXAMPLES,)
    pieces = [task.losses(o, t) for o, t in zip(output.split(7), targets.split(7), strict=True)]
    torch.testing.assert_close(torch.cat(pieces), whole)


@every_task
def test_the_primary_metric_is_the_quick_one_and_comes_first(task):
    output, targets = answers(task)
    quick, score = task.quick(output, targets), task.score(output, targets)
    assert list(quick) == [task.primary] == list(score)[:1]
    assert quick[task.primary] == pytest.approx(score[task.primary], rel=1e-5)
    assert all(type(value) is float and math.isfinite(value) for value in score.values())


@every_task
def test_one_example_can_be_scored_and_read(task):
    output, targets = (each[:1] for each in answers(task))
    assert all(math.isfinite(value) for value in task.score(output, targets).values())
    assert len(task.read(output, ["row 0"])) == 1


@every_task
def test_an_output_of_another_width_is_refused_with_the_width_needed(task):
    output, targets = answers(task)
    task.check(output, targets)
    wide = torch.zeros(EXAMPLES, task.outputs + 1)
    with pytest.raises(ShapeError, match=rf"out_features to {task.outputs}\b") as error:
        task.check(wide, targets)
    assert f"({EXAMPLES}, {task.outputs + 1})" in str(error.value)
    assert "\n" not in str(error.value)


@every_task
def test_outputs_with_extra_axes_rows_or_another_type_are_refused(task):
    output, targets = answers(task)
    for wrong in (output[:, :, None], output[:-1], output.long()):
        with pytest.raises(ShapeError):
            task.check(wrong, targets)


@every_task
def test_targets_of_another_type_or_shape_are_refused(task):
    output, targets = answers(task)
    other = targets.float() if task.target.kind == "category" else targets.long()
    for wrong in (other, targets[:, None]):
        with pytest.raises(ShapeError, match="targets must"):
            task.check(output, wrong)


def test_class_numbers_out_of_range_are_refused():
    with pytest.raises(ShapeError, match="from 0 to 2, got 1 to 3"):
        CASES["classification"].check(torch.zeros(2, 3), torch.tensor([1, 3]))


@pytest.mark.parametrize("name", ["binary", "perceptron", "regression"])
def test_a_single_output_may_be_flat(name):
    task = CASES[name]
    output, targets = answers(task)
    flat = output[:, 0]
    task.check(flat, targets)
    torch.testing.assert_close(task.losses(flat, targets), task.losses(output, targets))
    assert task.score(flat, targets) == task.score(output, targets)
    names = [str(row) for row in range(EXAMPLES)]
    np.testing.assert_array_equal(task.read(flat, names), task.read(output, names))


@every_task
def test_a_task_is_rebuilt_from_its_name_and_options(task):
    again = tasks[task.name](task.target, **task.options())
    output, targets = answers(task)
    assert torch.equal(again.losses(output, targets), task.losses(output, targets))


@every_task
def test_a_task_moves_what_it_keeps_and_says_the_same(task):
    output, targets = answers(task)
    expected = task.losses(output, targets)
    moved = tasks[task.name](task.target, **task.options()).to(torch.device("meta"))
    assert all(each.is_meta for each in vars(moved).values() if isinstance(each, torch.Tensor))
    assert moved.losses(output.to("meta"), targets.to("meta")).shape == expected.shape


@every_task
def test_a_target_of_another_kind_is_refused(task):
    wrong = NUMBER if task.target.kind != "number" else CATEGORY
    with pytest.raises(DataError, match=f"task '{task.name}' needs a target of"):
        tasks[task.name](wrong)


@every_task
def test_reading_gives_one_named_row_per_example(task):
    output, _ = answers(task)
    names = [f"row {row}" for row in range(EXAMPLES)]
    prediction = task.read(output, names)
    rows = prediction.rows()
    assert [row["name"] for row in rows] == names
    if prediction.probabilities is not None:
        assert prediction.probabilities.shape == (EXAMPLES, len(task.target.classes))
        assert {f"p({label})" for label in task.target.classes} <= set(rows[0])


@pytest.mark.parametrize("name", ["binary", "classification", "perceptron"])
def test_reading_round_trips_the_labels_of_the_user(name):
    task = CASES[name]
    written = list(task.target.classes) * 2
    targets = task.target.encode(np.array(written))
    one_hot = F.one_hot(targets, len(task.target.classes)).float()
    output = one_hot[:, 1:] - 0.5 if task.outputs == 1 else one_hot
    read = task.read(output, ["a"] * len(written)).values.tolist()
    assert read == written
    assert [type(label) for label in read] == [type(label) for label in written]


def test_two_class_metrics_agree_with_scikit_learn():
    task = CASES["binary"]
    output, targets = answers(task)
    truth, positive = targets.numpy(), output[:, 0].double().sigmoid().numpy()
    decided = positive >= 0.5
    assert task.score(output, targets) == pytest.approx(
        {
            "accuracy": sk.accuracy_score(truth, decided),
            "f1": sk.f1_score(truth, decided, average="macro"),
            "auroc": sk.roc_auc_score(truth, positive),
            "calibration_error": calibration_error(positive, truth),
        },
        abs=1e-6,
    )


@pytest.mark.parametrize("name", ["classification", "classification of seven"])
def test_class_metrics_agree_with_scikit_learn(name):
    task = CASES[name]
    output, targets = answers(task)
    truth, probabilities = targets.numpy(), output.double().softmax(dim=1).numpy()
    decided = probabilities.argmax(axis=1)
    expected = {
        "accuracy": sk.accuracy_score(truth, decided),
        "f1": sk.f1_score(truth, decided, average="macro"),
        "auroc": sk.roc_auc_score(truth, probabilities, average="macro", multi_class="ovr"),
        "calibration_error": calibration_error(probabilities.max(axis=1), decided == truth),
    }
    if task.outputs > 5:
        expected["top5_accuracy"] = sk.top_k_accuracy_score(truth, probabilities, k=5)
    assert task.score(output, targets) == pytest.approx(expected, abs=1e-6)


def test_label_metrics_agree_with_scikit_learn():
    task = CASES["multilabel"]
    output, targets = answers(task)
    truth, decided = targets.numpy(), (output >= 0).numpy()
    assert task.score(output, targets) == pytest.approx(
        {
            "accuracy": 1 - sk.hamming_loss(truth, decided),
            "exact_match": sk.accuracy_score(truth, decided),
            "f1": sk.f1_score(truth, decided, average="macro"),
            "auroc": sk.roc_auc_score(truth, output.numpy(), average="macro"),
        },
        abs=1e-6,
    )


def test_number_metrics_agree_with_scikit_learn_in_the_units_of_the_user():
    task = CASES["regression of two"]
    output, targets = answers(task)
    truth = targets.numpy()
    predicted = np.array([1.0, -50.0]) + np.array([0.5, 30.0]) * output.numpy()
    mae = sk.mean_absolute_error(truth, predicted, multioutput="raw_values")
    rmse = sk.root_mean_squared_error(truth, predicted, multioutput="raw_values")
    assert task.score(output, targets) == pytest.approx(
        {
            "mae": mae.mean(),
            "rmse": rmse.mean(),
            "r2": sk.r2_score(truth, predicted),
            "mae[x]": mae[0],
            "mae[y]": mae[1],
            "rmse[x]": rmse[0],
            "rmse[y]": rmse[1],
        },
        rel=1e-5,
    )
    np.testing.assert_allclose(task.read(output, ["a"] * EXAMPLES), predicted, rtol=1e-6)


def test_a_class_absent_from_the_part_is_left_out_of_auroc():
    task = CASES["classification"]
    output, targets = answers(task)
    targets = targets % 2  # no eels
    probabilities = output.double().softmax(dim=1).numpy()
    areas = [sk.roc_auc_score(targets == k, probabilities[:, k]) for k in (0, 1)]
    assert task.score(output, targets)["auroc"] == pytest.approx(np.mean(areas), abs=1e-6)


@pytest.mark.parametrize("name", ["binary", "classification", "multilabel"])
def test_auroc_is_absent_where_one_class_is_all_there_is(name):
    task = CASES[name]
    output, targets = answers(task)
    assert "auroc" not in task.score(output, torch.zeros_like(targets))


def test_r2_is_absent_where_the_target_never_varies():
    task = CASES["regression"]
    output, targets = answers(task)
    assert "r2" not in task.score(output, torch.full_like(targets, 3.0))


def calibration_error(confidence: np.ndarray, right: np.ndarray) -> float:
    """Return the gap between confidence and share of right answers, over 15 equal bins."""
    bins = np.minimum((confidence * 15).astype(int), 14)
    gaps = [
        abs(confidence[bins == each].mean() - right[bins == each].mean()) * (bins == each).mean()
        for each in np.unique(bins)
    ]
    return float(sum(gaps))
