"""A forward pass and its backward pass, written down operation by operation.

Every function of torch that is called on the way becomes a node. Each of its inputs is handed
over as an alias of its own, so that the gradient that flows back along that one edge can be
told from what other users of the same tensor send.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_leaves, tree_map

from thalweg.autodiff._rules import operation_name

# Of a tensor's attributes, those that are tensors computed from it.
TURNED = {"T", "mT", "H", "mH", "real", "imag"}
# What must be done to the tensor itself and not to an alias.
RAW = {"register_hook", "retain_grad", "requires_grad_", "backward", "detach_", "__set__"}
# A module and how many times it had been called.
Call = tuple[str, int]


@dataclass
class Step:
    """An operation, or a tensor that was there before."""

    operation: str
    name: str
    calls: tuple[Call, ...]
    """The modules that were running, the outermost first."""
    shape: tuple[int, ...]
    value: Tensor
    gradients: list[Tensor] = field(default_factory=list)
    """That arrived at each of its outputs."""


@dataclass
class Link:
    """A tensor on its way from one step to another."""

    source: int
    target: int
    gradients: list[Tensor] = field(default_factory=list)
    """That came back along it."""


class Trace(TorchFunctionMode):
    """Writes down what runs inside it.

    Args:
        module: The one whose parameters and inner modules have names.
    """

    def __init__(self, module: nn.Module | None) -> None:
        super().__init__()
        self.steps: list[Step] = []
        self.links: list[Link] = []
        self.kinds: dict[str, str] = {}
        self._calls: list[Call] = []
        self._counts: dict[str, int] = {}
        self._names: dict[Tensor, str] = {}
        if module is not None:
            self._names |= {parameter: name for name, parameter in module.named_parameters()}
        self._step_of: dict[int, int] = {}
        self._by_node: dict[Any, int] = {}
        # A tensor that is gone would leave its identity to another.
        self._kept: list[Any] = []

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        """Run a function of torch and write it down, if a gradient can flow through it."""
        kwargs = kwargs or {}
        name = getattr(func, "__name__", "")
        if name == "__get__":
            name = getattr(getattr(func, "__self__", None), "__name__", "")
            if name not in TURNED:
                return func(*args, **kwargs)
        inputs = [each for each in tree_leaves((args, kwargs)) if isinstance(each, Tensor)]
        used = {id(each): each for each in inputs if each.requires_grad}
        if name in RAW or not used or not torch.is_grad_enabled():
            return func(*args, **kwargs)
        aliases = {key: each.view_as(each) for key, each in used.items()}
        versions = {key: each._version for key, each in aliases.items()}

        def handed(value: Any) -> Any:
            return aliases.get(id(value), value) if isinstance(value, Tensor) else value

        output = func(*tree_map(handed, args), **tree_map(handed, kwargs))
        written = [key for key, each in aliases.items() if each._version != versions[key]]
        originals = {id(aliases[key]): used[key] for key in written}

        def back(value: Any) -> Any:
            # An operation in place returns the tensor itself.
            return originals.get(id(value), value) if isinstance(value, Tensor) else value

        output = tree_map(back, output)
        leaves = [each for each in tree_leaves(output) if isinstance(each, Tensor)]
        made = [each for each in leaves if each.requires_grad] + [used[key] for key in written]
        results = {id(each): each for each in made}
        if results:
            self._write(operation_name(name), used, aliases, [*results.values()], set(written))
        return output

    def add(self, value: Tensor, operation: str, name: str) -> int:
        """Write down a tensor that was there before, and return its place."""
        step = Step(operation, name, tuple(self._calls), tuple(value.shape), value.detach().clone())
        self.steps.append(step)
        self._note(value, len(self.steps) - 1)
        return len(self.steps) - 1

    def place(self, value: Tensor) -> int:
        """Return the step that a tensor comes from; one that was not seen is looked up."""
        if id(value) in self._step_of:
            return self._step_of[id(value)]
        if value in self._names:
            return self.add(value, "parameter", self._names[value])
        if value.grad_fn is None:
            return self.add(value, "tensor", "")
        return self._adopt(value)

    @contextmanager
    def named(self, module: nn.Module | None) -> Iterator[None]:
        """Keep note of which module is running."""
        handles = []
        for name, each in module.named_modules() if module is not None else ():
            self.kinds[name] = type(each).__name__
            handles.append(each.register_forward_pre_hook(self._entering(name)))
            handles.append(each.register_forward_hook(self._leaving, always_call=True))
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()

    def _entering(self, name: str) -> Callable[..., None]:
        def enter(module: nn.Module, args: Any) -> None:
            self._counts[name] = self._counts.get(name, 0) + 1
            self._calls.append((name, self._counts[name]))

        return enter

    def _leaving(self, module: nn.Module, args: Any, output: Any) -> None:
        self._calls.pop()

    def _write(
        self,
        operation: str,
        used: dict[int, Tensor],
        aliases: dict[int, Tensor],
        results: list[Tensor],
        written: set[int],
    ) -> None:
        sources = {key: self.place(each) for key, each in used.items()}
        target = self.add(results[0], operation, "")
        for result in results[1:]:
            self._note(result, target)
        for key, source in sources.items():
            link = Link(source, target)
            self.links.append(link)
            if key not in written:
                aliases[key].register_hook(link.gradients.append)
                self._kept.append(aliases[key])

    def _note(self, value: Tensor, place: int) -> None:
        self._step_of[id(value)] = place
        self._kept.append(value)
        if value.grad_fn is not None:
            self._by_node[value.grad_fn] = place
        if value.requires_grad:
            value.register_hook(self.steps[place].gradients.append)

    def _adopt(self, value: Tensor) -> int:
        """Write down a tensor that came by no function of torch's, such as an autograd.Function."""
        node = value.grad_fn
        assert node is not None
        name = node.name().removesuffix("Backward").removesuffix("Backward0")
        place = self.add(value, name, "")
        links: list[Link | None] = []
        for following, _ in node.next_functions:
            source = self._known(following)
            links.append(None if source is None else Link(source, place))
        self.links += [each for each in links if each is not None]

        def passed(to_inputs: tuple[Tensor | None, ...], to_outputs: Any) -> None:
            for link, gradient in zip(links, to_inputs, strict=False):
                if link is not None and gradient is not None:
                    link.gradients.append(gradient)

        node.register_hook(passed)
        return place

    def _known(self, node: Any) -> int | None:
        """Return the step that autograd's node belongs to, or the nearest one before it."""
        if node is None:
            return None
        if node in self._by_node:
            return self._by_node[node]
        if hasattr(node, "variable"):
            return self.place(node.variable)
        found = [self._known(following) for following, _ in node.next_functions]
        return next((each for each in found if each is not None), None)
