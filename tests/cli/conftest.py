"""The command line in this process, and one small run to look at."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from thalweg.cli import main


@dataclass(frozen=True)
class Outcome:
    code: int
    out: str
    err: str


Call = Callable[..., Outcome]


@pytest.fixture
def call(capsys) -> Call:
    """Run a command and return its exit code and what it printed."""

    def run(*words: str | Path) -> Outcome:
        capsys.readouterr()
        code = main([str(word) for word in words])
        return Outcome(code, *capsys.readouterr())

    return run


@pytest.fixture(scope="session")
def trained(tmp_path_factory) -> Path:
    """The folder of a run on iris. Tests that change it work on a copy."""
    folder = tmp_path_factory.mktemp("runs") / "iris"
    words = ["train", "iris", "epochs=4", "learning_rate=0.01", "--quiet", "--no-report"]
    assert main([*words, "--out", str(folder)]) == 0
    return folder
