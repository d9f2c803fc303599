"""A network taken apart: one pass, looked at module by module and operation by operation."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from torch import Tensor, nn

from thalweg._anatomy import _products
from thalweg._anatomy._boxes import Boxes
from thalweg._anatomy._parts import Part, first_tensor, is_of_torch, parts, tensors
from thalweg._anatomy._states import State
from thalweg._anatomy._tracer import Tracer
from thalweg._anatomy.fields import Call

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
        self.parts = list(parts(model))
        self.boxes = Boxes()
        self._running: list[Part] = []
        self._tracer: Tracer | None = None

    def look(
        self, inputs: list[Tensor], learned: list[Tensor], run: Callable[[], Any]
    ) -> "Observation":
        """Watch a pass, and return itself."""
        self._tracer = Tracer(inputs, learned, self._note)
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
        self._running.append(part)

    def _leave(self, part: Part, module: nn.Module, args: Any, kwargs: Any, output: Any) -> None:
        assert self._tracer is not None
        # An error in a module that its own caller catches leaves it on the pile.
        while self._running.pop() is not part:
            pass
        first = first_tensor(output)
        state = None if first is None else self._tracer.state(first)
        part.leave(output, state)
        if part.is_whole and state is not None:
            box = self.boxes.of_part(part, state.sources)
            for tensor in tensors(output):
                self._tracer.state(tensor).sources = frozenset({box})

    def _note(self, call: Call, given: list[State], made: list[State], price: int | None) -> None:
        """Take note of an operation, for the innermost module that runs it."""
        if not self._running:
            return
        part = self._running[-1]
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


def observe(model: nn.Module) -> Callable[..., Observation]:
    """Return what watches a pass through a network."""
    return lambda *given: Observation(model).look(*given)
