"""Losses that do not fit what the network gives, or what the targets are."""

from collections.abc import Iterator

from thalweg.doctor._finding import Finding, Remedy
from thalweg.doctor._record import LossFacts, Record
from thalweg.doctor.checks._check import Answer, Unchecked, check
from thalweg.doctor.checks._region import base, below, region

OF_NUMBERS = ("mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss", "custom")
# Sums of probabilities stray from one by half precision, and by small bounds against log(0).
ROUNDING = 0.02
# With two classes a squared error of 0 and 1 is Brier's score, which is a loss for chances.
FEWEST_CLASSES = 3
# Numbers that count something pile up around their mean; classes are drawn about equally. The
# rarest must be so frequent next to the most frequent one.
LEAST_EVEN = 0.4
FEWEST_TARGETS = 200
# Logarithms of chances add up to one; masked classes take little away.
LEAST_SUM = 0.5
# Many train well with a yes or no per class. Where most right classes still get a no at the end,
# the many wrong ones have drowned them.
MOST_RECALL = 0.5

Answers = Iterator[Finding]


@check("wrong-loss", explains=("target-scale", "initial-loss", "plateau", "underfitting"))
def check_wrong_loss(record: Record) -> Iterator[Answer]:
    """Ask of each loss whether outputs and targets are what it is made for."""
    facts = [loss for sample in record.samples for loss in sample.losses]
    for ask in (_one_output, _no_logarithm, _not_shares, _one_of_many, _class_numbers):
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
            yield _finding(
                {"loss": loss.kind, "output shape": loss.output_shape, "value": loss.value},
                "Use binary_cross_entropy_with_logits for one output, or give the last layer one "
                "output per class.",
            )
    for place in region(record.graph):
        node = record.graph[place]
        axis = node.options.get("dim")
        if base(node) != "LogSoftmax" or axis is None or not node.shape:
            continue
        if node.shape[int(axis)] == 1:
            yield _finding(
                {"operation": "log-softmax", "output shape": node.shape},
                "A softmax over one output is always one: give the last layer one output per "
                "class, or use binary_cross_entropy_with_logits.",
            )


def _no_logarithm(record: Record, facts: list[LossFacts]) -> Answers:
    """Find a likelihood that is taken of something else than logarithms of chances."""
    some = [loss for loss in facts if loss.kind == "nll_loss" and loss.log_rows_sum_to is not None]
    sums = [each for loss in some for each in loss.log_rows_sum_to or ()]
    if not some or (min(sums) > LEAST_SUM and max(sums) < 1 + ROUNDING):
        return
    shares = [each for loss in some for each in loss.rows_sum_to or ()]
    are_shares = all(abs(each - 1) < ROUNDING for each in shares)
    lowest = min(loss.output.low for loss in some)
    if _is_turned(record):
        return
    given = "probabilities" if are_shares and lowest >= 0 else "logits"
    if given == "logits" and max(sums) < 1 + ROUNDING:
        return  # Logarithms of chances of which most are masked.
    remedy = (
        "nll_loss expects log-probabilities: use log_softmax in place of softmax, or give the "
        "logits to cross_entropy."
        if given == "probabilities"
        else "nll_loss expects log-probabilities: use cross_entropy(logits, targets), which takes "
        "the log-softmax itself."
    )
    yield _finding(
        {
            "loss": "nll_loss",
            "given": given,
            "exponentials of a row sum to": max(sums),
            "last value": some[-1].value,
        },
        remedy,
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


def _not_shares(record: Record, facts: list[LossFacts]) -> Answers:
    """Find targets that are no chances under a loss that takes them for some."""
    del record
    for loss in facts:
        if loss.target is None or "float" not in loss.target_type:
            continue
        is_binary = loss.kind.startswith("binary_cross_entropy")
        if is_binary and (loss.target.low < -ROUNDING or loss.target.high > 1 + ROUNDING):
            yield _finding(
                {
                    "loss": loss.kind,
                    "lowest target": loss.target.low,
                    "highest target": loss.target.high,
                },
                "Give a binary loss targets between 0 and 1; for class numbers use cross_entropy "
                "with one output per class.",
            )
        sums = loss.target_rows_sum_to
        if loss.kind == "cross_entropy" and sums is not None and sums[1] > 1.5:
            yield _finding(
                {"loss": loss.kind, "targets of a row sum to": list(sums)},
                "Several classes are right at once: use binary_cross_entropy_with_logits.",
            )


def _one_of_many(record: Record, facts: list[LossFacts]) -> Answers:
    """Find questions of yes or no where exactly one class of many is right."""
    del record
    some = [loss for loss in facts if loss.kind.startswith("binary_cross_entropy")]
    sums = [each for loss in some for each in loss.target_rows_sum_to or (0.0,)]
    if not some or any(
        loss.output_shape[-1] < FEWEST_CLASSES for loss in some if loss.output_shape
    ):
        return
    if any(abs(each - 1) > 1e-6 for each in sums):
        return
    if any(set(loss.target_values) != {0.0, 1.0} for loss in some):
        return
    right, all_of_them = _recall(some[-max(1, len(some) // 4) :])
    if all_of_them == 0 or right > MOST_RECALL * all_of_them:
        return
    yield _finding(
        {
            "loss": some[0].kind,
            "classes": some[0].output_shape[-1],
            "right ones per example": 1,
            "share of them answered yes": right / all_of_them,
        },
        "Exactly one class is right: use cross_entropy(logits, class_numbers), in which the "
        "classes compete.",
        0.9,
    )


def _recall(some: list[LossFacts]) -> tuple[int, int]:
    """Return how many of the right classes were answered yes, of how many."""
    both = [loss for loss in some if len(loss.counts) == 2]
    return sum(loss.correct[1] for loss in both), sum(loss.counts[1] for loss in both)


def _class_numbers(record: Record, facts: list[LossFacts]) -> Answers:
    """Find numbers of classes taken for measurements."""
    del record
    some = [loss for loss in facts if loss.kind in OF_NUMBERS]
    targets = [each for loss in some for each in loss.sequence]
    if len(targets) < FEWEST_TARGETS or len(some) < len(facts):
        return
    if any(loss.output_shape[1:] not in ([], [1]) for loss in some):
        return
    rounded = [round(each) for each in targets]
    if any(abs(each - whole) > 1e-4 for each, whole in zip(targets, rounded, strict=True)):
        return
    classes = max(rounded) + 1
    counts = [rounded.count(each) for each in range(classes)]
    if min(rounded) != 0 or not FEWEST_CLASSES <= classes <= 100:
        return
    if min(counts) < LEAST_EVEN * max(counts):
        return
    yield _finding(
        {"loss": some[0].form or some[0].kind, "classes": classes, "targets": "0, 1, 2, …"},
        f"Class numbers have no distance: give the last layer {classes} outputs and use "
        "cross_entropy(outputs, targets).",
        0.85,
    )


def _finding(evidence: dict[str, object], remedy: str, confidence: float = 0.98) -> Finding:
    return Finding(
        fault="wrong-loss",
        where="loss",
        severity="error",
        confidence=confidence,
        evidence=evidence,
        remedy=Remedy(remedy),
    )
