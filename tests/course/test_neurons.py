"""Topics N1 to N3 of the course through the public door: which neuron learns what."""

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression

import thalweg as tw

CORNERS = [[0, 0], [0, 1], [1, 0], [1, 1]]
# Rosenblatt's rule is plain descent, one example a step, at rate 1.
ROSENBLATT = {
    "optimizer": "sgd",
    "learning_rate": 1.0,
    "schedule": "constant",
    "batch_size": 1,
    "epochs": 30,
    # Before its first step the unit gives 0 everywhere, a "loss" that no later one beats.
    "restore_best": False,
}


def trained(network, data: tw.data.Splits, **settings) -> tw.train.Run:
    return tw.fit(network, data, progress=False, **settings)


@pytest.mark.parametrize("truth", [[0, 0, 0, 1], [0, 1, 1, 1]], ids=["and", "or"])
def test_a_perceptron_learns_and_and_or(truth):
    data = tw.load(CORNERS, truth, valid=0, test=0)
    run = trained("perceptron", data, **ROSENBLATT)
    assert run.predict(CORNERS).values.tolist() == truth
    # Once nothing is wrong, the rule moves nothing: the stop criterion of the course.
    assert run.history.epochs[-1]["train_loss"] == 0


@pytest.mark.parametrize("network", ["perceptron", "logistic"])
def test_one_layer_cannot_learn_xor(network):
    data = tw.load(CORNERS, [0, 1, 1, 0], valid=0, test=0)
    run = trained(network, data, **ROSENBLATT)
    # No line has more than three of the four corners right.
    assert run.score("train")["accuracy"] <= 0.75


def test_a_hidden_layer_learns_xor():
    data = tw.load("xor", noise=0.1)
    network = tw.build("mlp", data, hidden=[8], activation="tanh")
    run = trained(network, data, epochs=40, learning_rate=0.02)
    assert run.score("test")["accuracy"] == 1.0
    assert run.predict(CORNERS).values.tolist() == [0, 1, 1, 0]


def test_a_logistic_neuron_is_the_sigmoid_of_its_sum_and_decides_at_one_half():
    data = tw.load("breast-cancer")
    run = trained("logistic", data, epochs=3)
    state = run.model.state_dict()
    sums = data.test.inputs @ state["output.weight"].T + state["output.bias"]
    expected = 1 / (1 + np.exp(-sums.double().numpy()[:, 0]))
    answers = run.answers("test")
    prediction = run.task.read(answers.outputs, data.test.names)
    assert prediction.probabilities is not None
    np.testing.assert_allclose(prediction.probabilities[:, 1], expected, rtol=1e-5)
    classes = np.array(data.schema.target.classes)
    assert prediction.values.tolist() == classes[(expected >= 0.5).astype(int)].tolist()


class Curves:
    """Cost by iteration of logistic regression by whole-batch descent, rates in units of 2/λ.

    The cost is convex; near its minimum descent converges below the rate 2/λ, with λ the
    largest eigenvalue of the Hessian there, and cannot settle above it.
    """

    def __init__(self) -> None:
        draw = np.random.default_rng(0)
        labels = draw.integers(0, 2, size=300)
        # Overlapping classes, so that the minimum is at finite weights.
        points = draw.normal(size=(300, 2)) + labels[:, None]
        self.data = tw.load(points, labels, valid=0, test=0)
        inputs, targets = self.data.train.inputs.numpy(), self.data.train.targets.numpy()
        best = LogisticRegression(C=np.inf, tol=1e-8).fit(inputs, targets)
        chance = best.predict_proba(inputs)[:, 1]
        self.lowest = -np.log(np.where(targets == 1, chance, 1 - chance)).mean()
        design = np.column_stack([inputs, np.ones(len(inputs))])
        hessian = design.T @ (design * (chance * (1 - chance))[:, None]) / len(design)
        self.limit = 2 / np.linalg.eigvalsh(hessian)[-1]

    def cost(self, share: float, iterations: int) -> np.ndarray:
        run = trained(
            "logistic",
            self.data,
            optimizer="sgd",
            schedule="constant",
            learning_rate=share * self.limit,
            batch_size=len(self.data.train),
            epochs=iterations,
        )
        return np.array([row["train_loss"] for row in run.history.epochs])


@pytest.fixture(scope="module")
def curves() -> Curves:
    return Curves()


def test_a_good_rate_reaches_the_minimum_and_never_rises(curves):
    cost = curves.cost(0.5, 60)
    assert cost[0] == pytest.approx(np.log(2), rel=1e-6)  # every class equally likely
    assert (np.diff(cost) < 1e-6).all()  # but for rounding to float32
    assert cost[-1] == pytest.approx(curves.lowest, rel=1e-4)


def test_a_rate_too_high_makes_the_cost_jump(curves):
    cost = curves.cost(4.0, 60)
    assert (np.diff(cost) > 0).any()
    assert cost[-10:].mean() > 1.1 * curves.lowest


def test_a_rate_too_low_falls_by_the_slope_alone(curves):
    share, iterations = 1e-4, 60
    cost = curves.cost(share, iterations)
    inputs, targets = curves.data.train.inputs, curves.data.train.targets.float()
    errors = 0.5 - targets
    slope = torch.cat([(inputs * errors[:, None]).mean(0), errors.mean()[None]])
    # So small a step changes the slope by next to nothing: Δcost = −rate · |slope|² each.
    expected = share * curves.limit * float(slope.square().sum()) * (iterations - 1)
    assert cost[0] - cost[-1] == pytest.approx(expected, rel=0.02)
    assert cost[-1] > 1.1 * curves.lowest


def test_too_few_iterations_end_while_the_cost_still_falls(curves):
    long = curves.cost(0.1, 60)
    short = curves.cost(0.1, 5)
    np.testing.assert_array_equal(short, long[:5])
    assert short[-2] - short[-1] > 100 * (long[-2] - long[-1])
