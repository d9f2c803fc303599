"""The folder of a run: what lies in which file, read and written in one place.

config.toml          settings, and the reasons of those that nobody chose
schema.json          what is known of the data
choices.json         every automatic decision
status.json          how far it came
history.jsonl        what was measured, a line per step and epoch
timing.json          seconds by phase
scores.json          what was found for each part of the data
record.json          what the doctor saw of the training
model.safetensors    the weights
checkpoint/          where an interrupted run goes on from

What decides a prediction or a diagnosis has a checksum: the weights' is in status.json, and
schema.json and record.json hold their own under "seal". The rest is for people to read, and
config.toml for them to write.
"""

import json
import shutil
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

from torch import nn

from thalweg._core import files
from thalweg._core.choices import Choice
from thalweg._core.history import History
from thalweg._core.plain_data import rebuilt
from thalweg._core.reading import JSON_SHARE, ROWS_SHARE, read
from thalweg._core.seals import sealed, unsealed
from thalweg.data import Schema
from thalweg.errors import RunError
from thalweg.train._checkpoint import checkpoint_name, checkpoints
from thalweg.train._settings import Settings
from thalweg.train._weights import bare, load_weights, to_bytes


@dataclass(frozen=True)
class Status:
    """How far a run came."""

    state: Literal["running", "finished", "stopped", "diverged", "interrupted"]
    """"stopped" is early and on purpose."""
    reason: str | None = None
    """Why it ended before its last epoch."""
    epochs: int = 0
    steps: int = 0
    best_epoch: int | None = None
    """Whose weights the run has, counted from one; zero for those before the first step, None
    for the last one's."""
    parameters: int = 0
    checksum: int | None = None
    """CRC-32 of the file of weights."""

    @property
    def is_over(self) -> bool:
        """Whether there is nothing left to train."""
        return self.state in ("finished", "stopped", "diverged")


