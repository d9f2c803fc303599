"""`check_task`: the door to the checks of a task."""

import copy
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from thalweg.conformance._report import Conformance
from thalweg.data import load
from thalweg.errors import SettingError
from thalweg.tasks import Task, choose

if TYPE_CHECKING:
    from thalweg.conformance.tasks import TaskCase


def check_task(
    task: Task | str,
    data: Any = None,
    *,
    expected_failures: Mapping[str, str] | None = None,
    **options: Any,
) -> Conformance:
    """Examine what a task promises to the trainer and to whoever reads its answers.

    Everything is done on copies. `docs/conformance.md` lists the checks; how to read the report
    is said at `check_model`.

    Args:
        task: The task; or the name of a registered one, which is then made for the data.
        data: Anything that `tw.load` takes, whose targets are used. Without data, targets are
            drawn: every class, every second label, normally distributed numbers.
        expected_failures: Why a check may fail, by its name. A check that passes all the same
            is then a failure.
        **options: Of a task by name.

    Raises:
        ThalwegError: The data cannot be loaded, or an exemption names no check.

    Example:
        >>> check_task("classification", "iris", label_smoothing=0.1).passed
        True
    """
    # Late: files that training does not need.
    from thalweg.conformance.tasks import TASK, TaskCase
    from thalweg.conformance.tasks._case import EXAMPLES, drawn_outputs, drawn_targets

    splits = None if data is None else load(data)
    if isinstance(task, str):
        if splits is None:
            raise SettingError(f"a task by name needs data: check_task({task!r}, data).")
        task, _ = choose(splits.schema.target, wanted=task, options=options)
    elif options:
        raise SettingError(f"{next(iter(options))} is an option of a task by name only.")
    targets = drawn_targets(task.target)
    if splits is not None:
        # Spread over the part, which may be sorted.
        targets = splits.train.targets[:: max(1, len(splits.train) // EXAMPLES)][:EXAMPLES]
    output = drawn_outputs(len(targets), task.outputs)
    original = task

    def case() -> "TaskCase":
        return TaskCase(copy.deepcopy(original), output.clone(), targets.clone())

    return TASK.run(f"task {task.name}", case, expected_failures)
