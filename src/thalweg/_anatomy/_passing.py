"""One pass of one example through a network, in which nothing of the network is changed."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, TypeVar, cast

import torch
from torch import Tensor, nn

from thalweg._anatomy.fields import ValuesNeededError
from thalweg._core import formats, seeds
from thalweg.errors import ShapeError, ThalwegError

META = torch.device("meta")
# What a network may raise about inputs that do not fit it, or that have no numbers.
REFUSALS = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    NotImplementedError,
    RuntimeError,
    TypeError,
    ValueError,
    ValuesNeededError,
)
T = TypeVar("T")
Pass = Callable[[list[Tensor], list[Tensor], Callable[[], Any]], T]


def passed(model: nn.Module, inputs: list[Tensor], look: Pass[T]) -> T:
    """Return what is seen of one pass in evaluation mode.

    It goes without numbers, and so without memory and in no time, on torch's meta device. Only
    a network that needs to look at numbers gets some: zeros, unless the user gave an example.
    Its weights, buffers, modes and the global random state stay as they are.

    Args:
        model: The network.
        inputs: Of one example; those on the meta device stand for any numbers.
        look: Gets the inputs, the parameters and what runs the pass.

    Raises:
        ShapeError: The network cannot take such inputs.
    """
    parameters = dict(model.named_parameters())
    try:
        return _passed(model, [each.to(META) for each in inputs], look, on_meta=True)
    except REFUSALS:
        device = next((each.device for each in parameters.values()), torch.device("cpu"))
    if device == META:
        # There are no weights: what was refused without numbers is refused.
        return _explained(model, inputs, look, on_meta=True)
    real = [
        each if each.device != META else torch.zeros_like(each, device=device) for each in inputs
    ]
    return _explained(model, [each.to(device) for each in real], look, on_meta=False)


def _explained(model: nn.Module, inputs: list[Tensor], look: Pass[T], *, on_meta: bool) -> T:
    try:
        return _passed(model, inputs, look, on_meta=on_meta)
    except REFUSALS as error:
        if isinstance(error, ThalwegError):
            raise
        shapes = ", ".join(str(tuple(each.shape)) for each in inputs)
        line = formats.plain(str(error).strip().partition("\n")[0] or type(error).__name__)
        noun = "shape" if len(inputs) == 1 else "shapes"
        raise ShapeError(f"the network cannot take inputs of {noun} {shapes}: {line}") from error


def _passed(model: nn.Module, inputs: list[Tensor], look: Pass[T], *, on_meta: bool) -> T:
    """Run the pass on copies of everything that it might write to."""
    parameters = {
        each: nn.Parameter(torch.empty_like(each, device=META), each.requires_grad)
        if on_meta
        else each
        for each in model.parameters()
    }
    # Buffers keep their numbers: masks and positions lie there.
    buffers = {each: each.clone() for each in model.buffers()}
    with undisturbed(model), replaced(model, {**parameters, **buffers}):
        return look(inputs, list(parameters.values()), lambda: model(*inputs))


@contextmanager
def replaced(model: nn.Module, stand_ins: dict[Tensor, Tensor]) -> Iterator[None]:
    """Put others in the place of parameters and buffers while the block runs.

    `torch.func.functional_call` would do, but it parts weights that are shared.
    """
    kept = []
    for module in model.modules():
        for group in (module._parameters, module._buffers):
            for name, tensor in group.items():
                if tensor is not None:
                    kept.append((group, name, tensor))
                    group[name] = cast("Any", stand_ins[tensor])
    flat = [module for module in model.modules() if isinstance(module, nn.RNNBase)]
    try:
        _gather_flat(flat)
        yield
    finally:
        for group, name, tensor in kept:
            group[name] = tensor
        _gather_flat(flat)


def _gather_flat(modules: list[nn.RNNBase]) -> None:
    """Let recurrent layers look up again the weights that they keep a list of."""
    for module in modules:
        module._flat_weights = [getattr(module, name) for name in module._flat_weights_names]


@contextmanager
def undisturbed(model: nn.Module) -> Iterator[None]:
    """Evaluate in the block; modes and the global random state are as before after it."""
    modes = [(module, module.training) for module in model.modules()]
    fast_attention = torch.backends.mha.get_fastpath_enabled()
    fast_others = torch._C._get_mkldnn_enabled()
    model.eval()
    try:
        with ExitStack() as stack:
            stack.enter_context(torch.no_grad())
            stack.enter_context(seeds.isolated(0, "anatomy"))
            # Kernels that do several operations at once would hide them.
            torch._C._set_mkldnn_enabled(False)
            torch.backends.mha.set_fastpath_enabled(False)
            yield
    finally:
        torch._C._set_mkldnn_enabled(fast_others)
        torch.backends.mha.set_fastpath_enabled(fast_attention)
        for module, mode in modes:
            module.training = mode
