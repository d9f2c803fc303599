"""A network taken apart: a module, one by name, or that of a run."""

import inspect
from typing import Any

from torch import nn

from thalweg import models
from thalweg._anatomy import Anatomy
from thalweg._core import formats
from thalweg.data import Splits
from thalweg.errors import SettingError, ShapeError
from thalweg.train import Run, make_optimizer


def anatomy(
    model: nn.Module | str | Run,
    input: Any = None,  # noqa: A002
    *,
    classes: int | None = None,
    **options: Any,
) -> Anatomy:
    """Take a network apart: what each layer gives, costs and sees, and what training needs.

    One example runs through it in evaluation mode, without numbers, on torch's meta device; only
    a network that has to look at numbers gets some. Its weights, buffers, modes and the global
    random state stay as they are.

    Counted are multiply-accumulates (MACs) of matrix products and convolutions, wherever they
    are called; biases, activations, pooling and normalization count as nothing, as is usual. A
    module with an attribute `macs` says itself what it costs. What nobody can price is named.

    Args:
        model: Any module, the name of one that `thalweg models` lists, or a run.
        input: Shape of one example without the batch, `(3, 224, 224)`; a tensor with a batch of
            examples, such as token numbers; a tuple with one of these for each input; or data
            from `tw.load`. A run knows its own; a network by name gets what it was made for,
            a photograph's in most cases.
        classes: Of a network by name: how many it tells apart; by default what it was made for,
            1000 in most cases, ten digits for LeNet, and the two of a perceptron.
        **options: Of a network by name.

    Raises:
        ShapeError: The network cannot take such inputs.
        SettingError: The input is missing, or options were given to a finished network.
        UnknownNameError: No network has that name.

    Example:
        >>> import thalweg as tw
        >>> found = tw.anatomy("lenet")  # as it was made: (1, 32, 32), classes=10
        >>> found.parameters, found.macs, found.flops
        (61706, 416520, 833040)
        >>> found.layer("conv2").receptive_field.size, found.sees("conv2", 0, 9)
        ((14, 14), ((0, 13), (18, 31)))
    """
    if isinstance(model, Run):
        input = model.schema.encoder.shape if input is None else input  # noqa: A001
        model = model.model
    if isinstance(input, Splits):
        input = input.schema.encoder.shape  # noqa: A001
    if isinstance(model, str):
        return _by_name(model, input, classes, options)
    if not isinstance(model, nn.Module):
        got = type(model).__name__
        raise SettingError(f"anatomy needs a torch.nn.Module, a name or a run, got {got}.")
    if options:
        raise SettingError(
            f"{next(iter(options))!r} is an option of networks by name; this one is built already."
        )
    if input is None:
        raise SettingError(
            "anatomy needs the shape of one example: tw.anatomy(model, (3, 224, 224))."
        )
    try:
        return Anatomy(model, input, make_optimizer=make_optimizer)
    except ShapeError as error:
        recipe = models.recipe_of(model)
        if recipe is None:
            raise
        raise ShapeError(f"{error}. {recipe.reminder()}") from error


def _by_name(name: str, shape: Any, classes: int | None, options: dict[str, Any]) -> Anatomy:
    """Take apart a network of that name for inputs of this shape; it needs no weights."""
    factory, origin = models.networks[name], models.origin_of(name)
    if shape is None:
        if "features" in inspect.signature(factory).parameters:
            raise SettingError(
                f"network {name!r} takes any inputs. Say the shape of one example, such as 30 "
                f"numbers: tw.anatomy({name!r}, (30,)), or --input 30."
            )
        shape = origin.shape
    sizes = list(shape) if isinstance(shape, (list, tuple)) else [shape]
    if not sizes or not all(isinstance(each, int) for each in sizes):
        got = formats.plain(repr(shape))
        raise SettingError(
            f"a network by name needs the shape of one example, such as (3, 224, 224); got {got}."
        )
    seed = options.pop("seed", 0)
    if classes is None:
        classes = 2 if getattr(factory, "task", None) == "perceptron" else origin.classes
    outputs = {"outputs": options.pop("outputs")} if "outputs" in options else {"classes": classes}
    if len(sizes) == 3:
        channels, height, width = sizes
        made = {"channels": channels, "size": (height, width)}
    elif len(sizes) == 1:
        made = {"features": sizes[0]}
    else:
        raise SettingError(
            "a network by name takes images, (channels, height, width), or numbers, (features,); "
            f"got {formats.plain(repr(tuple(sizes)))}."
        )
    model = models.sketch(name, seed=seed, **outputs, **made, **options)
    return Anatomy(model, tuple(sizes), title=name, make_optimizer=make_optimizer)
