import itertools

import pytest
import torch

from thalweg.data import Target
from thalweg.models import build
from thalweg.tasks import tasks

CORNERS = torch.tensor(list(itertools.product((0.0, 1.0), repeat=2)))


def learn(truth: list[int], epochs: int) -> tuple[list[float], list[list[float]]]:
    """Train by SGD with rate 1 and batch 1; return the mistakes left, and every weight seen."""
    task = tasks["perceptron"](Target("category", ("gate",), (0, 1)))
    network = build("perceptron", features=2, outputs=1)
    optimizer = torch.optim.SGD(network.parameters(), lr=1.0)
    targets, errors, seen = torch.tensor(truth), [], []
    for _ in range(epochs):
        for row in range(4):
            optimizer.zero_grad()
            task.losses(network(CORNERS[[row]]), targets[[row]]).mean().backward()
            optimizer.step()
            flat = torch.cat([each.detach().flatten() for each in network.parameters()])
            seen.append(flat.tolist())
        errors.append(task.score(network(CORNERS).detach(), targets)["errors"])
    return errors, seen


def by_the_rule(truth: list[int], epochs: int) -> list[list[float]]:
    """Return the weights by Rosenblatt's rule, w += (y − ŷ)x, written out."""
    weights, seen = [0.0, 0.0, 0.0], []
    for _ in range(epochs):
        for (first, second), wanted in zip(CORNERS.tolist(), truth, strict=True):
            fired = int(weights[0] * first + weights[1] * second + weights[2] > 0)
            weights[0] += (wanted - fired) * first
            weights[1] += (wanted - fired) * second
            weights[2] += wanted - fired
            seen.append(list(weights))
    return seen


@pytest.mark.parametrize("truth", [[0, 0, 0, 1], [0, 1, 1, 1], [0, 1, 1, 0]])
def test_sgd_with_rate_one_and_batch_one_is_the_rule_of_rosenblatt(truth):
    assert learn(truth, epochs=12)[1] == by_the_rule(truth, epochs=12)


@pytest.mark.parametrize("truth", [[0, 0, 0, 1], [0, 1, 1, 1]])
def test_and_and_or_are_learned_without_a_mistake(truth):
    assert learn(truth, epochs=10)[0][-1] == 0


def test_xor_cannot_be_learned():
    assert min(learn([0, 1, 1, 0], epochs=100)[0]) > 0
