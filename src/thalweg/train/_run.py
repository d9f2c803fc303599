"""A run: what was trained, on what, how it went, and what it can do now."""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, ClassVar, Self

import safetensors.torch
import torch
from torch import nn

from thalweg._core import files
from thalweg._core.choices import Choice
from thalweg._core.history import History
from thalweg._core.modes import evaluating
from thalweg.data import PARTS, Schema, Splits
from thalweg.errors import DataError, RunError, SettingError, WeightsError
from thalweg.tasks import Prediction, Task, tasks
from thalweg.train._batches import Feed
from thalweg.train._checkpoint import to_bytes
from thalweg.train._evaluate import BATCH_SIZE, Answers, answer
from thalweg.train._settings import Settings


@dataclass(frozen=True)
class Status:
    """How far a run came."""

    state: str
    """"running", "finished", "stopped" (early, on purpose), "diverged" or "interrupted"."""
    reason: str | None = None
    """Why it ended before its last epoch."""
    epochs: int = 0
    steps: int = 0
    best_epoch: int | None = None
    """Whose weights the run has, counted from one; zero for those before the first step, None
    for the last one's."""
    parameters: int = 0


class Run:
    """A trained network with everything needed to judge, use and repeat it.

    Made by `tw.fit`, `tw.resume` and `Run.load`.
    """

    page_writer: ClassVar[Callable[["Run", Path], Path] | None] = None
    """Writes the report. Bound by the layer above, which alone knows both."""

    def __init__(
        self,
        *,
        model: nn.Module | None,
        task: Task,
        schema: Schema,
        settings: Settings,
        choices: list[Choice],
        folder: Path | None = None,
        data: Splits | None = None,
    ) -> None:
        self._model = model
        self.task = task
        self.schema = schema
        self.settings = settings
        self.choices = choices
        """Every automatic decision on the way, with its reason."""
        self.folder = folder
        """Where it lies on disk; None if it was kept in memory only."""
        self.data = data
        """The data it was trained on, where they are at hand."""
        self.history = History()
        self.status = Status("running")
        self.timing: dict[str, float] = {}
        """Seconds by phase."""
        self.scores: dict[str, dict[str, float]] = {}
        """What `score` found, by part."""
        self._answers: dict[str, Answers] = {}

    @property
    def model(self) -> nn.Module:
        """The trained network.

        Raises:
            RunError: It is not a registered one and was not handed to `Run.load`.
        """
        if self._model is None:
            raise RunError(
                f"the network of {self.folder} is of the class {self.settings.model.get('class')!r}, "
                "which is not registered. Load the run with Run.load(folder, model=network)."
            )
        return self._model

    def score(self, part: str = "test") -> dict[str, float]:
        """Return loss and metrics on one part of the data, the primary metric first.

        The first result for a part is kept with the run and given back from then on: the test
        part is looked at once.

        Args:
            part: "train", "valid" or "test".

        Raises:
            DataError: The part is empty, or the data are not at hand.
        """
        if part not in self.scores:
            answers = self.answers(part)
            metrics = self.task.score(answers.outputs, answers.targets)
            self.scores[part] = {**metrics, "loss": answers.loss}
            if self.folder is not None:
                files.write_json(self.folder / "scores.json", self.scores)
        return dict(self.scores[part])

    def answers(self, part: str) -> Answers:
        """Return the raw outputs and the loss of every example of a part.

        Raises:
            SettingError: There is no such part.
            DataError: The part is empty, or the data are not at hand.
        """
        if part not in PARTS:
            raise SettingError(f"part must be one of {', '.join(PARTS)}, got {part!r}.")
        if part not in self._answers:
            if self.data is None:
                raise DataError(
                    "the data of this run are not at hand. Hand them over: run.attach(tw.load(…))."
                )
            examples = self.data[part]
            if not len(examples):
                raise DataError(f"the {part} part is empty, so there is nothing to score.")
            device = next((each.device for each in self.model.parameters()), torch.device("cpu"))
            feed = Feed(examples, self.schema.encoder, device)
            self._answers[part] = answer(self.model, self.task, feed)
        return self._answers[part]

    def predict(self, given: Any) -> Prediction:
        """Return what the network says of new examples, treated as the training data were.

        Args:
            given: What `tw.load` takes for this kind of data, without targets: an array, a
                frame, a file, a picture, a folder of pictures.

        Raises:
            DataError: Columns are missing, values or files cannot be read.
        """
        inputs, names = self.schema.encoder.read(given)
        stored = self.schema.encoder.encode(inputs)
        outputs = []
        with evaluating(self.model) as device:
            for piece in stored.split(BATCH_SIZE):
                normal = self.schema.encoder.normalize(piece.to(device))
                outputs.append(self.model(normal).float().cpu())
        read = self.task.read(torch.cat(outputs), names)
        return replace(read, repairs=tuple(inputs.repairs))

    def attach(self, data: Splits) -> Self:
        """Hand the run its data again, after loading it from disk.

        Raises:
            DataError: They are not the data that it was trained on.
        """
        if data.schema.fingerprint != self.schema.fingerprint:
            raise DataError(
                f"these are not the data of the run: fingerprint {data.schema.fingerprint[:8]}, "
                f"needed {self.schema.fingerprint[:8]}. Load them with the same source and options."
            )
        self.data = data
        return self

    def report(self, path: str | Path | None = None) -> Path:
        """Write the run's page: one file of HTML that needs no network.

        Args:
            path: Where to; by default `report.html` in the run's folder.

        Returns:
            Where it was written.
        """
        assert Run.page_writer is not None, "thalweg._api binds it"
        if path is None:
            path = (self.folder or Path()) / "report.html"
        return Run.page_writer(self, Path(path))

    def save(self, folder: str | Path) -> Path:
        """Write the run into a new folder; `Run.load` needs nothing else.

        Raises:
            RunError: The folder holds a run already, or cannot be written.
        """
        folder = Path(folder)
        claim(folder)
        self._write_settings(folder)
        self._write_results(folder)
        return folder

    @classmethod
    def load(cls, folder: str | Path, model: nn.Module | None = None) -> Self:
        """Read a run from its folder. Executes nothing that the folder holds.

        Args:
            folder: As `tw.fit` or `save` wrote it.
            model: The network, where it is not one of `thalweg models`; its weights are
                replaced by those of the run.

        Raises:
            RunError: There is no run, or a file of it is damaged.
            WeightsError: The weights do not fit the network.
        """
        folder = Path(folder)
        run = cls.peek(folder)
        if model is None:
            recipe = run.settings.recipe(run.schema.encoder.shape, run.task.outputs)
            model = recipe.build() if recipe is not None else None
        if model is not None and (folder / "model.safetensors").exists():
            load_weights(model, folder / "model.safetensors")
            model.eval()
        run._model = model
        return run

    @classmethod
    def peek(cls, folder: str | Path) -> Self:
        """Read a run without its network: settings, history, scores.

        Raises:
            RunError: There is no run, or a file of it is damaged.
        """
        folder = Path(folder)
        if not (folder / "config.toml").is_file():
            raise RunError(f"{folder} is not a run: it has no config.toml. Runs are made by fit.")
        settings = Settings.read(folder / "config.toml")
        schema = Schema.from_json(_read_json(folder / "schema.json"))
        task = dict(settings.task)
        run = cls(
            model=None,
            task=tasks[task.pop("name")](schema.target, **task),
            schema=schema,
            settings=settings,
            choices=[Choice.from_json(each) for each in _read_json(folder / "choices.json")],
            folder=folder,
        )
        if (folder / "history.jsonl").exists():
            run.history = History.from_lines((folder / "history.jsonl").read_text().splitlines())
        run.status = Status(**_read_json(folder / "status.json"))
        run.timing = _read_json(folder / "timing.json", missing={})
        run.scores = _read_json(folder / "scores.json", missing={})
        return run

    def _write_settings(self, folder: Path) -> None:
        """Write what is known before training: enough to begin it again."""
        self.settings.write(folder / "config.toml", self.choices)
        files.write_json(folder / "schema.json", self.schema.to_json())
        files.write_json(folder / "choices.json", [each.to_json() for each in self.choices])
        files.write_json(folder / "status.json", asdict(self.status))

    def _write_results(self, folder: Path) -> None:
        """Write what training gave; the status last, since it says that the rest is there."""
        history = "".join(f"{line}\n" for line in self.history.lines())
        files.write_atomically(folder / "history.jsonl", history)
        weights = {name: value for name, value in self.model.state_dict().items()}
        files.write_atomically(folder / "model.safetensors", to_bytes(weights))
        files.write_json(folder / "timing.json", self.timing)
        if self.scores:
            files.write_json(folder / "scores.json", self.scores)
        files.write_json(folder / "status.json", asdict(self.status))

    def __repr__(self) -> str:
        where = f" in {self.folder}" if self.folder else ""
        return f"Run({self.schema.source}, {self.status.state} after {self.status.epochs} epochs{where})"


