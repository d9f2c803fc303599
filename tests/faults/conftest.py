"""Real processes to kill and real disks to fill."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

NURSERY = Path(__file__).with_name("nursery.py")


@dataclass(frozen=True)
class Child:
    """A process of its own, forked from one that has imported everything."""

    pid: int
    log: Path
    ask: Callable[[dict[str, Any]], int]

    def signal(self, number: int) -> None:
        """Send it a signal; it is not gone before it was waited for."""
        os.kill(self.pid, number)

    def wait(self) -> int:
        """Return its exit code, negative for a signal."""
        return self.ask({"wait": self.pid})

    @property
    def said(self) -> str:
        """What it printed."""
        return self.log.read_text()


Start = Callable[..., Child]


@pytest.fixture(scope="session")
def nursery() -> Iterator[Callable[[dict[str, Any]], int]]:
    """The process that children are forked from."""
    process = subprocess.Popen(
        [sys.executable, str(NURSERY)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        # Its group is killed as a whole when its input ends, even where the tests are killed.
        start_new_session=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert process.stdin is not None
    assert process.stdout is not None

    def ask(task: dict[str, Any]) -> int:
        process.stdin.write(json.dumps(task) + "\n")
        process.stdin.flush()
        return int(process.stdout.readline())

    try:
        assert process.stdout.readline() == "ready\n"
        yield ask
    finally:
        process.stdin.close()
        process.wait(600)
        process.stdout.close()


@pytest.fixture
def start(nursery, tmp_path) -> Start:
    """Run code in a process of its own; names are handed to it."""
    count = 0

    def run(code: str, **names: Any) -> Child:
        nonlocal count
        count += 1
        log = tmp_path / f"child-{count}.log"
        log.touch()  # It may be read before the child has begun to speak.
        task = {"code": code, "names": names, "folder": str(tmp_path), "log": str(log)}
        return Child(nursery(task), log, nursery)

    return run


@pytest.fixture
def run_to_end(start) -> Callable[..., str]:
    """Run code in a process of its own that must succeed, and return what it printed."""

    def run(code: str, **names: Any) -> str:
        child = start(code, **names)
        assert child.wait() == 0, child.said
        return child.said

    return run


@pytest.fixture(scope="session")
def calm(nursery, tmp_path_factory) -> Path:
    """A run that nothing happened to."""
    folder = tmp_path_factory.mktemp("calm")
    task = {"code": "fit('calm')", "names": {}, "folder": str(folder), "log": str(folder / "log")}
    assert nursery({"wait": nursery(task)}) == 0
    return folder / "calm"


@pytest.fixture
def same(calm) -> Callable[[Path], None]:
    """Assert that a run ended as the calm one did, to the bit, and that nothing lies about."""

    def check(folder: Path) -> None:
        for name in ("model.safetensors", "history.jsonl", "status.json"):
            assert (folder / name).read_bytes() == (calm / name).read_bytes(), name
        assert not list(folder.rglob("*.partial"))

    return check


@pytest.fixture
def mounted(tmp_path) -> Callable[..., Any]:
    """Mount something on a folder for the length of a block, or skip where that is forbidden."""

    @contextmanager
    def mount(folder: Path, *words: str) -> Iterator[Path]:
        folder.mkdir(exist_ok=True)
        try:
            done = subprocess.run(
                ["mount", *words, str(folder)], capture_output=True, text=True, check=False
            )
        except FileNotFoundError:
            pytest.skip("there is no mount command here")
        if done.returncode:
            pytest.skip(f"nothing can be mounted here: {done.stderr.strip()}")
        try:
            yield folder
        finally:
            subprocess.run(["umount", "--lazy", str(folder)], check=True)

    return mount


@pytest.fixture
def small_disk(mounted, tmp_path) -> Callable[[str], Any]:
    """Give a disk of its own of such a size, as `mount` writes it: "64k"."""

    def make(size: str) -> Any:
        return mounted(tmp_path / "disk", "-t", "tmpfs", "-o", f"size={size}", "tmpfs")

    return make


@pytest.fixture
def read_only(mounted) -> Callable[[Path], Any]:
    """Show a folder under itself so that nobody, root neither, may write to it."""

    def make(folder: Path) -> Any:
        return mounted(folder, "--bind", "-o", "ro", str(folder))

    return make
