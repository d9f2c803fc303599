"""A network taken apart: one pass, looked at module by module and operation by operation."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from thalweg._anatomy import _products
from thalweg._anatomy._boxes import Boxes
from thalweg._anatomy._inputs import examples
from thalweg._anatomy._parts import Part, first_tensor, is_of_torch, parts, tensors
from thalweg._anatomy._passing import passed
from thalweg._anatomy._states import State
from thalweg._anatomy._tracer import ELSEWHERE, Tracer
from thalweg._anatomy.fields import Call
from thalweg.errors import ShapeError

# Functions that are drawn as the layers of the same name would be.
ACTIVATIONS = {
    "relu": "ReLU",
    "leaky_relu": "LeakyReLU",
    "hardtanh": "ReLU6",
    "hardswish": "Hardswish",
    "gelu": "GELU",
    "silu": "SiLU",
    "elu": "ELU",
    "tanh": "Tanh",
    "sigmoid": "Sigmoid",
    "_softmax": "Softmax",
    "_safe_softmax": "Softmax",
}


class Observation:
    """What one pass shows of the parts of a network."""

    def __init__(self, model: nn.Module) -> None:
        self.model = model
        self.parts = list(parts(model))
        self.boxes = Boxes()
        self._running: list[tuple[Part, int]] = []
        """The modules that run now, with the losses that there were when each began."""
        self._losses = 0
        """How often numbers came from elsewhere than torch."""
        self._tracer: Tracer | None = None

    def look(
        self, inputs: list[Tensor], learned: list[Tensor], run: Callable[[], Any]
    ) -> "Observation":
        """Watch a pass, and return itself."""
        constants = [
            each
            for module in self.model.modules()
            for held in (*module._buffers.values(), *vars(module).values())
            for each in tensors(held)
        ]
        self._tracer = Tracer(inputs, learned, constants, self._note)
        for tensor in inputs:
            box = self.boxes.of_input(tuple(tensor.shape[1:]))
            self._tracer.state(tensor).sources = frozenset({box})
        with self._hooked(), self._tracer:
            run()
        return self

    @contextmanager
    def _hooked(self) -> Iterator[None]:
        handles = []
        for part in self.parts:
            enter, leave = partial(self._enter, part), partial(self._leave, part)
            handles.append(part.module.register_forward_pre_hook(enter))
            handles.append(part.module.register_forward_hook(leave, with_kwargs=True))
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()

    def _enter(self, part: Part, module: nn.Module, args: Any) -> None:
        self._running.append((part, self._losses))

    def _leave(self, part: Part, module: nn.Module, args: Any, kwargs: Any, output: Any) -> None:
        assert self._tracer is not None
        # An error in a module that its own caller catches leaves it on the pile.
        while (running := self._running.pop())[0] is not part:
            pass
        first = first_tensor(output)
        state = None if first is None else self._tracer.state(first)
        part.leave(output, state)
        is_lost = state is not None and state.unknown == ELSEWHERE
        # Named is the innermost module that lost sight of its input, not all around and after it.
        if (
            is_lost
            and running[1] == self._losses
            and not self._were_lost([*args, *kwargs.values()])
        ):
            part.not_priced.add(ELSEWHERE)
            self._losses += 1
        if part.is_whole and state is not None:
            box = self.boxes.of_part(part, state.sources)
            for tensor in tensors(output):
                self._tracer.state(tensor).sources = frozenset({box})

    def _were_lost(self, given: list[Any]) -> bool:
        """Return whether what a call was given could not be followed either."""
        assert self._tracer is not None
        return any(self._tracer.state(each).unknown for each in tensors(given))

    def _note(self, call: Call, given: list[State], made: list[State], price: int | None) -> None:
        """Take note of an operation, for the innermost module that runs it."""
        if not self._running:
            return
        part, _ = self._running[-1]
        reads_input = any(each.fields or each.unknown for each in given)
        if price is None:
            if reads_input:
                part.not_priced.add(call.name)
        else:
            part.macs += price
        if (
            call.name in _products.LEARNED
            and reads_input
            and any(each.is_learned for each in given)
            and not is_of_torch(part.module)
        ):
            part.has_weights_apart = True
        if not part.is_whole:
            self._join(part, call, given, made, is_product=bool(price))

    def _join(
        self, part: Part, call: Call, given: list[State], made: list[State], *, is_product: bool
    ) -> None:
        """Draw a box where branches meet, or where a module multiplies by itself."""
        branches = {each.sources for each in given if each.sources}
        if not branches or not (is_product or len(branches) > 1 or call.name in ACTIVATIONS):
            return
        role = "weights" if is_product else "join" if len(branches) > 1 else "small"
        shape = tuple(call.outputs[0].shape[1:])
        kind = ACTIVATIONS.get(call.name, call.name)
        sources = frozenset().union(*branches)
        box = self.boxes.of_operation(part.name, kind, shape, sources, role)
        for state in made:
            state.sources = frozenset({box})


def observed_with(
    model: nn.Module, given: Any, dtype: torch.dtype | None
) -> tuple[list[Tensor], Observation]:
    """Run the pass; a shape alone may be that of whole numbers, as for a table of words."""

    def look(*given: Any) -> Observation:
        # A pass that was broken off has left its marks.
        return Observation(model).look(*given)

    inputs = examples(model, given, dtype)
    try:
        return inputs, passed(model, inputs, look)
    except ShapeError as error:
        is_shape = dtype is None and not any(isinstance(each, Tensor) for each in _listed(given))
        if not is_shape or "Long" not in str(error):
            raise
        inputs = examples(model, given, torch.long)
        return inputs, passed(model, inputs, look)


def _listed(given: Any) -> list[Any]:
    return list(given) if isinstance(given, (list, tuple)) else [given]
