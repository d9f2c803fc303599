"""What was seen of a training, as plain numbers by step.

Probes write it, checks read it, and it is all that passes between them. Lengths and lists are
bounded, so that it stays small however long the training is.
"""

import types
from dataclasses import dataclass, field, fields, is_dataclass
from typing import Any, Literal, Self, get_args, get_origin, get_type_hints


@dataclass
class Moments:
    """Of the finite entries of a tensor."""

    mean: float
    std: float
    low: float
    high: float
    nonfinite: int = 0
    """Entries left out, NaN or infinite."""


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


@dataclass
class LossFacts:
    """One use of a loss function: what it compared, and how."""

    kind: str
    """"cross_entropy", "mse_loss", …, as in torch.nn.functional; "custom" if it was none."""
    reduction: str
    value: float
    output_shape: list[int]
    target_shape: list[int]
    target_type: str
    """"int64", "float32", …"""
    output: Moments
    target: Moments | None = None
    rows_sum_to: tuple[float, float] | None = None
    """Smallest and largest sum of an output row, where there are several columns."""
    log_rows_sum_to: tuple[float, float] | None = None
    """The same of the exponentials of the outputs."""
    target_rows_sum_to: tuple[float, float] | None = None
    target_values: list[float] = field(default_factory=list)
    """Distinct targets, ascending; empty where there are more than fifty."""
    sequence: list[float] = field(default_factory=list)
    """The first 256 targets as they came: classes or numbers."""
    counts: list[int] = field(default_factory=list)
    """Targets by class."""
    predicted: list[int] = field(default_factory=list)
    """Answers by class."""
    correct: list[int] = field(default_factory=list)
    """Right answers by class."""
    contradicted: float | None = None
    """Share of examples whose own class gets less than a tenth while another gets nine tenths."""
    sureness: list[float] = field(default_factory=list)
    """Mean of the highest probability, by quarters of the batch, the least sure first."""
    sure_right: list[float] = field(default_factory=list)
    """Share of right answers in these quarters."""
    spread_over_examples: float | None = None
    """Standard deviation of the outputs from example to example, averaged over the outputs."""
    node: int | None = None
    """Where it stands in the sample's graph."""
    form: str = ""
    """Of a "custom" one, read off the graph: "squared error" or "absolute error"."""
    is_weighted: bool = False
    """Whether it was given weights by class or example."""


@dataclass
class InputFacts:
    """The batch that went into the network."""

    shape: list[int]
    type: str
    """"float32", "int64", …"""
    moments: Moments | None
    columns: list[tuple[float, float]] = field(default_factory=list)
    """Mean and standard deviation by feature, or by channel of images; at most 1024."""
    constant: int = 0
    """Features that do not vary within the batch."""
    features: int = 0
    rows: list[float] = field(default_factory=list)
    """A digest per example: equal examples have equal ones. At most 256."""
    distinct: int = 0
    """Different values among the first 4096 entries."""
    nonfinite_rows: list[int] = field(default_factory=list)
    """Positions in the batch with NaN or infinity; at most 16."""


@dataclass
class Activity:
    """What a module did in a sampled step, at its last call."""

    is_training: bool
    input: Moments | None
    output: Moments | None
    units: int = 0
    """Features that came in, at a layer with weights."""
    silent: int = 0
    """Of these, features that were the same for every example in all samples so far."""
    rows: int = 0
    """Numbers that came in for each unit: examples, times places of an image."""
    input_spread: float | None = None
    """How far examples differ in what came in, at modules with parameters and dropout: range over
    the batch next to the largest number, in the column where that is most; None where unknown."""
    output_spread: float | None = None
    """The same of what a watched network gave, next to the largest number of all columns."""


@dataclass
class Activation:
    """A nonlinearity in the loss graph of a sampled step."""

    kind: str
    """"relu", "tanh", "sigmoid"."""
    module: str
    """The module that gave its input or is it; "?" where unknown."""
    zero: float
    """Share of outputs that are exactly zero."""
    at_bound: float
    """Share of outputs within 1 % of a bound, for tanh and sigmoid."""
    units: int
    dead: int
    """Units that have given nothing but zero, or nothing but one bound, in all samples so far."""


@dataclass
class Motion:
    """One parameter in a sampled step; root mean squares over its entries."""

    weight: float
    gradient: float | None
    """As the optimizer got it; None if there was none."""
    update: float
    nonfinite: int
    """Entries of the gradient that are NaN or infinite."""
    rows_equal: bool = False
    """Whether all rows of the weight are the same."""
    gradient_rows_equal: bool = False
    spread: float | None = None
    """Of a matrix, the share of its size in which its units differ from their mean: zero where
    all rows, or all columns, or those of each gate of a recurrent layer, are the same."""


@dataclass
class Sample:
    """One optimizer step, looked at closely."""

    step: int
    inputs: list[InputFacts] = field(default_factory=list)
    """By call of the network."""
    losses: list[LossFacts] = field(default_factory=list)
    modules: dict[str, Activity] = field(default_factory=dict)
    parameters: dict[str, Motion] = field(default_factory=dict)
    activations: list[Activation] = field(default_factory=list)
    correlations: list[float] = field(default_factory=list)
    """By column of a table, how much of the targets' variance it goes with; empty of others."""
    shift: int | None = None
    """Axis along which each target is the symbol that follows in the input; None if it is not."""


@dataclass
class Glance:
    """A step of which only the loss and the examples were looked at, which takes little time."""

    step: int
    losses: list[LossFacts] = field(default_factory=list)
    rows: list[float] = field(default_factory=list)
    """Digests of the examples of the first call, as in `InputFacts`."""


@dataclass
class StepRow:
    """One optimizer step, seen in passing."""

    step: int
    optimizer: int
    loss: float
    """Of the last backward pass; that of the loss function where one was called."""
    root: float
    """What `backward` was called on."""
    rate: float
    backwards: int
    examples: int
    """That went through the network in the step; zero where unknown."""
    events: str
    """In order: f forward, b backward, s step, c schedule, e forward without gradients."""
    is_training: bool
    """Mode of the (first) watched module at the last backward pass."""
    is_stale: bool
    """Whether the gradients of the step before were still there."""
    seconds: float
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
        return _plain(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        """Rebuild a record from `to_json`.

        Raises:
            KeyError, TypeError: The data are not a record.
        """
        return _rebuilt(cls, data)


def _plain(value: Any) -> Any:
    """Return dataclasses as dictionaries, much faster than `asdict`, which copies every number."""
    if is_dataclass(value):
        return {name: _plain(each) for name, each in vars(value).items()}
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items()}
    if isinstance(value, (list, tuple)):
        return (
            list(value)
            if not value or isinstance(value[0], (int, float))
            else [*map(_plain, value)]
        )
    return value


def _rebuilt(kind: Any, data: Any) -> Any:
    """Return plain data as the dataclasses that a type asks for."""
    origin, inner = get_origin(kind), get_args(kind)
    if data is None:
        return None
    if isinstance(kind, types.UnionType):
        return _rebuilt(next(each for each in inner if each is not types.NoneType), data)
    if is_dataclass(kind):
        hints = get_type_hints(kind)
        known = {each.name for each in fields(kind)}
        given = {name: _rebuilt(hints[name], data[name]) for name in data if name in known}
        return kind(**given)  # type: ignore[operator]
    if origin is list:
        return [_rebuilt(inner[0], each) for each in data]
    if origin is tuple:
        return tuple(data)
    if origin is dict:
        return {name: _rebuilt(inner[1], each) for name, each in data.items()}
    return data
