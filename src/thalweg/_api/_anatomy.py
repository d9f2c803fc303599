"""A network taken apart: a module, one by name, or that of a run."""

from typing import Any

from torch import nn

from thalweg import models
from thalweg._anatomy import Anatomy
from thalweg.data import Splits
from thalweg.errors import SettingError
from thalweg.train import Run


def anatomy(
    model: nn.Module | str | Run,
    input: Any = None,  # noqa: A002
    *,
    classes: int = 1000,
    **options: Any,
) -> Anatomy:
    """Take a network apart: shape, parameters and multiply-accumulates of every layer.

    Args:
        model: Any module, the name of one that `thalweg models` lists, or a run.
        input: Shape of one example without the batch, `(3, 224, 224)`; or data from `tw.load`,
            for the shape of their examples. A run knows its own.
        classes: Of a network by name: how many it tells apart.
        **options: Of a network by name.

    Raises:
        ShapeError: The network cannot take such inputs.
        SettingError: The input is missing, or options were given to a finished network.
        UnknownNameError: No network has that name.

    Example:
        >>> import thalweg as tw
        >>> found = tw.anatomy("lenet", (1, 32, 32), classes=10)
        >>> found.parameters, found.macs, found.flops
        (61706, 416520, 833040)
    """
    if isinstance(model, Run):
        input = model.schema.encoder.shape if input is None else input  # noqa: A001
        model = model.model
    if isinstance(input, Splits):
        input = input.schema.encoder.shape  # noqa: A001
    if input is None:
        raise SettingError(
            "anatomy needs the shape of one example: tw.anatomy(model, (3, 224, 224))."
        )
    if isinstance(model, str):
        model = _by_name(model, input, classes, options)
    elif options:
        raise SettingError(
            f"{next(iter(options))!r} is an option of networks by name; this one is built already."
        )
    return Anatomy(model, input)


def _by_name(name: str, shape: tuple[int, ...], classes: int, options: dict[str, Any]) -> nn.Module:
    """Return a network of that name for inputs of this shape."""
    if len(shape) == 3:
        channels, height, width = shape
        size = height, width
        return models.build(name, classes=classes, channels=channels, size=size, **options)
    return models.build(name, classes=classes, features=shape[-1], **options)
