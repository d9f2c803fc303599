"""What fits a task: the kind of target, the shape of the output, the type of the targets."""

import torch
from torch import Tensor

from thalweg.data import Target
from thalweg.errors import DataError, ShapeError


def check_two_classes(task: str, target: Target) -> None:
    """Refuse a target that is not one of two classes.

    Raises:
        DataError: It has more classes, or it is no class at all.
    """
    if target.kind != "category" or len(target.classes) != 2:
        raise DataError(
            f"task {task!r} needs a target of two classes, {_called(target)}. {_instead(target)}"
        )


def check_kind(task: str, target: Target, kind: str) -> None:
    """Refuse a target of another kind.

    Raises:
        DataError: With the kind that is needed.
    """
    if target.kind != kind:
        raise DataError(
            f"task {task!r} needs a target of kind {kind!r}, {_called(target)}. {_instead(target)}"
        )


def check_output(
    output: Tensor, targets: Tensor, outputs: int, *, meaning: str, may_be_flat: bool = False
) -> None:
    """Refuse an output that is not `outputs` floating-point numbers per example.

    Args:
        output: What the network gave.
        targets: Of the same examples.
        outputs: Numbers needed per example.
        meaning: What they are, for the message: "one per class".
        may_be_flat: Whether shape (batch,) does as well, for one number per example.

    Raises:
        ShapeError: With the shape that is needed and how to get it.
    """
    shape = tuple(output.shape)
    if not (shape[1:] == (outputs,) or (may_be_flat and len(shape) == 1)):
        numbers = "1 number" if outputs == 1 else f"{outputs} numbers"
        raise ShapeError(
            f"the network must give {numbers} per example ({meaning}), got output of shape "
            f"{shape}. Set the last layer's out_features to {outputs}."
        )
    if shape[0] != len(targets):
        raise ShapeError(
            f"the network must give one row per example, {len(targets)} in all, got output of "
            f"shape {shape}. Keep the batch axis first."
        )
    if not output.is_floating_point():
        raise ShapeError(
            f"the network must give floating-point numbers, got {_dtype(output)}. "
            "Return the last layer's output as it is, without argmax or rounding."
        )


def check_class_numbers(targets: Tensor, classes: int) -> None:
    """Refuse targets that are not one class number per example.

    Raises:
        ShapeError: They are one-hot, of another type, or out of range.
    """
    if targets.ndim != 1:
        raise ShapeError(
            f"targets must have shape (batch,), got {tuple(targets.shape)}. "
            "For one-hot targets, pass targets.argmax(dim=1)."
        )
    if targets.dtype != torch.long:
        raise ShapeError(
            f"targets must be class numbers of type int64, got {_dtype(targets)}. "
            "Pass targets.long()."
        )
    if len(targets) and not 0 <= int(targets.min()) <= int(targets.max()) < classes:
        raise ShapeError(
            f"targets must be class numbers from 0 to {classes - 1}, got "
            f"{int(targets.min())} to {int(targets.max())}. Number the classes from 0."
        )


def check_columns(targets: Tensor, columns: int, meaning: str) -> None:
    """Refuse targets that are not `columns` floating-point numbers per example.

    Raises:
        ShapeError: With the shape that is needed.
    """
    if targets.shape[1:] != (columns,) or not targets.is_floating_point():
        raise ShapeError(
            f"targets must be floating-point numbers of shape (batch, {columns}), {meaning}, got "
            f"{_dtype(targets)} of shape {tuple(targets.shape)}. Use Target.encode."
        )


def _called(target: Target) -> str:
    return f"but {target.names[0]!r} is {target}"


def _instead(target: Target) -> str:
    suited = {"category": "classification", "multilabel": "multilabel", "number": "regression"}
    return f"Use task={suited[target.kind]!r}."


def _dtype(tensor: Tensor) -> str:
    return str(tensor.dtype).removeprefix("torch.")
