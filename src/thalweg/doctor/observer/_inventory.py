"""Who is who: modules, parameters, and the optimizers that own them."""

import math

from torch import nn
from torch.optim import Optimizer

from thalweg.doctor.observer._ledger import Ledger
from thalweg.doctor.probes import _modules
from thalweg.doctor.probes._changes import Changes
from thalweg.doctor.probes._graph import Graph
from thalweg.doctor.record import OptimizerFacts, ParameterFacts, Record

MOST_STRANGERS = 1000


class Inventory:
    """What takes part in a training, by the names that the record uses.

    Args:
        record: Where to write it.
    """

    def __init__(self, record: Record) -> None:
        self.record = record
        self.modules: dict[str, nn.Module] = {}
        self.names: dict[int, str] = {}
        """Of parameters, by identity."""
        self.ledgers: dict[Optimizer, Ledger] = {}
        self.changes = Changes()
        self.strangers: dict[int, str] = {}
        """Parameters in loss graphs that nobody known has, by identity."""

    def add_model(self, prefix: str, model: nn.Module) -> None:
        """Take note of a network's modules and parameters."""
        before = f"{prefix}." if prefix else ""
        for name, module in model.named_modules():
            path = f"{before}{name}".rstrip(".")
            self.modules[path] = module
            self.record.modules[path] = _modules.describe(path, module)
        for name, parameter in model.named_parameters():
            if isinstance(parameter, nn.parameter.UninitializedParameter):
                continue
            self.names[id(parameter)] = f"{before}{name}"
            self.record.parameters[f"{before}{name}"] = ParameterFacts(
                shape=list(parameter.shape),
                is_trainable=parameter.requires_grad,
                optimizer=None,
                fan_in=math.prod(parameter.shape[1:]) if parameter.ndim > 1 else 1,
            )
            self.changes.add(f"{before}{name}", parameter)
            if len(self.record.parameters) == 1:
                self.record.device = parameter.device.type

    def add_optimizer(self, optimizer: Optimizer) -> None:
        """Take note of an optimizer and of what it owns."""
        self.ledgers[optimizer] = Ledger(optimizer, len(self.ledgers))
        plain = {
            name: value
            for name, value in optimizer.param_groups[0].items()
            if isinstance(value, (int, float, bool)) or name == "betas"
        }
        facts = OptimizerFacts(
            kind=type(optimizer).__name__, options=plain, has_state=_has_stepped(optimizer)
        )
        self.record.optimizers.append(facts)
        for group in optimizer.param_groups:
            facts.strangers += sum(id(each) not in self.names for each in group["params"])
        self._note_owners()

    def _note_owners(self) -> None:
        """Write to every parameter which optimizer owns it, the first to claim it."""
        for number, optimizer in enumerate(self.ledgers):
            for parameter in (each for group in optimizer.param_groups for each in group["params"]):
                name = self.names.get(id(parameter))
                if name is not None and self.record.parameters[name].optimizer is None:
                    self.record.parameters[name].optimizer = number

    def note_strangers(self, graph: Graph) -> None:
        """Take note of parameters that neither a watched module nor an optimizer has."""
        unknown = [
            raw.variable
            for node, raw in zip(graph.nodes, graph.raw, strict=True)
            if node.parameter == "?" and id(raw.variable) not in self.strangers
        ]
        if not unknown:
            return
        groups = [group for each in self.ledgers for group in each.param_groups]
        owned = {id(each) for group in groups for each in group["params"]}
        for parameter in unknown:
            if id(parameter) not in owned and len(self.strangers) < MOST_STRANGERS:
                name = f"? {len(self.strangers)}"
                self.strangers[id(parameter)] = name
                self.changes.add(name, parameter)

    def look_back(self) -> None:
        """Note which parameters have changed, and who owns them by now."""
        self._note_owners()
        strangers = {
            name: ParameterFacts(list(self.changes.parameters[name].shape), True, None, 1, 1)
            for name in self.strangers.values()
        }
        for name, facts in (*self.record.parameters.items(), *strangers.items()):
            # Frozen in the loop, before any loss reached it, it was never to be trained.
            is_untouched = not facts.reached and not self.changes.has_new_gradient(name)
            if is_untouched and not self.changes.parameters[name].requires_grad:
                facts.is_trainable = False
            facts.has_gradient = self.changes.has_new_gradient(name)
            facts.moved = self.changes.has_moved(name)
            facts.is_fresh = None if facts.moved is not False else self.changes.looks_fresh(name)
        self.record.strangers = list(strangers.values())


def _has_stepped(optimizer: Optimizer) -> bool:
    """Return whether an optimizer has made a step; some have a state before their first one."""
    steps = [state.get("step", 1) for state in optimizer.state.values()]
    return any(float(each) > 0 for each in steps)
