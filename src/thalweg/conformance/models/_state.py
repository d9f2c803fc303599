"""State: everything that makes the network what it is can be found, saved, moved and loaded."""

from collections.abc import Iterator
from typing import Any

import safetensors.torch
import torch
from torch import Tensor, nn

from thalweg.conformance._suite import NotApplicable, Verdict, told
from thalweg.conformance.models._case import MODEL, ModelCase, answer, objective, same

# Lists within lists, as deep as anybody keeps modules.
DEEPEST = 3
# What `nn.Module` itself keeps.
_OWN = frozenset(vars(nn.Module()))


@MODEL.check(
    "Use register_buffer for tensors, nn.ModuleList or nn.ModuleDict for modules, "
    "nn.ParameterList for parameters."
)
def check_registered(case: ModelCase) -> Verdict:
    """Every tensor and module that it keeps is registered, and so moved, saved and trained."""
    model = case.copy()
    registered = {id(each) for each in (*model.parameters(), *model.buffers(), *model.modules())}
    for path, module in model.named_modules():
        for name, value in vars(module).items():
            if name in _OWN:
                continue
            for kept in _kept(value):
                if id(kept) not in registered:
                    where = f"{path}.{name}" if path else name
                    kind = "a tensor" if isinstance(kept, Tensor) else f"a {type(kept).__name__}"
                    return f"{where!r} holds {kind} that is not."
    return None


@MODEL.check("Keep what forward needs in parameters and persistent buffers, and nowhere else.")
def check_state_dict(case: ModelCase) -> Verdict:
    """A trained state dict, through safetensors, gives an untrained copy the same bits."""
    trained, other = case.copy(training=True), case.copy()
    for seed in (0, 1):
        take_step(trained, case.inputs, seed)
    state = trained.eval().state_dict()
    for name, value in state.items():
        if not isinstance(value, Tensor):
            return f"{name!r} is of type {type(value).__name__}, which safetensors cannot hold."
    # Tied weights are written once for each name, which the format wants to be separate.
    content = safetensors.torch.save({name: each.clone() for name, each in state.items()})
    other.load_state_dict(safetensors.torch.load(content))
    if not same(answer(other, case.inputs), answer(trained, case.inputs)):
        return "other outputs after loading."
    return None


@MODEL.check("Tie weights by assigning one parameter to both modules, once, in __init__.")
def check_tied_weights(case: ModelCase) -> Verdict:
    """Parameters under several names are one in a copy too, after a step and after loading."""
    ties = _ties(case.original)
    if not ties:
        return NotApplicable("no parameter has two names")
    model, other = case.copy(training=True), case.copy()
    take_step(model, case.inputs)
    other.load_state_dict(model.state_dict())
    for each in (model, other):
        named = dict(each.named_parameters(remove_duplicate=False))
        for first, second in ties:
            if named[first] is not named[second] or not same(named[first], named[second]):
                return f"{first!r} and {second!r} came apart."
    return None


@MODEL.check("Make tensors in forward with device=x.device, or with x.new_zeros and the like.")
def check_stays_on_device(case: ModelCase) -> Verdict:
    """What forward makes lies where its inputs lie: nothing is left behind on the CPU.

    Shown on the device "meta", where tensors have shapes and no values.
    """
    model, inputs = case.copy().to("meta"), case.inputs.to("meta")
    try:
        output = answer(model, inputs)
    except (RuntimeError, NotImplementedError) as error:
        if any(each in str(error) for each in ("same device", "expected device meta")):
            return told(error)
        return NotApplicable("forward reads values, which the device 'meta' does not have")
    return None if output.is_meta else f"an output on {output.device} from inputs on meta."


def take_step(model: nn.Module, inputs: Tensor, seed: int = 0) -> None:
    """Take a step of plain gradient descent on an objective of no meaning."""
    trainable = [each for each in model.parameters() if each.requires_grad]
    torch.manual_seed(seed)
    output = model(inputs)
    if output.requires_grad:
        objective(output).backward()
        torch.optim.SGD(trainable, lr=0.01).step()


def _kept(value: Any, depth: int = DEEPEST) -> Iterator[Tensor | nn.Module]:
    """Yield the tensors and modules in a value, its lists and its dictionaries."""
    if isinstance(value, (Tensor, nn.Module)):
        yield value
    elif isinstance(value, (list, tuple, set, dict)) and depth > 0:
        for each in value.values() if isinstance(value, dict) else value:
            yield from _kept(each, depth - 1)


def _ties(model: nn.Module) -> list[tuple[str, str]]:
    """Return the pairs of names that stand for one parameter."""
    first: dict[int, str] = {}
    pairs = []
    for name, parameter in model.named_parameters(remove_duplicate=False):
        if id(parameter) in first:
            pairs.append((first[id(parameter)], name))
        first.setdefault(id(parameter), name)
    return pairs
