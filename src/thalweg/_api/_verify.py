"""Proof, on the user's own run, that killing and resuming it changes nothing."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import tomli_w

from thalweg._api._verbs import train_from
from thalweg._core import files, launch, seeds
from thalweg.errors import RunError, SettingError
from thalweg.train import GIVEN, Run, read_toml

EPOCHS = 3
"""Length of the proof: long enough to be killed within and between epochs."""
KILLS = 3
"""How often the run is killed."""
# A process that has neither ended nor been killed by then hangs.
MOST_SECONDS = 600.0


@dataclass(frozen=True)
class Verification:
    """What came of interrupting a run and going on."""

    weights_equal: bool
    """Whether both runs end in the same bytes of weights."""
    history_equal: bool
    """Whether both measured the same losses and metrics, to the bit."""
    kills: list[int]
    """The steps of the checkpoints from which the killed run went on."""
    steps: int
    """Optimizer steps of each run."""
    epochs: int

    @property
    def equal(self) -> bool:
        """Whether resuming is exact."""
        return self.weights_equal and self.history_equal

    def to_json(self) -> dict[str, Any]:
        """Return the result as plain data."""
        return {"equal": self.equal, **asdict(self)}


def verify(
    run: Run | str | Path, *, kills: int = KILLS, say: Callable[[str], None] = lambda line: None
) -> Verification:
    """Train a run's settings twice, once undisturbed and once killed and resumed, and compare.

    The killed run is a process of its own that gets SIGKILL, which nothing can catch, at
    moments drawn at random. Both runs are short and lie in a temporary folder; the run
    itself is not touched.

    Args:
        run: A run, or its folder. Its data and its network must be ones that settings can name.
        kills: How often to kill.
        say: Told of each step in words.

    Raises:
        SettingError: The data or the network were handed over in Python.
        RunError: The run could not be trained again.

    Example:
        `thalweg verify runs/digits-1`
    """
    if launch.size() > 1:
        raise SettingError("verify trains in processes of its own. Call it without torchrun.")
    run = run if isinstance(run, Run) else Run.peek(run)
    if run.folder is None:
        raise RunError("a run kept in memory cannot be verified. Train it with out=FOLDER.")
    if not run.schema.is_reloadable or _is_given(run.settings.model):
        raise SettingError(
            "verify trains the run again from its config.toml, which needs data, network and "
            "first weights that settings can name; these were handed over in Python."
        )
    sections = read_toml(run.folder / "config.toml")
    sections["train"] |= {"epochs": min(EPOCHS, sections["train"]["epochs"])}
    with tempfile.TemporaryDirectory(prefix="thalweg-verify-") as name:
        folder = Path(name)
        say("training undisturbed")
        calm = train_from(sections, out=folder / "calm", progress=False)
        sections["train"]["checkpoint_every"] = max(1, calm.status.steps // (4 * kills))
        shutil.copy(folder / "calm" / "config.toml", folder / "config.toml")
        killed_at = _disturb(folder, sections, kills, say)
        disturbed = Run.peek(folder / "disturbed")
        return Verification(
            weights_equal=_bytes(calm) == _bytes(disturbed),
            history_equal=calm.history == disturbed.history,
            kills=killed_at,
            steps=calm.status.steps,
            epochs=calm.status.epochs,
        )


def _disturb(
    folder: Path, sections: dict[str, Any], kills: int, say: Callable[[str], None]
) -> list[int]:
    """Train in a process that is killed again and again; return where it went on from."""
    config = folder / "disturbed.toml"
    files.write_atomically(config, tomli_w.dumps(sections))
    run = folder / "disturbed"
    arguments = ["train", "--config", str(config), "--out", str(run), "--no-report"]
    draw = seeds.numpy_generator(0, "verify")
    killed_at: list[int] = []
    while True:
        process = subprocess.Popen(
            [sys.executable, "-m", "thalweg", *arguments, "--quiet"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        is_killed = len(killed_at) < kills and _kill_at_checkpoint(
            process, run / "checkpoint", killed_at, float(draw.random())
        )
        _, errors = process.communicate(timeout=MOST_SECONDS)
        if is_killed:
            killed_at.append(_newest_step(run / "checkpoint"))
            say(f"killed; going on from step {killed_at[-1]}")
        elif process.returncode == 0:
            return killed_at
        else:
            raise RunError(f"the run could not be trained again: {errors.strip()[-500:]}")
        arguments = ["resume", str(run), "--no-report"]


def _kill_at_checkpoint(
    process: subprocess.Popen[str], checkpoints: Path, before: list[int], share: float
) -> bool:
    """Kill the process some time after it wrote a new checkpoint; False if it ended before."""
    last = before[-1] if before else -1
    began = time.monotonic()
    while process.poll() is None and time.monotonic() - began < MOST_SECONDS:
        if _newest_step(checkpoints) > max(last, 0):
            # Somewhere within the next few steps, or within the next save.
            time.sleep(0.05 * share)
            os.kill(process.pid, signal.SIGKILL)
            process.wait()
            return process.returncode == -signal.SIGKILL
        time.sleep(0.002)
    return False


def _newest_step(checkpoints: Path) -> int:
    steps = [int(path.parent.name.split("-")[1]) for path in checkpoints.glob("step-*/state.json")]
    return max(steps, default=-1)


def _bytes(run: Run) -> bytes:
    assert run.folder is not None
    return (run.folder / "model.safetensors").read_bytes()


def _is_given(model: dict[str, Any]) -> bool:
    """Return whether Python handed over the network, or its first weights."""
    return "class" in model or model.get("weights") == GIVEN
