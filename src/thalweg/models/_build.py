"""A network by name, fitted to data or to sizes."""

import inspect
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import nn

from thalweg._core import formats
from thalweg._core.choices import Choice
from thalweg.data import Schema, Splits, Target
from thalweg.errors import DataError, SettingError
from thalweg.models._options import check_whole, one_of
from thalweg.models._registry import Recipe, Undrawn, networks, origin_of
from thalweg.models.pretrained._fitting import check_outputs, put_in
from thalweg.models.pretrained._prefix import without_prefix
from thalweg.models.pretrained._public import IMAGENET, TRANSFORMED, public_file
from thalweg.models.pretrained._reading import read_tensors

# LeNet was made for grey images of at most this many pixels a side.
LENET_SIDE = 32


def build(
    name: str,
    data: Splits | None = None,
    *,
    classes: int | None = None,
    outputs: int | None = None,
    features: int | None = None,
    channels: int | None = None,
    size: int | Sequence[int] | None = None,
    seed: int = 0,
    weights: str | Path | None = None,
    head: str | None = None,
    download: bool = False,
    **options: Any,
) -> nn.Module:
    """Return a new network of that name, for the data or for the sizes given.

    Where torchvision publishes weights for a network, its file loads: names, shapes and outputs
    are the same. Nothing is fetched unless asked for.

    Args:
        name: One of `thalweg models`.
        data: What it will be trained on; says the shape of inputs and outputs.
        classes: Without data: how many classes, and so outputs. A network of images alone has by
            default the classes, channels and size that it was made for.
        outputs: How many numbers to give per example, where that is not what the data say.
        features: Without data: how many numbers per example.
        channels: Without data: channels of an image, 1 for grey, 3 for colour.
        size: Without data: height and width of an image in pixels, or one number for both.
        seed: Of the initial weights.
        weights: A file of weights to begin from, safetensors or what `torch.save` wrote of a
            state dict; or "imagenet", the public ones.
        head: "new" leaves the output layer out of the file's weights, for other classes.
        download: Whether public weights may be fetched where they are not here.
        **options: Of the network.

    Raises:
        UnknownNameError: No network has that name.
        SettingError: An option is unknown or out of range, or a size is missing.
        ShapeError: The network cannot take such inputs.
        DataError: The network is not for such targets.
        WeightsError: The file is damaged, or of another network.

    Example:
        >>> network = build("mlp", classes=3, features=4, hidden=[16])
        >>> sum(each.numel() for each in network.parameters())
        131
        >>> sum(each.numel() for each in build("lenet").parameters())
        61706
    """
    entry = networks.entry(name)
    if data is not None:
        sizes = {"classes": classes, "features": features, "channels": channels, "size": size}
        _refuse_sizes(name, sizes)
        target = data.schema.target
        _check_target(entry.value, name, target)
        shape = tuple(data.schema.encoder.shape)
        wanted = outputs if outputs is not None else outputs_for(target)
    else:
        if "features" not in inspect.signature(entry.value).parameters and features is None:
            origin = origin_of(name)
            channels = origin.shape[0] if channels is None else channels
            size = origin.shape[1:] if size is None else size
            classes = origin.classes if classes is None and outputs is None else classes
        shape = _shape(name, features, channels, size)
        wanted = _outputs(entry.value, name, classes, outputs)
    one_of("head", head, (None, "new"))
    if weights is None:
        if head or download:
            given = "head" if head else "download"
            raise SettingError(f"{given} says what to do with weights=, and there are none.")
        return Recipe(name, shape, wanted, seed, options).build()
    if not isinstance(weights, (str, Path)):
        got = formats.plain(repr(weights))
        raise SettingError(f"weights must be a file, or {IMAGENET!r}, got {got}.")
    if weights == IMAGENET and name in TRANSFORMED:
        options = {"transform_input": True, **options}
    # A run repeated from its settings may stand in another folder.
    place = IMAGENET if weights == IMAGENET else str(Path(weights).expanduser().absolute())
    recipe = Recipe(name, shape, wanted, seed, options, place, head)
    labels = () if data is None else tuple(map(str, data.schema.target.classes))
    return pretrained(recipe, labels, download=download)


