"""`check_model`: the door to the checks of a network."""

import copy
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from thalweg._core.modes import evaluating
from thalweg.conformance._report import Conformance
from thalweg.conformance._suite import attempt
from thalweg.data import Splits, load
from thalweg.errors import SettingError, ShapeError
from thalweg.models import build
from thalweg.tasks import Task, choose

if TYPE_CHECKING:
    from thalweg.conformance.models import ModelCase

# Enough to see examples mix, few enough to answer one by one.
EXAMPLES = 8
# For the doctor: as a batch of training.
BATCH = 64


def check_model(
    model: nn.Module | str,
    data: Any,
    task: Task | str | None = None,
    *,
    expected_failures: Mapping[str, str] | None = None,
    thorough: bool = False,
) -> Conformance:
    """Examine what a network promises to whoever trains, saves and uses it.

    Everything is done on copies: weights, gradients, buffers, modes and random state stay as
    they are. `docs/conformance.md` lists the checks. Failures are not raised but returned, so
    that all of them are seen at once; a test of your own asserts `report.passed`, or calls
    `report.raise_failures()`.

    Args:
        model: Any module that takes one tensor, or the name of a registered one.
        data: What it is for: anything that `tw.load` takes. Or a tensor of a few inputs as the
            network gets them; what needs targets does not apply then.
        task: What is wanted of it; by default the one that `tw.fit` would choose.
        expected_failures: Why a check may fail, by its name. A check that passes all the same
            is then a failure.
        thorough: Whether to compile and export too, which takes seconds.

    Raises:
        ThalwegError: The data cannot be loaded, or an exemption names no check.

    Example:
        >>> import thalweg as tw
        >>> data = tw.load("iris")
        >>> check_model(tw.build("mlp", data), data).passed
        True
        >>> memory = torch.nn.Sequential(torch.nn.Linear(4, 3), torch.nn.Softmax(dim=0))
        >>> [each.name for each in check_model(memory, torch.randn(8, 4)).failures]
        ['examples-apart', 'pieces-add-up']
    """
    # Late: a dozen files that training does not need.
    from thalweg.conformance.models import MODEL, ModelCase

    if isinstance(data, Tensor):
        if isinstance(model, str) or isinstance(task, str):
            raise SettingError(
                "a network or task by name needs data, not only inputs. Pass what tw.load takes."
            )
        inputs, batch, splits = data.detach(), None, None
    else:
        splits = load(data)
        if isinstance(model, str):
            model = build(model, splits)
        inputs, batch = _batch(splits)
    if inputs.ndim == 0 or len(inputs) < 2:
        raise ShapeError(f"at least two examples are needed, got shape {tuple(inputs.shape)}.")
    device = next((each.device for each in model.parameters()), torch.device("cpu"))
    original = _materialized(model, inputs.to(device))
    if isinstance(task, Task):
        wanted = task
    else:
        wanted = None if splits is None else _task(original, splits, inputs.to(device), task)
    if batch is not None:
        batch = (batch[0].to(device), batch[1].to(device))

    def case() -> "ModelCase":
        return ModelCase(original, inputs[:EXAMPLES].to(device, copy=True), wanted, batch)

    name = getattr(getattr(model, "recipe", None), "name", type(model).__name__)
    return MODEL.run(f"network {name}", case, expected_failures, thorough)


def _batch(data: Splits) -> tuple[Tensor, tuple[Tensor, Tensor]]:
    """Return a batch of training examples as the network gets them, spread over the part."""
    rows = torch.linspace(0, len(data.train) - 1, min(BATCH, len(data.train))).long()
    inputs = data.schema.encoder.normalize(data.train.inputs[rows])
    return inputs, (inputs, data.train.targets[rows])


def _task(model: nn.Module, data: Splits, inputs: Tensor, wanted: str | None) -> Task:
    """Return the task that the network would be trained for."""
    double = attempt(lambda: copy.deepcopy(model))
    output = None
    if isinstance(double, nn.Module):
        with evaluating(double):
            output = attempt(lambda: double(inputs[:2]))
    outputs = output.shape[1] if isinstance(output, Tensor) and output.ndim == 2 else None
    hint = getattr(model, "task", None)
    return choose(data.schema.target, wanted=wanted, outputs=outputs, hint=hint)[0]


def _materialized(model: nn.Module, inputs: Tensor) -> nn.Module:
    """Return the network itself, or a copy of a lazy one whose shapes are known."""
    if not any(nn.parameter.is_lazy(each) for each in model.parameters()):
        return model
    double = copy.deepcopy(model)
    with evaluating(double):
        attempt(lambda: double(inputs[:2]))  # One that does not run is told by the checks.
    return double
