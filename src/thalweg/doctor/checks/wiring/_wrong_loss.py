"""Losses that do not fit what the network gives, or what the targets are."""

from collections.abc import Iterator

from thalweg.doctor.checks._check import Answer, Unchecked, check
from thalweg.doctor.checks.reading._region import NEUTRAL, base, below, is_weighted, region
from thalweg.doctor.checks.wiring._wrong_targets import (
    ROUNDING,
    Answers,
    class_numbers,
    finding,
    not_shares,
    one_of_many,
)
from thalweg.doctor.record import LossFacts, Record

# With nothing but these over an output, the loss is a plain sum of outputs.
PLAIN = NEUTRAL | {"Mean", "Sum", "Neg"}
# Logarithms of chances add up to one; masked classes take little away.
LEAST_SUM = 0.5


@check(
    "wrong-loss",
    explains=("missing-step", "target-scale", "initial-loss", "plateau", "underfitting"),
)
def check_wrong_loss(record: Record) -> Iterator[Answer]:
    """Ask of each loss whether outputs and targets are what it is made for."""
    facts = [loss for sample in record.samples for loss in sample.losses]
    for ask in (_one_output, _no_logarithm, _raw_outputs, not_shares, one_of_many, class_numbers):
        found = next(ask(record, facts), None)
        if found is not None:
            yield found
            return
    if not facts:
        yield Unchecked("no loss function with output and target was seen")


def _one_output(record: Record, facts: list[LossFacts]) -> Answers:
    """Find a softmax over a single output, which is one whatever the output."""
    for loss in facts:
        columns = loss.output_shape[1:2]
        if loss.kind == "cross_entropy" and columns == [1]:
            yield finding(
                {"loss": loss.kind, "output shape": loss.output_shape, "value": loss.value},
                "Use binary_cross_entropy_with_logits for one output, or give the last layer one "
                "output per class.",
                1.0,
            )
    for place in region(record.graph):
        node = record.graph[place]
        axis = node.options.get("dim")
        if base(node) not in ("LogSoftmax", "Softmax") or axis is None or not node.shape:
            continue
        if node.shape[int(axis)] == 1:
            yield finding(
                {"operation": "softmax", "output shape": node.shape},
                "A softmax over one output is always one: give the last layer one output per "
                "class, or use binary_cross_entropy_with_logits.",
                1.0,
            )


def _no_logarithm(record: Record, facts: list[LossFacts]) -> Answers:
    """Find a likelihood that is taken of something else than logarithms of chances."""
    kinds = ("nll_loss", "kl_div")
    some = [loss for loss in facts if loss.kind in kinds and loss.log_rows_sum_to is not None]
    sums = [each for loss in some for each in loss.log_rows_sum_to or ()]
    if not some or (min(sums) > LEAST_SUM and max(sums) < 1 + ROUNDING):
        return
    shares = [each for loss in some for each in loss.rows_sum_to or ()]
    are_shares = all(abs(each - 1) < ROUNDING for each in shares)
    lowest = min(loss.output.low for loss in some)
    if _is_turned(record):
        return
    given = "probabilities" if are_shares and lowest >= 0 else "logits"
    if given == "logits" and (some[0].kind == "kl_div" or max(sums) < 1 + ROUNDING):
        return  # Logarithms of chances of which most are masked, or of densities.
    remedy = f"{some[0].kind} expects log-probabilities: "
    if given == "probabilities":
        remedy += "use log_softmax in place of softmax, or give the logits to cross_entropy."
    else:
        remedy += "use cross_entropy(logits, targets), which takes the log-softmax itself."
    yield finding(
        {
            "loss": some[0].kind,
            "given": given,
            "exponentials of a row sum to": max(sums),
            "last value": some[-1].value,
        },
        remedy,
    )


def _raw_outputs(record: Record, facts: list[LossFacts]) -> Answers:
    """Find the outputs of the right classes, made large as they are: without end."""
    graph, place, names = record.graph, 0, []
    if facts or not graph:
        return
    while not is_weighted(graph, place):
        names.append(base(graph[place]))
        is_scaled = names[-1] in ("Mul", "Div") and graph[place].factors
        if len(graph[place].inputs) != 1 or not (names[-1] in PLAIN or is_scaled):
            return
        place = graph[place].inputs[0]
    if "Gather" in names:
        yield finding(
            {"loss": "mean of the right classes' outputs", "operations": names},
            "Take the logarithm of the chances first: outputs.log_softmax(dim=1), or use "
            "cross_entropy(outputs, targets).",
            0.95,
        )


def _is_turned(record: Record) -> bool:
    """Return whether the likelihood is of negated logarithms: a matter of sign, not of loss."""
    graph = record.graph
    for place in region(graph):
        if base(graph[place]).startswith("NllLoss"):
            under = below(graph, place)
            if under is not None and base(graph[under]) == "Neg":
                under = below(graph, under)
                return under is not None and base(graph[under]) in ("Log", "LogSoftmax")
    return False
