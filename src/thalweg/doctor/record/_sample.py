"""One optimizer step, looked at closely."""

from dataclasses import dataclass, field


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
    target_variance: float | None = None
    """Mean variance of the columns of numbers to be met, where there are several."""
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
    is_smoothed: bool = False
    """Whether it softens the targets itself, by `label_smoothing`."""
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
