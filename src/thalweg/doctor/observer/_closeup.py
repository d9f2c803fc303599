"""A step, looked at closely: modules, the graph of the loss, what the loss compared."""

from typing import Any

from torch import Tensor, nn

from thalweg.doctor.observer._examples import Examples
from thalweg.doctor.observer._inventory import Inventory
from thalweg.doctor.observer._window import Window
from thalweg.doctor.probes import _inputs, _links, _losses, _modules, _nonfinite, _saved_losses
from thalweg.doctor.probes._graph import Graph
from thalweg.doctor.probes._losses import LossCall
from thalweg.doctor.probes._moments import Range
from thalweg.doctor.record import Glance, Record
from thalweg.doctor.trials._on_copies import try_on_copies
from thalweg.doctor.trials._specimen import Specimen

# Under which an operation keeps in which sampled step it was met, and the one that gave a loss when
# its backward pass was. Notes stay with a graph, so that none has to be kept alive for comparison.
NOTE, BACKWARD_NOTE = "thalweg sampled step", "thalweg step"


class CloseUp:
    """Writes samples, one at a time, into the window of their step.

    Args:
        record: Where facts go that outlive the sample.
        inventory: Names of modules and parameters.
        examples: Those trained on.
        takes_specimen: Whether to copy network and batch at the first step, for trials.
    """

    def __init__(
        self,
        record: Record,
        inventory: Inventory,
        examples: Examples,
        takes_specimen: bool = False,
    ) -> None:
        self.record = record
        self.inventory = inventory
        self.examples = examples
        self.silent: dict[str, Range] = {}
        self.ranges: dict[tuple[str, int], Range] = {}
        self.shift: int | None = None
        """Axis along which the targets follow in the inputs, in the last sample."""
        self.given: tuple[nn.Module, Any] | None = None
        """The module called in the last sample, and its arguments."""
        self.takes_specimen = takes_specimen
        self.specimen: Specimen | None = None

    def add_module(
        self, window: Window, path: str, given: Any, output: Any, is_watched: bool
    ) -> None:
        """Take note of what a module has given."""
        facts = self.record.modules[path]
        if facts.order < 0:
            facts.order = sum(each.order >= 0 for each in self.record.modules.values())
        facts.calls += 1
        for each in _inputs.tensors_in(output)[:1]:
            if each.grad_fn is not None:
                window.producers.setdefault(each.grad_fn, path)
        seen = self.silent.setdefault(path, Range())
        module = self.inventory.modules[path]
        found = _modules.activity(module, facts, given, output, seen, window.measured)
        if facts.parameters or facts.family == "dropout":
            found.input_spread = _modules.spread(given, window.batch, True)
        if is_watched:
            found.output_spread = _modules.spread(output, window.batch)
            for each in _inputs.tensors_in(output):
                if each.grad_fn is not None:
                    window.outputs[each.grad_fn] = each.detach()
        window.opened().modules[path] = found

    def look(self, window: Window, root: Tensor) -> None:
        """Look at the graph of a loss and at what it was computed from."""
        sample = window.opened()
        self.record.graphs += 1
        if root.grad_fn is None:
            self.record.leaf_losses += 1
        else:
            window.graph = self._walk(window, root)
            sample.activations = window.graph.activations(self.ranges)
            if not window.calls:
                self._find_loss(window, root, window.graph)
        for call in window.calls:
            found = _losses.facts(call, window.measured)
            self._link(window, call)
            if window.graph is not None:
                found.node = window.graph.place(call.value)
            sample.losses.append(found)
        if window.entry is not None and len(window.inputs) == 1:
            self.given = (window.entry, window.inputs[0])
        for given in window.inputs:
            for each in _inputs.tensors_in(given)[:2]:
                sample.inputs.append(_inputs.facts(each, window.measured))
        for inputs in sample.inputs[:1]:
            self.examples.add(inputs.rows)
        self._take_specimen(window)

    def _walk(self, window: Window, root: Tensor) -> Graph:
        is_first = not self.record.graph
        graph = Graph(root, self.inventory.names, window.producers, is_detailed=is_first)
        for name in graph.parameters() & set(self.record.parameters):
            self.record.parameters[name].reached += 1
        if is_first:
            self.record.graph = graph.nodes
        if not graph.is_whole:
            self.record.limits["graph"] = "the loss graph is too large to be walked"
        self.inventory.note_strangers(graph)
        self._note_old(graph)
        return graph

    def _note_old(self, graph: Graph) -> None:
        """Note whether operations of this graph were in one before an earlier step."""
        is_old = False
        for node, raw in zip(graph.nodes, graph.raw, strict=True):
            if node.inputs:
                is_old |= raw.metadata.setdefault(NOTE, self.record.count) != self.record.count
        self.record.repeated_graphs += is_old

    def note_repeated(self, root: Tensor, step: int) -> None:
        """Note whether gradients of a loss were computed in an earlier step already."""
        if root.grad_fn is not None:
            notes: Any = root.grad_fn.metadata
            self.record.repeated_backwards += notes.setdefault(BACKWARD_NOTE, step) != step

    def _find_loss(self, window: Window, root: Tensor, graph: Graph) -> None:
        """Read a loss off the graph, where none of torch's functions was seen to be called."""
        window.calls = _saved_call(graph, root)
        if window.calls:
            return
        own = _saved_losses.own_loss(graph, window.outputs)
        if own is not None:
            form, output, target = own
            call = LossCall("custom", output, target, (), {}, root)
            found = _losses.facts(call, window.measured)
            found.form = form
            window.opened().losses.append(found)

    def _link(self, window: Window, call: LossCall) -> None:
        """Compare the targets with what went into the network."""
        given = _inputs.tensors_in(window.inputs[0]) if len(window.inputs) == 1 else []
        if given and len(window.calls) == 1:
            sample = window.opened()
            sample.correlations = _links.correlations(given[0], call.target)
            sample.shift = self.shift = _links.shift(given[0], call.target)

    def find_nonfinite(self, window: Window, root: Tensor) -> None:
        """Find out where the NaN or infinity of a loss comes from."""
        given = window.inputs[-1] if window.inputs else ()
        modules, names = self.inventory.modules, self.inventory.names
        calls = window.calls or _saved_call(Graph(root, {}, {}), root)
        self.record.first_nonfinite = _nonfinite.locate(
            window.row.step, modules, names, given, calls, root
        )

    def _take_specimen(self, window: Window) -> None:
        calls, optimizers = window.calls, [*self.inventory.ledgers]
        if self.takes_specimen and self.given and len(calls) == len(optimizers) == 1:
            self.takes_specimen = False
            self.specimen = Specimen.take(*self.given, calls[0], optimizers[0])

    def try_on_copies(self) -> None:
        """See on copies whether examples mix, the future is seen, or the past forgotten."""
        if self.given is not None and "modules" not in self.record.limits:
            try_on_copies(self.record, *self.given, self.shift)

    def glance(self, window: Window) -> Glance:
        """Look at the loss and the examples only."""
        given = _inputs.tensors_in(window.inputs[0])[:1] if window.inputs else []
        rows = [each for one in given for each in _inputs.digests(one)]
        self.examples.add(rows)
        found = [_losses.facts(call, window.measured) for call in window.calls]
        return Glance(window.row.step, found, rows)


def _saved_call(graph: Graph, root: Tensor) -> list[LossCall]:
    """Return the loss function of a graph, if it is one of those that can be told from it."""
    saved = _saved_losses.saved_loss(graph)
    if saved is None:
        return []
    kind, output, target, reduction = saved
    return [LossCall(kind, output, target, (), {"reduction": reduction}, root)]
