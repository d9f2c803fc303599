"""Small real data for the programs, split and standardized as a careful user would."""

import pydoc_data.topics
from functools import cache

import numpy as np
import sklearn.datasets
import torch
from torch import Tensor

import thalweg as tw

Part = tuple[Tensor, Tensor]


def digits(seed: int, images: bool = False) -> tuple[Part, Part]:
    """Return 1,400 training and 397 validation digits: 64 numbers in 0..1, or 1×8×8 images."""
    x, y = sklearn.datasets.load_digits(return_X_y=True)
    points = torch.tensor(x, dtype=torch.float32) / 16
    points = (points - 0.3053) / 0.3761  # mean and deviation of all grey values
    if images:
        points = points.view(-1, 1, 8, 8)
    return _split(points, torch.tensor(y), seed, 1400)


def wine(seed: int) -> tuple[Part, Part]:
    """Return 13 standardized measurements of 178 wines of three sorts."""
    return _table(sklearn.datasets.load_wine(return_X_y=True), seed, 130)


def cancer(seed: int) -> tuple[Part, Part]:
    """Return 30 standardized measurements of 569 tumours, malignant or benign."""
    return _table(sklearn.datasets.load_breast_cancer(return_X_y=True), seed, 430)


def diabetes(seed: int) -> tuple[Part, Part]:
    """Return ten measurements of 442 patients and a progression (N, 1), all standardized."""
    x, y = sklearn.datasets.load_diabetes(return_X_y=True)
    (train_x, train_y), (valid_x, valid_y) = _table((x, y.astype(np.float32)), seed, 340)
    mean, deviation = train_y.mean(), train_y.std()
    return (train_x, (train_y[:, None] - mean) / deviation), (
        valid_x,
        (valid_y[:, None] - mean) / deviation,
    )


@cache
def glyphs(n: int = 1500) -> tuple[Part, Part]:
    """Return drawn characters 1×28×28 of ten classes, standardized; two thirds for training."""
    data = tw.load("glyphs", n=n, test=0, valid=1 / 3)
    normalize = data.schema.encoder.normalize
    return (normalize(data.train.inputs), data.train.targets), (
        normalize(data.valid.inputs),
        data.valid.targets,
    )


@cache
def text() -> tuple[Tensor, str]:
    """Return Python's documentation as character numbers, and the characters in their order."""
    everything = "\n".join(
        pydoc_data.topics.topics[name] for name in sorted(pydoc_data.topics.topics)
    )
    letters = "".join(sorted(set(everything)))
    number = {letter: index for index, letter in enumerate(letters)}
    return torch.tensor([number[letter] for letter in everything[:200_000]]), letters


def batches(x: Tensor, y: Tensor, size: int, shuffle: bool = True):
    """Yield an epoch of batches in a new random order."""
    order = torch.randperm(len(x)) if shuffle else torch.arange(len(x))
    for start in range(0, len(x) - size + 1, size):
        chosen = order[start : start + size]
        yield x[chosen], y[chosen]


def _table(data: tuple[np.ndarray, np.ndarray], seed: int, train: int) -> tuple[Part, Part]:
    points, targets = torch.tensor(data[0], dtype=torch.float32), torch.tensor(data[1])
    (train_x, train_y), (valid_x, valid_y) = _split(points, targets, seed, train)
    mean, deviation = train_x.mean(0), train_x.std(0)
    return ((train_x - mean) / deviation, train_y), ((valid_x - mean) / deviation, valid_y)


def _split(points: Tensor, targets: Tensor, seed: int, train: int) -> tuple[Part, Part]:
    order = torch.from_numpy(np.random.default_rng(seed).permutation(len(points)))
    first, rest = order[:train], order[train:]
    return (points[first], targets[first]), (points[rest], targets[rest])
