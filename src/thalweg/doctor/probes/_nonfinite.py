"""Where NaN or infinity comes from, once a loss has it."""

import copy
from typing import Any

import torch
from torch import Tensor, nn

from thalweg._core import seeds
from thalweg.doctor.probes._constants import saved
from thalweg.doctor.probes._graph import Graph
from thalweg.doctor.probes._inputs import tensors_in
from thalweg.doctor.probes._losses import LossCall
from thalweg.doctor.record import FirstNonFinite


def locate(
    step: int,
    modules: dict[str, nn.Module],
    names: dict[int, str],
    given: Any,
    calls: list[LossCall],
    root_of_loss: Tensor,
) -> FirstNonFinite:
    """Return the first place along inputs, targets, parameters, modules and loss.

    Args:
        step: Counted from one.
        modules: The watched ones by path.
        names: Of the watched parameters, by identity.
        given: Arguments of the network's last call.
        calls: Loss functions called since.
        root_of_loss: What `backward` is called on.
    """
    if any(_is_wrong(each) and not _is_mask(each) for each in tensors_in(given)):
        return FirstNonFinite(step, "input", "input")
    if any(_is_wrong(call.target) for call in calls):
        return FirstNonFinite(step, "target", "target")
    root = modules.get("") or next(iter(modules.values()))
    for parameter in root.parameters():
        if _is_wrong(parameter):
            return FirstNonFinite(step, "parameter", names.get(id(parameter), "?"))
    found = _first_module(root, given)
    if found is not None:
        return FirstNonFinite(step, "forward", found)
    if any(_is_wrong(call.output) for call in calls):
        return FirstNonFinite(step, "forward", "the output")
    if not calls and _has_wrong_constant(root_of_loss):
        return FirstNonFinite(step, "target", "target")
    return FirstNonFinite(step, "loss", calls[-1].kind if calls else "loss")


def _first_module(root: nn.Module, given: Any) -> str | None:
    """Return the first module, on a copy, that gives what is not finite for what is."""
    try:
        double = copy.deepcopy(root)
    except (RuntimeError, TypeError, AttributeError):
        return None  # Some networks cannot be copied.
    found: list[str] = []

    def hook(path: str) -> Any:
        def look(module: nn.Module, given: Any, output: Any) -> None:
            came_finite = not any(_is_wrong(each) for each in tensors_in(given))
            if not found and came_finite and any(_is_wrong(each) for each in tensors_in(output)):
                found.append(path)

        return look

    for path, module in double.named_modules():
        module._forward_hooks.clear()
        module._forward_pre_hooks.clear()
        module.register_forward_hook(hook(path or type(double).__name__))
    with torch.no_grad(), seeds.isolated(0, "locate"):
        args, kwargs = given if given else ((), {})
        double(*args, **kwargs)
    return found[0] if found else None


def _is_wrong(values: Tensor) -> bool:
    values = values.detach()
    return values.is_floating_point() and not bool(values.isfinite().all())


def _is_mask(values: Tensor) -> bool:
    """Return whether these are the zeros and minus infinities that attention is masked with."""
    values = values.detach()
    return bool(((values == 0) | (values == -torch.inf)).all())


def _has_wrong_constant(root: Tensor) -> bool:
    """Return whether a loss that was written by hand meets a target that is not finite.

    The network's output is finite here. A difference from something fixed that is not finite, or
    a product with it, gives the target away.
    """
    graph = Graph(root, {}, {})
    for node, raw in zip(graph.nodes, graph.raw, strict=True):
        base = node.name.split("Backward")[0]
        below = graph.nodes[node.inputs[0]] if node.inputs else None
        if base in ("Pow", "Abs", "Mul", "Sqrt") and below is not None and len(below.inputs) == 1:
            error = saved(raw, "_saved_self")
            source = below.name.split("Backward")[0]
            if source in ("Sub", "Rsub") and error is not None and _is_wrong(error):
                return True
        if base == "Mul" and len(node.inputs) == 1:
            sides = [saved(raw, "_saved_self"), saved(raw, "_saved_other")]
            if any(each is not None and bool(each.isnan().any()) for each in sides):
                return True
    return False
