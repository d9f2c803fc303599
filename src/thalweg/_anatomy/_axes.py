"""Along which axes of an example receptive fields are given."""

from torch import Tensor

from thalweg._anatomy._parts import Part
from thalweg._anatomy.fields import Field


def axes_of(example: Tensor, parts: list[Part]) -> tuple[int, ...]:
    """Return the axes of an example along which it is a picture, a series or a volume.

    Channels come first. Of two axes either may be time: it is the one along which the first
    layer with weights does not mix everything.
    """
    if example.ndim != 3:
        return picture(example)
    for part in parts:
        field = part.fields.get(0)
        if part.is_whole and part.macs and field is not None:
            moving = [axis for axis in (0, 1) if _moves(field, axis)]
            slides = hasattr(part.module, "kernel_size")
            return (moving[0],) if len(moving) == 1 else (int(slides),)
    return (1,)


def _moves(field: Field, axis: int) -> bool:
    return any(bound.numel() > 1 for bound in field.bounds[2 * axis : 2 * axis + 2])


def picture(example: Tensor) -> tuple[int, ...]:
    """Return the axes of an example that are no channels."""
    return (0,) if example.ndim == 2 else tuple(range(1, example.ndim - 1))
