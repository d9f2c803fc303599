"""The anatomy of a network: its layers, what they cost together, and what their units see."""

from typing import Any

import torch
from torch import Tensor, nn

from thalweg._anatomy._boxes import Block
from thalweg._anatomy._inputs import examples
from thalweg._anatomy._layer import Layer
from thalweg._anatomy._parts import rows
from thalweg._anatomy._passing import passed
from thalweg._anatomy._receptive_field import Box, box
from thalweg._anatomy._taking_apart import Observation, observe
from thalweg._core.registry import did_you_mean
from thalweg.errors import ShapeError, UnknownNameError


class Anatomy:
    """All layers of a network, and what they cost together.

    Made by `tw.anatomy`.

    Example:
        >>> anatomy = Anatomy(nn.Sequential(nn.Conv2d(1, 6, 5), nn.ReLU()), (1, 32, 32))
        >>> anatomy.parameters, anatomy.macs, anatomy.flops
        (156, 117600, 235200)
        >>> anatomy.layers[0].receptive_field.size, anatomy.sees("0", 3, 0)
        ((5, 5), ((3, 7), (0, 4)))
    """

    def __init__(self, model: nn.Module, given: Any, dtype: torch.dtype | None = None) -> None:
        self.model = model
        self.inputs = examples(model, given, dtype)
        observed = passed(model, self.inputs, observe(model))
        self.axes = _axes(self.inputs[0], observed)
        """Of an example, those that receptive fields are given along: those of the picture."""
        found = list(rows(observed.parts, self.axes))
        self.layers: list[Layer] = [layer for _, layer in found]
        """In the order in which the network defines them."""
        self.blocks: list[Block] = observed.boxes.all
        """The data flow, in the order in which it runs."""
        self._parts = {part.name: part for part, _ in found}

    @property
    def parameters(self) -> int:
        """Numbers that the network can learn, each counted once."""
        return sum(layer.parameters for layer in self.layers)

    @property
    def macs(self) -> int:
        """Multiply-accumulates for one example, of all that could be priced."""
        return sum(layer.macs or 0 for layer in self.layers)

    @property
    def flops(self) -> int:
        """Floating-point operations for one example: each MAC is a product and a sum."""
        return 2 * self.macs

    @property
    def activation_bytes(self) -> int:
        """What the outputs of all layers take for one example."""
        return sum(layer.activation_bytes for layer in self.layers)

    @property
    def not_priced(self) -> list[str]:
        """The layers whose cost is not known, or not wholly, and so missing in the totals."""
        return [layer.name for layer in self.layers if layer.not_priced]

    @property
    def not_followed(self) -> dict[str, str]:
        """The layers whose receptive field is unknown, and the operation that made it so."""
        return {n: part.not_followed for n, part in self._parts.items() if part.not_followed}

    def layer(self, name: str) -> Layer:
        """Return the layer of that name.

        Raises:
            UnknownNameError: There is none.
        """
        for layer in self.layers:
            if layer.name == name:
                return layer
        known = [layer.name for layer in self.layers]
        raise UnknownNameError(f"the network has no layer {name!r}. {did_you_mean(name, known)}")

    def sees(self, name: str, *position: int, of: int = 0) -> Box | None:
        """Return what one unit of a layer sees of the input, exactly, at borders too.

        Args:
            name: Of the layer.
            *position: Of the unit, along the last dimensions of the layer's output: row and
                column of a map. With fewer numbers than it has dimensions the units at that
                place in all channels are taken together.
            of: Which input, where the network takes several.

        Returns:
            For each axis of the picture the first and the last pixel; None where the unit sees
            nothing of the input, as one does whose window lies in the padding.

        Raises:
            UnknownNameError: There is no such layer.
            ShapeError: It has no such unit, or an operation before it could not be followed.
        """
        layer, part = self.layer(name), self._parts[name]
        if part.not_followed or layer.output_shape is None:
            reason = "it was not used" if layer.output_shape is None else part.not_followed
            raise ShapeError(f"what {name!r} sees of the input is unknown: {reason}.")
        field = part.fields.get(of)
        shape = layer.output_shape if field is None else field.shape[1:]
        sizes = shape[len(shape) - len(position) :]
        if len(position) > len(shape) or any(
            not -size <= at < size for at, size in zip(position, sizes, strict=True)
        ):
            raise ShapeError(f"{name!r} gives {shape}, which has no unit {position}.")
        return box(field, _picture(self.inputs[of]) if of else self.axes, position)


def _axes(example: Tensor, observed: Observation) -> tuple[int, ...]:
    """Return the axes of an example along which it is a picture, a series or a volume.

    Channels come first. Of two axes either may be time: it is the one along which the first
    layer with weights does not mix everything.
    """
    if example.ndim != 3:
        return _picture(example)
    for part in observed.parts:
        field = part.fields.get(0)
        if part.is_whole and part.macs and field is not None:
            moving = [axis for axis in (0, 1) if _moves(field, axis)]
            return (moving[0],) if len(moving) == 1 else (1,)
    return (1,)


def _moves(field: Any, axis: int) -> bool:
    return any(bound.numel() > 1 for bound in field.bounds[2 * axis : 2 * axis + 2])


def _picture(example: Tensor) -> tuple[int, ...]:
    return (0,) if example.ndim == 2 else tuple(range(1, example.ndim - 1))