def claim(folder: Path) -> None:
    """Make a folder for a new run.

    Raises:
        RunError: It holds a run already, or cannot be made.
    """
    if (folder / "config.toml").exists():
        raise RunError(
            f"{folder} holds a run already. Go on with it by `thalweg resume {folder}`, or choose "
            "another folder with --out or out=."
        )
    with files.explained(folder):
        folder.mkdir(parents=True, exist_ok=True)


def next_folder(source: str, parent: Path = Path("runs")) -> Path:
    """Return the first free folder for a run on this source: `runs/digits-1`, `runs/digits-2`."""
    stem = Path(source).name.split(".")[0] or "data"
    name = "".join(char if char.isalnum() or char in "-_" else "-" for char in stem)[:60]
    number = 1
    while (parent / f"{name}-{number}").exists():
        number += 1
    return parent / f"{name}-{number}"


def load_weights(model: nn.Module, path: Path) -> None:
    """Put the weights of a safetensors file into a network.

    Raises:
        WeightsError: The file is damaged, or names or shapes differ; the first is told.
    """
    try:
        weights = safetensors.torch.load(path.read_bytes())
    except (OSError, ValueError, safetensors.SafetensorError) as error:
        raise WeightsError(f"cannot read the weights in {path}: {error}.") from None
    own = model.state_dict()
    for name in [*own, *weights]:
        needed = tuple(own[name].shape) if name in own else None
        found = tuple(weights[name].shape) if name in weights else None
        if needed != found:
            raise WeightsError(
                f"the weights in {path} do not fit the network: {name!r} needs shape {needed}, "
                f"the file has {found}. Use the network that they were saved from."
            )
    model.load_state_dict(weights)


def _read_json(path: Path, missing: Any = None) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        if missing is not None:
            return missing
        raise RunError(f"{path.parent} is not a whole run: {path.name} is missing.") from None
    except (OSError, ValueError) as error:
        raise RunError(f"{path} is damaged: {error}.") from None
