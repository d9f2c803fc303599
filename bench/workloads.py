"""Networks and data on which trainings are timed, from steps of a third of a millisecond up."""

import contextlib
import functools
import pydoc_data.topics
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import nn

import thalweg as tw
from bench.networks import NextCharacter, small_resnet

PHOTOGRAPHS = 400


@dataclass(frozen=True)
class Workload:
    """A network, what it is trained on, and for how long."""

    name: str
    model: nn.Module
    data: tw.data.Splits
    batch_size: int
    epochs: int

    @property
    def steps(self) -> int:
        """Optimizer steps of a trial."""
        return self.epochs * -(-len(self.data.train) // self.batch_size)


@functools.cache
def glyphs() -> tw.data.Splits:
    """Return drawn letters of 28×28 pixels."""
    return tw.load("glyphs", n=4000)


def tiny_mlp(epochs: int = 10) -> Workload:
    """Return the network whose steps cost nearly nothing but calls."""
    torch.manual_seed(0)
    x, y = torch.randn(3200, 32), torch.arange(3200) % 10
    data = tw.load(x.numpy(), y.numpy(), valid=0.0, test=0.0)
    return Workload("mlp 32-64-64-10", tw.build("mlp", data, hidden=[64, 64]), data, 32, epochs)


def mlp(epochs: int = 6) -> Workload:
    """Return an MLP on letters."""
    model = tw.build("mlp", glyphs(), hidden=[256, 256])
    return Workload("mlp 784-256-256-10", model, glyphs(), 128, epochs)


def lenet(epochs: int = 2) -> Workload:
    """Return the first convolutional network, on letters."""
    return Workload("lenet 28×28", tw.build("lenet", glyphs()), glyphs(), 64, epochs)


def convnet(epochs: int = 1) -> Workload:
    """Return three convolutions with batch normalization, on letters."""
    return Workload("convnet 28×28", tw.build("convnet", glyphs()), glyphs(), 64, epochs)


def resnet() -> Workload:
    """Return a small residual network on colour pictures of 32×32."""
    draw = np.random.default_rng(0)
    x = draw.integers(0, 256, (640, 32, 32, 3), dtype=np.uint8)
    data = tw.load(x, np.arange(640) % 10, valid=0.0, test=0.0)
    return Workload("small resnet 32×32", small_resnet(), data, 32, 1)


def resnet18(side: int) -> Workload:
    """Return the library's ResNet-18 on colour pictures, eight steps of it."""
    pictures, batch = (256, 32) if side <= 32 else (32, 4)
    x = np.random.default_rng(0).integers(0, 256, (pictures, side, side, 3), dtype=np.uint8)
    data = tw.load(x, np.arange(pictures) % 10, valid=0.0, test=0.0)
    return Workload(f"resnet18 {side}×{side}", tw.build("resnet18", data), data, batch, 1)


def characters() -> Workload:
    """Return an LSTM that reads Python's documentation, sixteen characters at a time."""
    text = "".join(pydoc_data.topics.topics[name] for name in sorted(pydoc_data.topics.topics))
    text = text[:4016].lower()
    letters = sorted(set(text))
    codes = np.array([letters.index(each) for each in text])
    windows = np.lib.stride_tricks.sliding_window_view(codes, 17)[:4000]
    x = np.eye(len(letters), dtype=np.float32)[windows[:, :16]]
    known = np.isin(windows[:, 16], np.flatnonzero(np.bincount(windows[:, 16]) >= 3))
    data = tw.load(x[known], windows[known, 16], kind="category", valid=0.0, test=0.0)
    classes = len(data.schema.target.classes)
    model = NextCharacter(len(letters))
    model.head = nn.Linear(64, classes)
    return Workload("character lstm", model, data, 64, 2)


@contextlib.contextmanager
def table() -> Iterator[Workload]:
    """Yield an MLP on a CSV file of numbers, words and gaps."""
    draw = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "customers.csv"
        lines = ["age,income,city,plan,churned"]
        for age, income, city, plan in zip(
            draw.integers(18, 90, 8000), draw.lognormal(10, 1, 8000),
            draw.choice(["Oslo", "Lima", "Pune", ""], 8000), draw.integers(1, 4, 8000),
            strict=True,
        ):  # fmt: skip
            churned = "yes" if draw.random() < 1 / (1 + np.exp(plan - age / 30)) else "no"
            lines.append(f"{age},{income:.2f},{city},{plan},{churned}")
        path.write_text("\n".join(lines))
        data = tw.load(path, target="churned")
        yield Workload("tabular mlp from csv", tw.build("mlp", data), data, 64, 6)


@contextlib.contextmanager
def photographs(number: int = PHOTOGRAPHS) -> Iterator[Path]:
    """Yield a folder of JPEGs of 320×240 pixels, smooth as photographs are, in two classes."""
    draw = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as folder:
        for place in range(number):
            name = Path(folder) / ("day" if place % 2 else "night") / f"{place:04}.jpg"
            name.parent.mkdir(exist_ok=True)
            coarse = draw.integers(0, 128, (12, 16, 3), dtype=np.uint8) + 96 * (place % 2)
            picture = Image.fromarray(coarse.astype(np.uint8)).resize((320, 240), Image.BICUBIC)
            picture.save(name, quality=90)
        yield Path(folder)
