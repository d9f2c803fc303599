"""The anatomy of a network: its layers, what they cost together, and what their units see."""

from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import Any

import torch
from torch import nn

from thalweg._anatomy import _table
from thalweg._anatomy._axes import axes_of, picture
from thalweg._anatomy._boxes import Block
from thalweg._anatomy._layer import Layer
from thalweg._anatomy._parts import rows
from thalweg._anatomy._receptive_field import Box, box
from thalweg._anatomy._taking_apart import observed_with
from thalweg._anatomy.memory import (
    OptimizerMaker,
    TrainingMemory,
    largest_batch,
    parsed,
    training_memory,
)
from thalweg._anatomy.picture import draw
from thalweg._core import formats
from thalweg._core.registry import did_you_mean
from thalweg._core.svg import Drawing
from thalweg.errors import SettingError, ShapeError, UnknownNameError


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

    def __init__(
        self,
        model: nn.Module,
        given: Any,
        *,
        dtype: torch.dtype | None = None,
        title: str = "",
        make_optimizer: OptimizerMaker | None = None,
    ) -> None:
        # What `torch.compile` returns is a shell around the network itself.
        model = getattr(model, "_orig_mod", model)
        self.model = model
        self.title = title or type(model).__name__
        """What the network is called."""
        self._make_optimizer = make_optimizer
        self.inputs, observed = observed_with(model, given, dtype)
        self.axes = axes_of(self.inputs[0], observed.parts)
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

    @property
    def totals(self) -> list[tuple[str, str]]:
        """What the layers come to together, each with its name, as people read it."""
        found = [
            ("parameters", formats.count(self.parameters)),
            ("MACs", f"{formats.count(self.macs)} for one example"),
            ("FLOPs", f"{formats.count(self.flops)}, a product and a sum for each MAC"),
            ("activations", f"{formats.size(self.activation_bytes)} for one example"),
        ]
        if missing := self.not_priced:
            names = ", ".join(formats.plain(name or "the network itself") for name in missing)
            found.append(("not priced", names))
        if lost := self.not_followed:
            operations = ", ".join(sorted(set(lost.values())))
            found.append(("no field", f"{len(lost)} layers, after: {formats.plain(operations)}"))
        return found

    headings = _table.HEADINGS
    """Of the columns of `rows`."""

    @property
    def rows(self) -> list[tuple[str, ...]]:
        """The layers as people read them, one text per heading."""
        return [_table.cells(layer) for layer in self.layers]

    def __str__(self) -> str:
        table = _table.drawn(self.rows)
        return "\n".join([table, "", *(f"{name:<11}  {text}" for name, text in self.totals)])

    def to_json(self) -> dict[str, Any]:
        """Return the anatomy as plain data."""
        return {
            "parameters": self.parameters,
            "macs": self.macs,
            "flops": self.flops,
            "activation_bytes": self.activation_bytes,
            "not_priced": self.not_priced,
            "not_followed": self.not_followed,
            "layers": [_table.as_data(layer) for layer in self.layers],
        }

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
        return box(field, picture(self.inputs[of]) if of else self.axes, position)

    def picture(self, path: str | Path | None = None) -> Drawing:
        """Return the network as a picture, its data flowing down and branches side by side.

        A layer carries the normalization and the activation that follow it, and equal parts in a
        row are drawn once. The picture is SVG without scripts, for light and dark paper.

        Args:
            path: File to write it to.

        Raises:
            RunError: The file cannot be written.
        """
        shape = ", ".join(_table.times(tuple(each.shape[1:])) for each in self.inputs)
        parameters, macs = formats.count(self.parameters), formats.count(self.macs)
        totals = f"{shape} in, {parameters} parameters, {macs} multiply-accumulates"
        drawing = draw(self.blocks, formats.plain(self.title), totals)
        if path is not None:
            drawing.save(path)
        return drawing

    def training_memory(
        self, batch: int = 32, optimizer: str = "adamw", *, fused: bool = False, **options: Any
    ) -> TrainingMemory:
        """Return what one step of training holds, by what it is for.

        The step is taken without numbers, on torch's meta device, and every storage counted from
        the operation that makes it until it is freed. What a kernel takes for itself, and what
        the allocator keeps of freed memory, comes on top.

        Args:
            batch: Examples per step.
            optimizer: By name, as for `tw.fit`.
            fused: Whether one kernel updates all parameters; otherwise the update needs room
                for copies of the largest.
            **options: Constants of the optimizer.

        Raises:
            SettingError: The batch is no whole number, or there is no such optimizer.
            ShapeError: The network needs to look at numbers.
        """
        if not isinstance(batch, int) or isinstance(batch, bool) or batch < 1:
            got = formats.plain(repr(batch))
            raise SettingError(f"batch must be a whole number of at least 1, got {got}.")
        make = self._maker(optimizer, options)
        return training_memory(self.model, self.inputs, batch, optimizer, make, is_fused=fused)

    def largest_batch(
        self,
        memory: int | float | str,
        optimizer: str = "adamw",
        *,
        fused: bool = False,
        **options: Any,
    ) -> int:
        """Return the largest batch whose step of training fits; 0 where none does.

        Args:
            memory: Bytes, or such as "8 GiB".
            optimizer: By name, as for `tw.fit`.
            fused: As in `training_memory`.
            **options: Constants of the optimizer.

        Raises:
            SettingError: The memory is no amount, or there is no such optimizer.
            ShapeError: The network needs to look at numbers.
        """

        @cache
        def peak(batch: int) -> int:
            return self.training_memory(batch, optimizer, fused=fused, **options).peak

        return largest_batch(peak, parsed(memory))

    def _maker(self, optimizer: str, options: dict[str, Any]) -> Callable[[nn.Module], Any]:
        assert self._make_optimizer is not None, "who takes networks apart names the maker"
        # The rate says nothing about memory.
        return partial(self._make_optimizer, name=optimizer, learning_rate=1e-3, options=options)
