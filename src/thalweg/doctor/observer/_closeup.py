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

# Under which an operation keeps in which sampled step it was met.
NOTE = "thalweg sampled step"


class CloseUp:
    """Writes samples, one at a time, into the window of their step.

    Args:
        record: Where facts go that outlive the sample.
        inventory: Names of modules and parameters.
        examples: Those trained on.
    """

    def __init__(self, record: Record, inventory: Inventory, examples: Examples) -> None:
        self.record = record
        self.inventory = inventory
        self.examples = examples
        self.silent: dict[str, Range] = {}
        self.ranges: dict[tuple[str, int], Range] = {}
        self.shift: int | None = None
        """Axis along which the targets follow in the inputs, in the last sample."""
        self.given: tuple[nn.Module, Any] | None = None
        """The module called in the last sample, and its arguments."""

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
        found = _modules.activity(module, facts, given, output, seen)
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
            found = _losses.facts(call)
            self._link(window, call)
            if window.graph is not None:
                found.node = window.graph.place(call.value)
            sample.losses.append(found)
        if window.entry is not None and len(window.inputs) == 1:
            self.given = (window.entry, window.inputs[0])
        for given in window.inputs:
            for each in _inputs.tensors_in(given)[:2]:
                sample.inputs.append(_inputs.facts(each))
        for inputs in sample.inputs[:1]:
            self.examples.add(inputs.rows)

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

    def _find_loss(self, window: Window, root: Tensor, graph: Graph) -> None:
        """Read a loss off the graph, where none of torch's functions was seen to be called."""
        saved = _saved_losses.saved_loss(graph)
        if saved is not None:
            kind, output, target, reduction = saved
            options = {"reduction": reduction}
            window.calls.append(LossCall(kind, output, target, (), options, root, True))
            return
        own = _saved_losses.own_loss(graph, window.outputs)
        if own is not None:
            form, output, target = own
            found = _losses.facts(LossCall("custom", output, target, (), {}, root, True))
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
        self.record.first_nonfinite = _nonfinite.locate(
            window.row.step, modules, names, given, window.calls, root
        )

    def glance(self, window: Window) -> Glance:
        """Look at the loss and the examples only."""
        given = _inputs.tensors_in(window.inputs[0])[:1] if window.inputs else []
        rows = [each for one in given for each in _inputs.digests(one)]
        self.examples.add(rows)
        return Glance(window.row.step, [_losses.facts(call) for call in window.calls], rows)
