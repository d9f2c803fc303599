"""Looks on while a network runs: what every operation costs, sees and comes from."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.weak import WeakTensorKeyDictionary

from thalweg._anatomy import _constants, _products, _shapes
from thalweg._anatomy._states import Fields, State
from thalweg._anatomy.fields import (
    Call,
    Field,
    UntraceableError,
    ValuesNeededError,
    seen,
    tensors_in,
)

META = torch.device("meta")
ELSEWHERE = "numbers computed outside torch"
Operation = Callable[[Call, list[State], list[State], int | None], None]
"""Told of every operation: the call, what is known of its arguments and outputs, and its MACs."""


class Tracer(TorchDispatchMode):
    """Follows every tensor of a network through one pass.

    Args:
        inputs: The examples, in batches of one.
        learned: The parameters.
        constants: Other tensors that the network holds.
        onlooker: Told of every operation that may matter.
    """

    def __init__(
        self,
        inputs: list[Tensor],
        learned: list[Tensor],
        constants: list[Tensor],
        onlooker: Operation,
    ) -> None:
        super().__init__()
        self._states: Any = WeakTensorKeyDictionary()
        self._onlooker = onlooker
        self._is_meta = any(each.device == META for each in [*inputs, *learned])
        for at, tensor in enumerate(inputs):
            field = Field.of_input(tuple(tensor.shape))
            self._states[tensor] = State(tuple(tensor.shape), {at: field} if field.bounds else {})
        for parameter in learned:
            self._states[parameter] = State(tuple(parameter.shape), is_learned=True)
        for constant in constants:
            if constant not in self._states:
                value = None if constant.device == META else constant
                self._states[constant] = State(tuple(constant.shape), value=value)

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        # To skip it, torch imports it, which takes two seconds.
        return False

    def state(self, tensor: Tensor) -> State:
        """Return what is known of a tensor.

        One never seen before is a constant; with real numbers it may as well have been made from
        the input by another library, behind torch's back.
        """
        if tensor not in self._states:
            unknown = None if self._is_meta or tensor.ndim == 0 else ELSEWHERE
            value = None if tensor.device == META else tensor
            self._states[tensor] = State(tuple(tensor.shape), unknown=unknown, value=value)
        return self._states[tensor].read()

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        kwargs = kwargs or {}
        if torch._C._dispatch_has_kernel_for_dispatch_key(func.name(), "CompositeImplicitAutograd"):
            # Inside `torch.inference_mode` these come whole.
            with self:
                found = func.decompose(*args, **kwargs)
            if found is not NotImplemented:
                return found
        result = self._run(func, args, kwargs)
        if func._schema.name == "aten::lift_fresh":
            # Whole numbers are written down by the program; others may come from NumPy.
            if not result.is_floating_point():
                self._states[result] = State(tuple(result.shape), value=result)
            return result
        outputs = tensors_in(result)
        named = _by_name(func, args, kwargs)
        if outputs:
            self._follow(func, named, outputs)
        return result

    def _run(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Run an operation, constants together with tensors that have no numbers."""
        if not self._is_meta:
            return func(*args, **kwargs)
        given = [t for value in (*args, *kwargs.values()) for t in tensors_in(value)]
        if any(tensor.device == META for tensor in given):
            args = tuple(_on_meta(each) for each in args)
            known = None if kwargs else _shapes.result(func, args)
            if known is not None:
                return known
            return func(*args, **{name: _on_meta(each) for name, each in kwargs.items()})
        return func(*args, **kwargs)

    def _follow(self, func: Any, args: dict[str, Any], outputs: list[Tensor]) -> None:
        given = [t for value in args.values() for t in tensors_in(value)]
        states = [self.state(tensor) for tensor in given]
        fields, unknown = self._fields(func, args, outputs, states)
        call = Call(func, args, outputs, lambda tensor: None)
        known = {id(tensor): state for tensor, state in zip(given, states, strict=True)}
        is_resized = call.name in ("resize", "resize_as")
        is_view = (func.is_view or torch.Tag.inplace_view in func.tags) and not is_resized
        is_change = func._schema.is_mutable and not is_view
        for at, (output, found) in enumerate(zip(outputs, fields, strict=True)):
            new = State(
                tuple(output.shape),
                found,
                unknown,
                is_learned=bool(states) and all(each.is_learned for each in states),
                value=_constants.value(call, known, at),
                hidden=_constants.hidden(call, known, at) if found else None,
                sources=frozenset().union(*(each.sources for each in states)),
            )
            known_as = self._states.get(output)
            # One that has been given another size is a new one.
            if is_change and known_as is not None and known_as.shape == new.shape:
                known_as.read().write(new)
                continue
            if is_view and given:
                new.base, new.seen = states[0], states[0].version
                new.look = _look(func, args, at)
            self._states[output] = new
        self._onlooker(call, states, [self.state(each) for each in outputs], _products.macs(call))

    def _fields(
        self, func: Any, args: dict[str, Any], outputs: list[Tensor], states: list[State]
    ) -> tuple[list[Fields], str | None]:
        """Return what each output sees of each input, and why that is unknown, if it is."""
        unknown = next((each.unknown for each in states if each.unknown), None)
        found: list[Fields] = [{} for _ in outputs]
        if unknown:
            return found, unknown
        for at in sorted({at for each in states for at in each.fields}):
            call = Call(
                func,
                args,
                outputs,
                field=lambda tensor, at=at: self.state(tensor).fields.get(at),
                value=self._value,
                hidden=lambda tensor: self.state(tensor).hidden,
            )
            try:
                fields = seen(call)
            except ValuesNeededError:
                raise
            except (UntraceableError, LookupError, RuntimeError, TypeError, ValueError):
                # An operation that a rule was not made for must not keep the rest from view.
                return [{} for _ in outputs], call.name
            for each, field in zip(found, fields, strict=True):
                if field is not None:
                    each[at] = field
        return found, None

    def _value(self, tensor: Tensor) -> Tensor:
        value = self.state(tensor).value
        if value is not None:
            return value.cpu()
        if tensor.device == META:
            raise ValuesNeededError
        return tensor.cpu()


def _look(func: Any, args: dict[str, Any], at: int) -> Callable[[Field], Field]:
    """Return what a view sees of what its base sees."""
    given, *_ = args

    def look(field: Field) -> Field:
        base = torch.empty(field.shape, device=META)
        replaced = {**args, given: base}
        found = seen(Call(func, replaced, tensors_in(func(**replaced)), lambda _: field))[at]
        assert found is not None
        return found

    return look


def _by_name(func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
    names = [each.name for each in func._schema.arguments]
    return {**dict(zip(names, args, strict=False)), **kwargs}


def _on_meta(value: Any) -> Any:
    if isinstance(value, Tensor):
        return value if value.device == META else value.to(META)
    if isinstance(value, (list, tuple)):
        return type(value)(_on_meta(each) for each in value)
    return META if isinstance(value, torch.device) else value
