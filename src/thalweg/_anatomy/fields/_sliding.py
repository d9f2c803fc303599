"""Rules of the operations that slide windows."""

from functools import partial
from typing import Any

import torch
import torch.nn.functional as F

from thalweg._anatomy.fields._call import Call, Rule
from thalweg._anatomy.fields._field import Field, union
from thalweg._anatomy.fields._windows import Windows, across, per_dimension, slide


def convolution(call: Call) -> Field | None:
    """Windows over the input, and all channels of a group."""
    args, (output,) = call.args, call.outputs
    field, weight = call.field(args["input"]), args["weight"]
    if field is not None:
        for at, dim in enumerate(range(2, output.ndim)):
            windows = Windows.transposed if args["transposed"] else Windows.regular
            numbers = [args[name][at] for name in ("stride", "padding", "dilation")]
            made = windows(output.shape[dim], weight.shape[dim], *numbers)
            field = slide(field, dim, made)
        field = across(field, 1, args["groups"], output.shape[1])
    # Weights that are themselves computed from the input: each output may see all that they do.
    made = [each and _all(each) for each in call.sees("weight", "bias")]
    return union([field, *made], output.shape)


def _all(field: Field) -> Field:
    whole = field.mixed(range(len(field.shape)))
    return whole.without(range(len(field.shape)))


def pool(call: Call, dims: int) -> Field | None:
    """Windows over the last dimensions."""
    args, output = call.args, call.outputs[0]
    field = call.field(args["self"])
    if field is None:
        return None
    sizes = per_dimension(args["kernel_size"], dims, 1)
    strides = per_dimension(args.get("stride"), dims, 0)
    paddings = per_dimension(args.get("padding"), dims, 0)
    dilations = per_dimension(args.get("dilation"), dims, 1)
    for at in range(dims):
        outputs = output.shape[at - dims]
        stride = strides[at] or sizes[at]
        made = Windows.regular(outputs, sizes[at], stride, paddings[at], dilations[at])
        field = slide(field, at - dims, made)
    return field


def adaptive_pool(call: Call, dims: int) -> Field | None:
    """As many windows as there are outputs, of the sizes that come out even."""
    field, output = call.field(call.args["self"]), call.outputs[0]
    if field is not None:
        for dim in range(-dims, 0):
            field = slide(field, dim, Windows.adaptive(output.shape[dim], field.shape[dim]))
    return field


def pad(call: Call) -> Field | None:
    """A border that sees nothing; a negative one cuts."""
    field, widths = call.field(call.args["self"]), call.args["pad"]
    if field is not None:
        for at in range(len(widths) // 2):
            before, after = widths[2 * at], widths[2 * at + 1]
            outputs = field.shape[-1 - at] + before + after
            field = slide(field, -1 - at, Windows.regular(outputs, 1, padding=before))
    return field


def repeating_pad(call: Call, dims: int) -> Field | None:
    """A border made of the outermost units, mirrored or repeated."""
    field, widths = call.field(call.args["self"]), call.args["padding"]
    if field is None:
        return None
    mode = "reflect" if "reflection" in call.name else "replicate"
    for at in range(dims):
        before, after = widths[2 * at], widths[2 * at + 1]
        length = field.shape[-1 - at]
        positions = torch.arange(length, dtype=torch.double)[None]
        taps = F.pad(positions, (before, after), mode=mode).long().T
        windows = Windows(taps, torch.ones_like(taps, dtype=torch.bool), (-before, -before), 1)
        field = slide(field, -1 - at, windows)
    return field


def resize(call: Call, dims: int) -> Field | None:
    """What each unit contributes is read off what the same operation makes of single ones."""
    given = next(iter(call.args))
    field, output = call.field(call.args[given]), call.outputs[0]
    if field is None:
        return None
    for at, dim in enumerate(range(-dims, 0)):
        length, outputs = field.shape[dim], output.shape[dim]
        ones = torch.eye(length, dtype=torch.double).view(1, length, *_along(at, dims, length))
        # Two alike along the others: of pictures one pixel wide, torch smooths the wrong side.
        ones = ones.expand(1, length, *_along(at, dims, length, 2)).contiguous()
        chosen = _one_dimension(call.args, given, at, dims, outputs)
        weights = call.func(ones, **chosen).movedim(2 + at, 2).reshape(length, outputs, -1)
        field = slide(field, dim, Windows.weighted(weights[..., 0]))
    return field


def _one_dimension(
    args: dict[str, Any], given: str, at: int, dims: int, outputs: int
) -> dict[str, Any]:
    """Return the arguments that resize one dimension and leave the others at length one."""
    chosen = {name: value for name, value in args.items() if name != given}
    factors = chosen.get("scale_factors")
    if factors:
        chosen["scale_factors"] = _along(at, dims, factors[at], 1.0)
    else:
        chosen["output_size"] = _along(at, dims, outputs, 2)
    scales = [name for name in chosen if name.startswith("scales")]
    for position, name in enumerate(scales):
        chosen[name] = chosen[name] if position == at else None
    return chosen


def _along(at: int, dims: int, value: Any, other: Any = 1) -> list[Any]:
    return [value if each == at else other for each in range(dims)]


RULES: dict[str, Rule] = {"convolution": convolution, "constant_pad_nd": pad}
for _dims in (1, 2, 3):
    RULES |= {
        f"max_pool{_dims}d": partial(pool, dims=_dims),
        f"max_pool{_dims}d_with_indices": partial(pool, dims=_dims),
        f"avg_pool{_dims}d": partial(pool, dims=_dims),
        f"adaptive_avg_pool{_dims}d": partial(adaptive_pool, dims=_dims),
        f"_adaptive_avg_pool{_dims}d": partial(adaptive_pool, dims=_dims),
        f"adaptive_max_pool{_dims}d": partial(adaptive_pool, dims=_dims),
        f"reflection_pad{_dims}d": partial(repeating_pad, dims=_dims),
        f"replication_pad{_dims}d": partial(repeating_pad, dims=_dims),
        f"upsample_nearest{_dims}d": partial(resize, dims=_dims),
        f"_upsample_nearest_exact{_dims}d": partial(resize, dims=_dims),
    }
for _name in ("upsample_bilinear2d", "upsample_bicubic2d"):
    RULES |= {_name: partial(resize, dims=2), f"_{_name}_aa": partial(resize, dims=2)}
RULES |= {
    "upsample_linear1d": partial(resize, dims=1),
    "upsample_trilinear3d": partial(resize, dims=3),
}
