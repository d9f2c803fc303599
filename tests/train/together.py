"""A program of one process or of several: trains each variant and writes down what came of it.

torchrun --nproc-per-node 2 together.py FOLDER ddp plain weighted … fsdp plain …
"""

import json
import os
import sys
from pathlib import Path

import numpy as np
import torch
from torch import nn

import thalweg as tw
from thalweg.errors import ThalwegError

CLASS_WEIGHTS = [1.0, 5.0, 0.2]
# Of 90 examples: three batches of 29 and one of 3, so that shares are uneven and, cut in pieces,
# some are empty.
SETTINGS = {
    "epochs": 2,
    "batch_size": 29,
    "optimizer": "momentum",
    "learning_rate": 0.05,
    "restore_best": False,
    "progress": False,
    "doctor": False,
}


class Noisy(nn.Module):
    """Keeps what it draws at random while it trains."""

    def __init__(self) -> None:
        super().__init__()
        self.drawn: list[float] = []

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if self.training:
            self.drawn.append(float(torch.rand(())))
        return x


class Sparing(nn.Module):
    """Does not use all of its parameters."""

    def __init__(self) -> None:
        super().__init__()
        seed()
        self.used, self.unused = nn.Linear(4, 3), nn.Linear(4, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.used(x)


class Changing(Sparing):
    """Uses other parameters in one step than in another."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.calls = getattr(self, "calls", 0) + self.training
        return self.used(x) + (self.unused(x) if self.calls != 2 else 0)


def points() -> tw.data.Splits:
    draw = np.random.default_rng(0)
    labels = draw.integers(0, 3, size=130)
    return tw.load(draw.normal(size=(130, 4)) + 1.5 * labels[:, None], labels)


def pictures() -> tw.data.Splits:
    draw = np.random.default_rng(1)
    labels = draw.integers(0, 2, size=80)
    pixels = draw.integers(0, 120, size=(80, 8, 8)) + 120 * labels[:, None, None]
    return tw.load(pixels.astype(np.uint8), labels)


def seed() -> None:
    """Draw another beginning in each process: what the first one has must win."""
    torch.manual_seed(5 + int(os.environ.get("RANK", 0)))


def network(*between: nn.Module) -> nn.Module:
    seed()
    return nn.Sequential(nn.Linear(4, 16), *between, nn.ReLU(), nn.Linear(16, 3))


def convolutions() -> nn.Module:
    torch.manual_seed(5)
    return nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(144, 2))


VARIANTS = {
    "plain": (points, network, {}),
    "in pieces": (points, network, {"accumulate": 4}),
    "weighted": (points, network, {"class_weights": CLASS_WEIGHTS}),
    "weighted in pieces": (
        points,
        network,
        {"class_weights": CLASS_WEIGHTS, "accumulate": 4},
    ),
    "a last batch of one": (points, network, {"batch_size": 89}),
    "clipped and penalized": (points, network, {"clip_norm": 0.05, "l1": 1e-3, "l2": 1e-3}),
    "averaged": (points, network, {"ema": 0.9, "restore_best": True}),
    "stopped early": (points, network, {"epochs": 30, "learning_rate": 0.5, "patience": 2}),
    "found rate": (points, network, {"learning_rate": "find", "optimizer": "adamw"}),
    "sparing": (points, Sparing, {}),
    "augmented": (pictures, convolutions, {"rotate": 20.0, "mirror": True}),
    "normalized": (points, lambda: network(nn.BatchNorm1d(16)), {}),
    "watched": (points, network, {"doctor": True}),
    "noisy": (points, lambda: network(Noisy()), {}),
}
REFUSED = {
    "lbfgs": (points, network, {"optimizer": "lbfgs"}),
    "muon": (points, network, {"optimizer": "muon", "parallel": "fsdp"}),
    "channels last": (pictures, convolutions, {"channels_last": True, "parallel": "fsdp"}),
    "small batches": (points, lambda: network(nn.BatchNorm1d(16)), {"batch_size": 3}),
    "changing": (points, Changing, {}),
    "other data": (
        lambda: tw.load(np.eye(9) + int(os.environ["RANK"]), np.arange(9) % 3, test=0.0, valid=0.4),
        lambda: nn.Linear(9, 3),
        {"batch_size": 2},
    ),
}


def train(name: str, folder: Path, parallel: str | None = None) -> dict:
    """Return what came of a variant, as plain data."""
    load, make, settings = (VARIANTS | REFUSED)[name]
    changes = {**settings, **({"parallel": parallel} if parallel else {})}
    model = make()
    try:
        run = tw.fit(model, load(), out=folder / name, **{**SETTINGS, **changes})
    except ThalwegError as error:
        return {"error": type(error).__name__, "message": str(error)}
    noisy = [module for module in model.modules() if isinstance(module, Noisy)]
    return {
        "losses": [row["loss"] for row in run.history.steps],
        "valid": run.history.column("valid_loss"),
        "accuracy": run.history.column("valid_accuracy"),
        "weights": torch.cat([each.flatten() for each in model.state_dict().values()]).tolist(),
        "test": run.score("test"),
        "drawn": noisy[0].drawn if noisy else [],
        "findings": [each.fault for each in run.diagnosis.findings] if run.watched else None,
        "choices": {choice.setting: choice.value for choice in run.choices},
    }


if __name__ == "__main__":
    torch.set_num_threads(1)
    folder, *words = sys.argv[1:]
    parallel = None
    for word in words:
        if word in ("ddp", "fsdp"):
            parallel = word
            continue
        found = train(word, Path(folder) / parallel, parallel if word in VARIANTS else None)
        path = Path(folder) / f"{parallel} {word} {os.environ['RANK']}.json"
        path.write_text(json.dumps(found))
    # torch leaves threads behind in whose midst an interpreter that exits may be aborted.
    sys.stdout.flush()
    os._exit(0)
