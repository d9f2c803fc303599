"""Topic O1 of the course: batch, stochastic and mini-batch gradient descent."""

import math

import numpy as np
import pytest
import torch
from torch import nn

import thalweg as tw
from thalweg.train import make_optimizer


@pytest.mark.parametrize("size", ["whole", 16, 1])
def test_a_step_sees_as_many_examples_as_asked_for(three_classes, size):
    examples = len(three_classes.train)
    size = examples if size == "whole" else size
    run = tw.fit("linear", three_classes, epochs=2, batch_size=size, out="run", progress=False)
    assert run.status.steps == 2 * math.ceil(examples / size)


def test_whole_batch_descent_walks_down_the_gradient_of_the_mean_cost(numbers):
    run = tw.fit(
        "linear",
        numbers,
        epochs=5,
        batch_size=len(numbers.train),
        optimizer="sgd",
        learning_rate=0.3,
        schedule="constant",
        restore_best=False,
        out="run",
        progress=False,
    )
    inputs = np.column_stack([numbers.train.inputs.double(), np.ones(len(numbers.train))])
    target = numbers.schema.target
    wanted = (numbers.train.targets.double().numpy()[:, 0] - target.mean[0]) / target.scale[0]
    weights = np.zeros(4)
    for _ in range(5):
        weights -= 0.3 * inputs.T @ (inputs @ weights - wanted) / len(inputs)
    found = torch.cat([each.detach().flatten() for each in run.model.parameters()])
    np.testing.assert_allclose(found, weights, atol=1e-6)


def test_the_variance_of_a_mini_batch_gradient_falls_as_one_over_its_size():
    draw = np.random.default_rng(0)
    data = tw.load(draw.normal(size=(25_600, 3)), draw.normal(size=25_600), valid=0, test=0)
    variances = {}
    for size in (4, 16, 64):
        network = tw.build("linear", data)
        optimizer = make_optimizer(network, "sgd", learning_rate=1.0)
        gradients = []
        for start in range(0, 400 * size, size):
            rows = slice(start, start + size)
            optimizer.zero_grad()
            outputs = network(data.train.inputs[rows])
            nn.functional.mse_loss(outputs, data.train.targets[rows]).backward()
            gradients.append(
                torch.cat(
                    [each.grad.flatten() for each in network.parameters() if each.grad is not None]
                )
            )
        # Four variances from 400 batches each: their sum is within some ten per cent.
        variances[size] = float(torch.stack(gradients).var(dim=0).sum())
    assert variances[4] / variances[16] == pytest.approx(4, rel=0.3)
    assert variances[16] / variances[64] == pytest.approx(4, rel=0.3)
