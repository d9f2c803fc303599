"""Which task a target is for, and why."""

import inspect
from typing import Any

from thalweg._core.choices import Choice
from thalweg._core.registry import did_you_mean
from thalweg.data import Target
from thalweg.errors import SettingError
from thalweg.tasks._task import Task, tasks


def choose(
    target: Target,
    *,
    wanted: str | None = None,
    outputs: int | None = None,
    hint: object = None,
    options: dict[str, Any] | None = None,
) -> tuple[Task, Choice | None]:
    """Return the task for a target and, where nobody asked for one, why it was chosen.

    Args:
        target: What is to be predicted.
        wanted: The task that the user named.
        outputs: How many numbers the network gives per example, where that is known.
        hint: The network's attribute `task`, heeded where it is the name of one.
        options: Of the task.

    Raises:
        UnknownNameError: No task has that name.
        DataError: The named task is not for such a target.
        SettingError: The task does not take one of the options, or not such a value.

    Example:
        >>> task, choice = choose(Target("category", ("animal",), ("cat", "dog", "eel")))
        >>> task.name, choice.reason
        ('classification', "'animal' has 3 classes")
    """
    if wanted is not None:
        name, reason = wanted, None
    elif isinstance(hint, str) and hint in tasks:
        name, reason = hint, "the network is made for it"
    else:
        name, reason = _suited(target, outputs)
    task = _make(name, target, options or {})
    return task, None if reason is None else Choice("task", name, reason)


def option_names(name: str) -> list[str]:
    """Return the options of the task of that name.

    Raises:
        UnknownNameError: No task has that name.

    Example:
        >>> option_names("regression")
        ['distribution']
    """
    parameters = inspect.signature(tasks[name]).parameters.values()
    return [each.name for each in parameters if each.kind is each.KEYWORD_ONLY]


def _suited(target: Target, outputs: int | None) -> tuple[str, str]:
    name = repr(target.names[0])
    if target.kind == "number":
        numbers = len(target.names)
        return "regression", f"{name} is a number" if numbers == 1 else f"{numbers} numbers"
    if target.kind == "multilabel":
        return "multilabel", f"{name} may have several of {len(target.classes)} labels at once"
    if len(target.classes) > 2:
        return "classification", f"{name} has {len(target.classes)} classes"
    if outputs == 2:
        return "classification", f"{name} has two classes and the network gives two outputs"
    return "binary", f"{name} has two classes, which one output can tell apart"


def _make(name: str, target: Target, options: dict[str, Any]) -> Task:
    known = option_names(name)
    for option in options:
        if option not in known:
            hint = did_you_mean(option, known) if known else "It takes none."
            raise SettingError(f"task {name!r} has no option {option!r}. {hint}")
    return tasks[name](target, **options)
