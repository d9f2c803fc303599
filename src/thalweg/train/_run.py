"""A run: what was trained, on what, how it went, and what it can do now."""

import copy
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar, Self

import torch
from jaxtyping import Float
from torch import Tensor, nn

from thalweg._core.choices import Choice
from thalweg._core.history import History
from thalweg._core.modes import evaluating
from thalweg.data import PARTS, Schema, Splits
from thalweg.errors import DataError, RunError, SettingError
from thalweg.tasks import Prediction, Task, choose
from thalweg.train._batches import Feed
from thalweg.train._evaluate import BATCH_SIZE, Answers, answer
from thalweg.train._folder import RunFolder, Status
from thalweg.train._settings import Settings
from thalweg.train._transfer import remember_classes


class Run:
    """A trained network with everything needed to judge, use and repeat it.

    Made by `tw.fit`, `tw.resume` and `Run.load`.
    """

    page_writer: ClassVar[Callable[["Run", Path], Path] | None] = None
    """Writes the report. Bound by the layer above, which alone knows both."""
    doctor: ClassVar[Callable[[dict[str, Any]], Any] | None] = None
    """Judges what was seen of a training. Bound by the layer above too."""

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
        self.is_writer = True
        """Whether this process writes there; of several, the first one does."""
        self.data = data
        """The data it was trained on, where they are at hand."""
        self.history = History()
        self.status = Status("running")
        self.timing: dict[str, float] = {}
        """Seconds by phase."""
        self.scores: dict[str, dict[str, float]] = {}
        """What `score` found, by part."""
        self.watched: dict[str, Any] | None = None
        """What the doctor saw of the training, as plain data; None if it did not look."""
        self._answers: dict[str, Answers] = {}

    def network(self) -> nn.Module | None:
        """Return a network made as the run's was; None if it is not a registered one.

        Raises:
            SettingError: Its settings are wrong, or ask for more weights than the run can have.
        """
        recipe = self.settings.recipe(self.schema.encoder.shape, self.task.outputs)
        if recipe is None:
            return None
        return recipe.build(None if self.folder is None else RunFolder(self.folder).weights_held())

    @property
    def model(self) -> nn.Module:
        """The trained network.

        Raises:
            RunError: It is not a registered one and was not handed to `Run.load`.
        """
        if self._model is None:
            raise RunError(
                f"the network of {self.folder}, {self.settings.model.get('class')}, is not a "
                "registered one. Load the run with Run.load(folder, model=network)."
            )
        return self._model

    @property
    def diagnosis(self) -> Any:
        """What is wrong with the training, a `thalweg.doctor.Diagnosis`; healthy if nothing is.

        Raises:
            RunError: The doctor did not look.
        """
        assert Run.doctor is not None, "thalweg._api binds it"
        if self.watched is None:
            raise RunError(
                "nobody watched this training, so there is no diagnosis. Train with doctor=True."
            )
        return Run.doctor(self.watched)

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
            if self.folder is not None and self.is_writer:
                RunFolder(self.folder).write_scores(self.scores)
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
        outputs, names, repairs = self._outputs(given)
        return replace(self.task.read(outputs, names), repairs=repairs)

    def outputs(self, given: Any) -> Float[Tensor, "examples ..."]:
        """Return what the network itself gives for new examples, before the task reads it: logits.

        Args:
            given: As for `predict`.

        Raises:
            DataError: As `predict`.
        """
        return self._outputs(given)[0]

    def _outputs(self, given: Any) -> tuple[Tensor, tuple[str, ...], tuple[Choice, ...]]:
        """Return outputs and names of new examples, and what was mended in them."""
        inputs, names = self.schema.encoder.read(given)
        stored = self.schema.encoder.encode(inputs)
        outputs = []
        with evaluating(self.model) as device:
            for piece in stored.split(BATCH_SIZE):
                # A copy, since a network may work in place.
                normal = self.schema.encoder.normalize(piece.to(device, copy=True))
                outputs.append(self.model(normal).float().cpu())
        return torch.cat(outputs), names, tuple(inputs.repairs)

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
            Where it was written; of several processes, by the first one.
        """
        assert Run.page_writer is not None, "thalweg._api binds it"
        if path is None:
            path = (self.folder or Path()) / "report.html"
        if not self.is_writer:
            return Path(path)
        return Run.page_writer(self, Path(path))

    def save(self, folder: str | Path) -> Path:
        """Write the run into a new folder; `Run.load` needs nothing else.

        Raises:
            RunError: The folder holds a run already, or cannot be written.
        """
        files = RunFolder(Path(folder))
        with files.claimed():
            files.write_scores(self.scores)
            if self.watched is not None:
                files.write_record(self.watched)
            status = files.write_results(self.model, self.history, self.timing, self.status)
            files.write_beginning(self.settings, self.schema, self.choices, status)
        return files.path

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
        run = cls.peek(folder)
        if model is None:
            model = run.network()
        if model is not None:
            RunFolder(Path(folder)).load_weights(model, run.status)
            model.eval()
            remember_classes(model, run.schema.target.classes)
        run._model = model
        return run

    @classmethod
    def peek(cls, folder: str | Path) -> Self:
        """Read a run without its network: settings, history, scores.

        Raises:
            RunError: There is no run, or a file of it is damaged.
        """
        files = RunFolder(Path(folder))
        settings, schema = files.settings(), files.schema()
        options = dict(settings.task)
        name = options.pop("name", None)
        if name is None:
            raise RunError(f"{files.path / 'config.toml'} names no task. Put back what fit wrote.")
        task, _ = choose(schema.target, wanted=name, options=options)
        run = cls(
            model=None,
            task=task,
            schema=schema,
            settings=settings,
            choices=files.choices(),
            folder=files.path,
        )
        run.history = files.history()
        run.status = files.status()
        run.timing = files.table("timing")
        run.scores = files.table("scores")
        run.watched = files.record()
        return run

    def __getstate__(self) -> dict[str, Any]:
        """Return what a copy takes along: what a folder holds, so no data; weights on the CPU."""
        model = self._model
        if model is not None and any(each.device.type != "cpu" for each in model.parameters()):
            model = copy.deepcopy(model).cpu()
        return {**vars(self), "_model": model, "data": None, "_answers": {}}

    def __repr__(self) -> str:
        where = f" in {self.folder}" if self.folder else ""
        status = self.status
        return f"Run({self.schema.name}, {status.state} after {status.epochs} epochs{where})"
