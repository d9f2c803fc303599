"""Small data that many tests train on."""

import os
import runpy
from pathlib import Path

import jaxtyping
import numpy as np
import pytest
import torch

import thalweg as tw

os.environ.setdefault("OMP_NUM_THREADS", "1")

# Processes that tests start are watched as this one is.
OFFLINE = Path(__file__).with_name("offline")
os.environ["PYTHONPATH"] = os.pathsep.join(
    filter(None, [str(OFFLINE), os.environ.get("PYTHONPATH")])
)
runpy.run_path(str(OFFLINE / "sitecustomize.py"))


@pytest.fixture(scope="session")
def attempts(tmp_path_factory) -> Path:
    """The file with a line for each attempt to reach another machine."""
    path = tmp_path_factory.mktemp("offline") / "attempts"
    path.touch()
    os.environ["THALWEG_OFFLINE_LOG"] = str(path)
    return path


@pytest.fixture(autouse=True)
def offline(attempts):
    """Fail a test that tried to reach another machine, whoever swallowed the error."""
    yield
    tried = attempts.read_text()
    attempts.write_text("")
    assert not tried, f"a test must not reach another machine: {tried.splitlines()}"


@pytest.fixture(scope="session", autouse=True)
def one_thread():
    """Two threads on two busy cores are slower than one, and sum in another order."""
    torch.set_num_threads(1)


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    """Run each test in a folder of its own, since a run writes to `runs/` by default."""
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def unchecked():
    """Check no types at calls, as users do not, where another tool reads our functions."""
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", False)


@pytest.fixture(scope="session")
def three_classes() -> tw.data.Splits:
    """130 points in four dimensions, three overlapping classes."""
    draw = np.random.default_rng(0)
    labels = draw.integers(0, 3, size=130)
    points = draw.normal(size=(130, 4)) + 1.5 * labels[:, None]
    return tw.load(points, labels)


@pytest.fixture(scope="session")
def numbers() -> tw.data.Splits:
    """A noisy linear function of three features."""
    draw = np.random.default_rng(1)
    points = draw.normal(size=(120, 3))
    return tw.load(points, points @ np.array([1.0, -2.0, 3.0]) + 0.1 * draw.normal(size=120))