def pretrained(
    recipe: Recipe, classes: tuple[str, ...] = (), *, download: bool = False
) -> nn.Module:
    """Return the network of a recipe, with the weights that it names.

    Args:
        recipe: With weights.
        classes: Of the data, for messages.
        download: Whether public weights may be fetched.

    Raises:
        WeightsError: They cannot be had, or do not fit.
    """
    assert recipe.weights is not None
    network, names = recipe.build(), recipe.head_names()
    if recipe.weights == IMAGENET:
        path = public_file(recipe.name, download=download)
    else:
        path = Path(recipe.weights)
    tensors, prefix = without_prefix(read_tensors(path), network.state_dict())
    if prefix:
        reason = f"the prefix {formats.plain(prefix)!r} that all names share was dropped"
        network.choices = [Choice("weights", str(path), reason)]  # type: ignore[assignment]
    if recipe.head is None:
        check_outputs(network, tensors, path, names, classes)
    put_in(network, tensors, path, names if recipe.head else frozenset())
    return network


def sketch(name: str, **sizes: Any) -> nn.Module:
    """Return a network of that name without weights, on torch's meta device.

    It takes no memory and gives no numbers, but has all shapes.

    Args:
        name: One of `thalweg models`.
        **sizes: As for `build` without data.

    Raises:
        ThalwegError: As `build`.

    Example:
        >>> network = sketch("mlp", classes=3, features=4, hidden=[16])
        >>> next(network.parameters()).device
        device(type='meta')
    """
    with torch.device("meta"), Undrawn():
        return build(name, **sizes)


def default_network(schema: Schema) -> tuple[str, Choice]:
    """Return the network to try first on such data, and why.

    The reasons are about cost: these learn on a CPU in minutes.
    """
    shape = schema.encoder.shape
    if schema.encoder.kind != "image":
        name, reason = "mlp", f"{math.prod(shape)} numbers per example, in no known arrangement"
    elif shape[0] == 1 and max(shape[1:]) <= LENET_SIDE:
        name = "lenet"
        reason = f"grey images of at most {LENET_SIDE} pixels, for which it is small and fast"
    else:
        name, reason = "convnet", "images: what is learned at one place serves at every other"
    return name, Choice("model", name, reason)


def outputs_for(target: Target) -> int:
    """Return how many numbers a network must give per example of such a target."""
    if target.kind == "number":
        return len(target.names)
    # One logit tells two classes apart.
    is_binary = target.kind == "category" and len(target.classes) == 2
    return 1 if is_binary else len(target.classes)


def _check_target(factory: Any, name: str, target: Target) -> None:
    is_binary = target.kind == "category" and len(target.classes) == 2
    if _is_perceptron(factory) and not is_binary:
        raise DataError(
            f"network {name!r} needs a target of two classes, but {target.names[0]!r} is "
            f"{target}. Use 'linear'."
        )


def _is_perceptron(factory: Any) -> bool:
    """Return whether one output of a network tells two classes apart."""
    return getattr(factory, "task", None) == "perceptron"


def _refuse_sizes(name: str, sizes: dict[str, object]) -> None:
    given = [size for size, value in sizes.items() if value is not None]
    if given:
        raise SettingError(
            f"{given[0]} is known from the data. Use tw.build({name!r}, data), "
            f"or leave the data out."
        )


def _shape(
    name: str, features: int | None, channels: int | None, size: int | Sequence[int] | None
) -> tuple[int, ...]:
    _check_positive(features=features, channels=channels)
    if features is not None and channels is None and size is None:
        return (features,)
    if channels is not None and size is not None and features is None:
        sides: tuple[Any, ...] = tuple(size) if isinstance(size, (tuple, list)) else (size, size)
        if len(sides) != 2:
            raise SettingError(
                f"size must be one number of pixels or two, height and width, got {size!r}."
            )
        for side in sides:
            check_whole("size", side, least=1)
        return channels, *sides
    raise SettingError(
        "without data, say what one example is: "
        f"tw.build({name!r}, classes=10, channels=1, size=28) for images, "
        f"tw.build({name!r}, classes=10, features=30) for numbers."
    )


def _outputs(factory: Any, name: str, classes: int | None, outputs: int | None) -> int:
    _check_positive(classes=classes, outputs=outputs)
    if (classes is None) == (outputs is None):
        raise SettingError(
            f"without data, say how many outputs: tw.build({name!r}, classes=10, …) or "
            f"tw.build({name!r}, outputs=1, …), one of the two."
        )
    if classes == 2 and _is_perceptron(factory):
        return 1
    return classes if classes is not None else outputs or 0


def _check_positive(**numbers: int | None) -> None:
    for name, value in numbers.items():
        if value is not None:
            check_whole(name, value, least=1)