class RunFolder:
    """The files of one run.

    Args:
        path: The folder.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.checkpoints = path / "checkpoint"
        self.history_file = path / "history.jsonl"
        self.weights_file = path / "model.safetensors"

    @contextmanager
    def claimed(self) -> Iterator[None]:
        """Make the folder for a new run, and be its only writer in the block.

        Raises:
            RunError: It holds a run already, or cannot be made.
            RunLockedError: Another process is writing to it.
        """
        with files.explained(self.path):
            files.make_folder(self.path)
        with files.locked(self.path):
            if (self.path / "config.toml").exists():
                raise RunError(
                    f"{self.path} holds a run already. Go on with it by `thalweg resume "
                    f"{self.path}`, or choose another folder with --out or out=."
                )
            self._refuse_checkpoints()
            yield

    def _refuse_checkpoints(self) -> None:
        """Refuse a folder where somebody's training lies, though without its settings.

        Checkpoints without a single step hold nothing: a run leaves them that was killed
        before its settings were written.
        """
        beginning = self.checkpoints / checkpoint_name(0)
        if set(checkpoints(self.checkpoints)) - {beginning}:
            raise RunError(
                f"{self.checkpoints} holds the checkpoints of a run whose config.toml is gone. "
                "Put that back, or choose another folder with --out or out=."
            )
        with files.explained(self.path):
            if beginning.exists():
                shutil.rmtree(beginning)

    def write_beginning(
        self,
        settings: Settings,
        schema: Schema,
        choices: list[Choice],
        status: Status,
        processes: int = 1,
    ) -> None:
        """Write what is known before training; the settings last, since they make it a run.

        A run can be resumed, so that its first checkpoint is to be there before.
        """
        files.write_json(self.path / "schema.json", sealed(schema.to_json()))
        self.write_choices(choices)
        self.write_status(status)
        settings.write(self.path / "config.toml", choices, processes)

    def write_results(
        self, model: nn.Module, history: History, timing: dict[str, float], status: Status
    ) -> Status:
        """Write what training gave; the status last, since it says that the rest is there.

        Returns:
            The status with the checksum of the weights.
        """
        lines = "".join(f"{line}\n" for line in history.lines())
        files.write_atomically(self.history_file, lines)
        weights = to_bytes(bare(model).state_dict())
        files.write_atomically(self.weights_file, weights)
        files.write_json(self.path / "timing.json", timing)
        status = replace(status, checksum=zlib.crc32(weights))
        self.write_status(status)
        return status

    def write_choices(self, choices: list[Choice]) -> None:
        """Write every automatic decision."""
        files.write_json(self.path / "choices.json", [each.to_json() for each in choices])

    def write_status(self, status: Status) -> None:
        """Write how far the run came."""
        files.write_json(self.path / "status.json", asdict(status))

    def write_scores(self, scores: dict[str, dict[str, float]]) -> None:
        """Write what was found for each part of the data."""
        files.write_json(self.path / "scores.json", scores)

    def write_record(self, record: dict[str, Any]) -> None:
        """Write what the doctor saw of the training."""
        files.write_atomically(self.path / "record.json", json.dumps(sealed(record)))

    def record(self) -> dict[str, Any] | None:
        """Return what the doctor saw; None if it did not look."""
        return self._rebuilt("record.json", dict, missing={}) or None

    def settings(self) -> Settings:
        """Return what the run was made from.

        Raises:
            RunError: The folder holds no run.
        """
        path = self.path / "config.toml"
        if not path.is_file():
            why = "it has no config.toml" if self.path.exists() else "there is no such folder"
            raise RunError(
                f"{self.path} is not a run: {why}. Runs are made by thalweg train and tw.fit."
            )
        return Settings.read(path)

    def schema(self) -> Schema:
        """Return what is known of the data."""
        return self._rebuilt("schema.json", Schema.from_json)

    def choices(self) -> list[Choice]:
        """Return every automatic decision."""
        return self._rebuilt("choices.json", lambda rows: rebuilt(list[Choice], rows))

    def status(self) -> Status:
        """Return how far the run came."""
        return self._rebuilt("status.json", lambda content: rebuilt(Status, content))

    def history(self) -> History:
        """Return what was measured so far."""
        try:
            return History.from_lines(read(self.history_file, ROWS_SHARE).decode().splitlines())
        except FileNotFoundError:
            return History()
        except _DAMAGES as error:
            raise RunError(
                f"{self.history_file} is damaged ({_told(error)}). Remove it to read the run "
                "without it."
            ) from None

    def table(self, name: str) -> dict[str, Any]:
        """Return "timing" or "scores"; empty if there is none yet."""
        numbers = dict[str, float]
        kind = dict[str, numbers] if name == "scores" else numbers
        return self._rebuilt(f"{name}.json", lambda content: rebuilt(kind, content), missing={})

    def weights_held(self) -> int | None:
        """Return how many bytes of weights the run can have at most; None if it has none yet."""
        places = [self.weights_file]
        places += [path / "tensors.safetensors" for path in checkpoints(self.checkpoints)]
        return max((path.stat().st_size for path in places if path.is_file()), default=None)

    def load_weights(self, model: nn.Module, status: Status) -> None:
        """Put the run's weights into a network.

        Raises:
            RunError: There are none yet.
            WeightsError: They are damaged, or do not fit the network.
        """
        if not self.weights_file.exists():
            raise RunError(
                f"{self.path} has no weights yet, since its training was cut off after the "
                f"checkpoints in {self.checkpoints.name}/. Go on with it by "
                f"`thalweg resume {self.path}`."
            )
        load_weights(model, self.weights_file, status.checksum)

    def _rebuilt(self, name: str, rebuild: Any, missing: Any = None) -> Any:
        """Return what a file of JSON stands for.

        Raises:
            RunError: The file is missing or damaged.
        """
        path = self.path / name
        try:
            return rebuild(unsealed(json.loads(read(path, JSON_SHARE).decode())))
        except FileNotFoundError:
            if missing is not None:
                return missing
            raise RunError(f"{self.path} is not a whole run: {name} is missing.") from None
        except _DAMAGES as error:
            advice = "" if missing is None else " Remove it to read the run without it."
            raise RunError(f"{path} is damaged ({_told(error)}).{advice}") from None


_DAMAGES = (
    *(OSError, ValueError, TypeError, KeyError, AttributeError),
    *(OverflowError, RecursionError),
)


def _told(error: Exception) -> str:
    """Return an error's kind and the first line of what it says."""
    said = str(error).strip().split("\n")[0]
    return f"{type(error).__name__}: {said}" if said else type(error).__name__


def next_folder(source: str, parent: Path = Path("runs")) -> Path:
    """Return the first free folder for a run on this source: `runs/digits-1`, `runs/digits-2`."""
    stem = Path(source).name.split(".")[0] or "data"
    name = "".join(char if char.isalnum() or char in "-_" else "-" for char in stem)[:60]
    number = 1
    while (parent / f"{name}-{number}").exists():
        number += 1
    return parent / f"{name}-{number}"
