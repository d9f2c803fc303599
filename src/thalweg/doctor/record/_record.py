"""What was seen of a training, as plain numbers by step.

Probes write it, checks read it, and it is all that passes between them. Lengths and lists are
bounded, so that it stays small however long the training is.
"""

import math
from dataclasses import dataclass, field
from typing import Any, Literal, Self

from thalweg._core.plain_data import plain, rebuilt
from thalweg.doctor.record._facts import (
    LoaderFacts,
    ModuleFacts,
    Node,
    OptimizerFacts,
    ParameterFacts,
)
from thalweg.doctor.record._sample import Glance, Sample


@dataclass(slots=True)
class StepRow:
    """One optimizer step, seen in passing."""

    step: int
    optimizer: int = 0
    loss: float = math.nan
    """Of the last backward pass; that of the loss function where one was called."""
    root: float = math.nan
    """What `backward` was called on."""
    rate: float = math.nan
    backwards: int = 0
    examples: int = 0
    """That went through the network in the step; zero where unknown."""
    events: str = ""
    """In order: f forward, b backward, s step, c schedule, e forward without gradients."""
    is_training: bool = True
    """Mode of the (first) watched module at the last backward pass."""
    is_stale: bool = False
    """Whether the gradients of the step before were still there."""
    seconds: float = 0.0
    """Since the step before."""
    waiting: float = 0.0
    """Of these, seconds in a DataLoader."""
    own_backwards: int = 0
    """Backward passes since the last step of the same optimizer."""
    wasted_backwards: int = 0
    """Of these, passes whose gradients were set to None before any step."""
    forwards: int = 0
    """Calls of the watched networks with gradients on."""
    training_forwards: int = 0
    """Of these, in training mode."""
    syncs: int = 0
    """Times that the loop waited for an accelerator to hand over a number."""


@dataclass
class Evaluation:
    """Forward passes without gradients between two training steps."""

    step: int
    """Optimizer steps done before."""
    forwards: int = 0
    examples: int = 0
    training_forwards: int = 0
    """Of these, with the network in training mode."""
    loss: float | None = None
    """Mean over the examples of what the loss function gave; None if none was called."""
    loss_examples: int = 0
    noisy_forwards: int = 0
    """Passes in training mode through a part that answers otherwise then, as dropout does."""
    noisy_losses: int = 0
    """Losses computed after such a pass."""
    stuck_dropouts: int = 0
    """Uses of functional dropout that dropped while the network was in evaluation mode."""
    alike_forwards: int = 0
    """Passes of examples that have the shape of those trained on."""
    accuracy: float | None = None
    counts: list[int] = field(default_factory=list)
    """Examples by class, where the loss is one of classes."""
    predicted: list[int] = field(default_factory=list)
    """Answers by class."""
    correct: list[int] = field(default_factory=list)
    """Right answers by class."""
    output_spread: float | None = None
    """How far the answers to different examples differ, next to the largest; None where unknown."""
    rows: int = 0
    """Examples whose digest was looked up among those of training."""
    seen_rows: int = 0
    """Of these, examples that had been trained on."""
    by_forward: list[tuple[int, int]] = field(default_factory=list)
    """Both by forward pass; the first 64."""
    sureness: list[float] = field(default_factory=list)
    """Mean of the highest probability, by quarters of the batches, the least sure first."""
    sure_right: list[float] = field(default_factory=list)
    """Share of right answers in these quarters."""


@dataclass
class FirstNonFinite:
    """Where NaN or infinity was first seen."""

    step: int
    place: Literal["input", "target", "parameter", "forward", "loss", "gradient"]
    name: str
    """Of the parameter, module or operation."""


@dataclass
class Record:
    """A training as it was seen."""

    modules: dict[str, ModuleFacts] = field(default_factory=dict)
    parameters: dict[str, ParameterFacts] = field(default_factory=dict)
    optimizers: list[OptimizerFacts] = field(default_factory=list)
    count: int = 0
    """Optimizer steps that were watched; the lists below keep fewer of a long training."""
    loaders: list[LoaderFacts] = field(default_factory=list)
    steps: list[StepRow] = field(default_factory=list)
    samples: list[Sample] = field(default_factory=list)
    glances: list[Glance] = field(default_factory=list)
    """Between the samples, where there was no time for one."""
    graph: list[Node] = field(default_factory=list)
    """Of the first loss that was sampled; the root comes first."""
    device: str = "cpu"
    """Where the first watched parameter is: "cpu", "cuda", …"""
    graphs: int = 0
    """Loss graphs that were walked."""
    evaluations: list[Evaluation] = field(default_factory=list)
    backwards: int = 0
    backwards_without_forward: int = 0
    """Backward passes in steps without a forward pass."""
    repeated_backwards: int = 0
    """Backward passes of a loss that had one before an earlier step."""
    repeated_graphs: int = 0
    """Sampled losses with operations that a loss before an earlier step had too."""
    leaf_losses: int = 0
    """Sampled losses that depend on nothing, made anew from a number."""
    strangers: list[ParameterFacts] = field(default_factory=list)
    """Parameters in loss graphs that neither a watched module nor a known optimizer has."""
    first_nonfinite: FirstNonFinite | None = None
    trials: dict[str, float] = field(default_factory=dict)
    """What experiments on copies found, by fault."""
    looked_rows: int = 0
    """Training examples whose digest was taken."""
    different_rows: int = 0
    """Of these, different ones."""
    limits: dict[str, str] = field(default_factory=dict)
    """What could not be seen ("modules", "graph", "rows", "loss", …), and why."""

    def to_json(self) -> dict[str, Any]:
        """Return the record as plain data."""
        return plain(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        """Rebuild a record from `to_json`.

        Raises:
            KeyError, TypeError: The data are not a record.
        """
        return rebuilt(cls, data)
