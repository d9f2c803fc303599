"""Small data that many tests train on."""

import atexit
import os
import random
import runpy
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import hypothesis
import jaxtyping
import numpy as np
import pytest
import torch

import thalweg as tw

os.environ.setdefault("OMP_NUM_THREADS", "1")

# The same examples each time, and as long as a busy machine needs for them.
hypothesis.settings.register_profile(
    "steady",
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=[
        hypothesis.HealthCheck.too_slow,
        # What tests draw is put in the place of what they drew before, in one folder.
        hypothesis.HealthCheck.function_scoped_fixture,
    ],
)
hypothesis.settings.load_profile("steady")

# What torch.compile finds in the folder that all programs share may be made for other instructions
# of the processor, and crash; the processes of one session share one of their own.
if "TORCHINDUCTOR_CACHE_DIR" not in os.environ:
    os.environ["TORCHINDUCTOR_CACHE_DIR"] = tempfile.mkdtemp(prefix="thalweg-compiled-")
    atexit.register(shutil.rmtree, os.environ["TORCHINDUCTOR_CACHE_DIR"], ignore_errors=True)

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


@pytest.fixture(scope="session", autouse=True)
def cache(tmp_path_factory):
    """Keep decoded pictures where tests may write."""
    os.environ["THALWEG_CACHE"] = str(tmp_path_factory.mktemp("cache"))


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    """Run each test in a folder of its own, since a run writes to `runs/` by default."""
    monkeypatch.chdir(tmp_path)


@pytest.fixture(autouse=True)
def seeded():
    """Let a test that draws draw the same each time: what fails once can be looked into."""
    torch.manual_seed(0)
    np.random.seed(0)
    random.seed(0)


@pytest.fixture(autouse=True)
def untimed(monkeypatch):
    """Let no stopwatch choose how a step is computed: on a busy machine it chooses otherwise.

    Where timing is what is tested, it is switched on again.
    """
    for name in ("FEWEST_SECONDS", "LONG_SECONDS"):
        monkeypatch.setattr(f"thalweg.train._arrangement.{name}", float("inf"))


@pytest.fixture
def cpu_seconds():
    """What work takes of the processor: to be compared, as machines differ, with other work."""

    def of(work: Callable[[], object], repeats: int = 3) -> float:
        taken = []
        for _ in range(repeats):
            began = time.process_time()
            work()
            taken.append(time.process_time() - began)
        return min(taken)

    return of


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


@dataclass(frozen=True)
class Launch:
    """Processes that torchrun has started, as people start them."""

    process: subprocess.Popen[str]
    log: Path
    seconds: float = 900.0
    """A launch that takes longer hangs; on an idle machine it takes some ten."""

    def wait(self) -> int:
        """Return torchrun's exit code; end the launch if it hangs."""
        try:
            return self.process.wait(self.seconds)
        except subprocess.TimeoutExpired:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(60)
            pytest.fail(f"torchrun hangs: {self.said}")

    @property
    def said(self) -> str:
        """What all of them printed."""
        return self.log.read_text()

    def rank(self, number: int) -> int:
        """Return the id of one of the processes."""
        for path in Path("/proc").glob("[0-9]*"):
            try:
                parent = int((path / "stat").read_text().rpartition(")")[2].split()[1])
                words = (path / "environ").read_bytes().split(b"\0")
            except (OSError, ValueError):  # It is gone, or somebody else's.
                continue
            if parent == self.process.pid and f"RANK={number}".encode() in words:
                return int(path.name)
        raise AssertionError(f"there is no process of rank {number}: {self.said}")

    def wait_for(self, path: Path) -> None:
        """Wait until a file is there."""
        began = time.monotonic()
        while not path.exists():
            assert self.process.poll() is None, self.said
            assert time.monotonic() - began < self.seconds, self.said
            time.sleep(0.01)


@pytest.fixture(scope="session")
def torchrun(tmp_path_factory) -> Callable[..., Launch]:
    """Start a script, or `-m` and a module, in several processes."""

    def start(*words: object, processes: int = 2, restarts: int = 0) -> Launch:
        log = tmp_path_factory.mktemp("launch") / "log"
        options = ["--standalone", f"--nproc-per-node={processes}", f"--max-restarts={restarts}"]
        with log.open("w") as file:
            process = subprocess.Popen(
                [sys.executable, "-m", "torch.distributed.run", *options, *map(str, words)],
                stdout=file,
                stderr=subprocess.STDOUT,
                text=True,
            )
        return Launch(process, log)

    return start
