"""What the parts of a training are."""

from dataclasses import dataclass, field
from typing import Any


@dataclass
class ModuleFacts:
    """What a module is."""

    kind: str
    """Name of its class."""
    family: str
    """"linear", "convolution", "recurrent", "embedding", "attention", "batch norm", "norm",
    "dropout", "activation", "container" (has children, no parameters of its own) or "other"."""
    parameters: list[str]
    """Its own, without those of its children."""
    is_trainable: bool
    """Whether it or a child has a parameter with `requires_grad`."""
    options: dict[str, float] = field(default_factory=dict)
    """"inputs", "outputs", "groups", "p" of dropout, where it has them."""
    calls: int = 0
    """In the sampled steps."""
    order: int = -1
    """Place of its first call among the modules; −1 if it was never called."""
    quiet_calls: int = 0
    """In the sampled steps while gradients were off, other than in passes of the whole network."""
    follows_mode: bool = False
    """Whether it answers otherwise in training than in evaluation, as dropout does."""


@dataclass
class ParameterFacts:
    """What a parameter is."""

    shape: list[int]
    is_trainable: bool
    optimizer: int | None
    """Which optimizer owns it; None for none."""
    fan_in: int
    """Numbers that go into one output; one for vectors."""
    reached: int = 0
    """Loss graphs in which it was found."""
    has_gradient: bool = False
    """Whether one came to it during the watch and was there at the end."""
    moved: bool | None = None
    """Whether its numbers changed during the watch; None where unknown."""
    is_fresh: bool | None = None
    """Of one that did not move: whether it looks initialized, rather than trained before."""


@dataclass
class OptimizerFacts:
    """What an optimizer is."""

    kind: str
    """Name of its class."""
    options: dict[str, Any]
    """Plain constants of its first group: "lr", "weight_decay", "momentum", …"""
    strangers: int = 0
    """Parameters that it owns and the watched modules do not have."""
    has_state: bool = False
    """Whether it had made steps before the watch."""


@dataclass
class LoaderFacts:
    """A DataLoader that was iterated over during the watch."""

    examples: int | None
    """Length of its data set, where it has one."""
    batch_size: int | None
    is_shuffled: bool
    workers: int
    iterators: int = 0
    """How often an iteration was begun."""


@dataclass
class Node:
    """An operation in the graph of a loss, as autograd names it."""

    name: str
    """"Addmm", "Relu", "LogSoftmax", …; "Parameter" for a leaf."""
    inputs: list[int]
    """Nodes that it was computed from, by index."""
    shape: list[int]
    """Of what it gave; empty where autograd does not say."""
    module: str | None = None
    """The module whose output this is."""
    parameter: str | None = None
    """Name of a leaf; "?" for a parameter that no watched module has."""
    options: dict[str, float] = field(default_factory=dict)
    """Numbers that it was given: "dim", "min", "max", "exponent", "alpha", "reduction" (0 none,
    1 mean, 2 sum); "operand" is 1 where only the second operand has a gradient."""
    factors: list[list[float]] = field(default_factory=list)
    """By input of a product or quotient, lowest and highest of what it is multiplied with or
    divided by; empty where unknown."""
    constant: list[int] | None = None
    """Shape of the operand that has no gradient, where a product or quotient kept it."""
