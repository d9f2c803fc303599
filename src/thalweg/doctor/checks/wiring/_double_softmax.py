"""Probabilities given to a loss that makes probabilities itself."""

from collections.abc import Iterator

from thalweg.doctor._finding import Finding, Remedy
from thalweg.doctor.checks._check import Answer, Note, Unchecked, check
from thalweg.doctor.checks.reading._region import base, below, is_opaque, region, where
from thalweg.doctor.record import Node, Record

# They turn logits into probabilities, or their logarithms.
TAKERS = {
    "LogSoftmax": "log-softmax",
    "BinaryCrossEntropyWithLogits": "binary cross-entropy with logits",
    "SoftMarginLoss": "soft margin loss",
    "LogSigmoid": "log-sigmoid",
    "Logsumexp": "logsumexp",
    "Softmax": "softmax",
    "Sigmoid": "sigmoid",
}
GIVERS = {"Softmax": "softmax", "Sigmoid": "sigmoid", "LogSigmoid": "log-sigmoid"}
OF_ROWS = ("LogSoftmax", "Softmax", "Logsumexp")
# A small bound against log(0) makes no logit of a probability; nor does a minus.
PASSED = frozenset({"Clamp", "ClampMin", "ClampMax", "Neg", "MaskedFill"})
# Sums of a row of probabilities stray from one by the rounding of half precision.
ROUNDING = 0.01
# Logits that stay between zero and one for so many samples are none: those of a fresh network
# have either sign.
FEWEST_SAMPLES = 3


@check("double-softmax", explains=("plateau", "initial-loss", "output-clamped", "wrong-loss"))
def check_double_softmax(record: Record) -> Iterator[Answer]:
    """Find a softmax or sigmoid right before a loss that takes another."""
    if is_opaque(record):
        yield from _by_values(record)
        return
    for place in region(record.graph):
        taker = record.graph[place]
        if base(taker) not in TAKERS:
            continue
        under = below(record.graph, place, PASSED)
        if under is None:
            continue
        giver = record.graph[under]
        name = _gives(record, under)
        if name == "log-softmax" and base(taker) in OF_ROWS:
            if _same_axis(taker, giver):
                yield Note(
                    "log-softmax is taken twice before the loss; the second changes nothing. "
                    "cross_entropy takes its own: drop one of the two."
                )
        elif name is not None:
            yield _finding(name, TAKERS[base(taker)], where(giver), 0.99)
            return


def _gives(record: Record, place: int) -> str | None:
    """Return what kind of probability an operation gives, if any."""
    node = record.graph[place]
    if base(node) == "Exp":
        under = below(record.graph, place)
        is_share = under is not None and base(record.graph[under]) == "LogSoftmax"
        return "softmax" if is_share else None
    if base(node) == "LogSoftmax":
        return "log-softmax"
    return GIVERS.get(base(node))


def _same_axis(taker: Node, giver: Node) -> bool:
    """Return whether both run over as many classes; after a reshape their axes are no guide."""
    counts = []
    for node in (taker, giver):
        axis = node.options.get("dim")
        if axis is None or not node.shape:
            return True
        counts.append(node.shape[int(axis)])
    return counts[0] == counts[1]


def _by_values(record: Record) -> Iterator[Answer]:
    """Judge by the numbers alone, where the graph is hidden in compiled code."""
    facts = [loss for sample in record.samples for loss in sample.losses]
    rows = [loss.rows_sum_to for loss in facts if loss.kind == "cross_entropy"]
    rows = [each for each in rows if each is not None]
    low = min((loss.output.low for loss in facts), default=-1.0)
    sums_to_one = all(abs(each - 1) < ROUNDING for pair in rows for each in pair)
    if len(rows) >= FEWEST_SAMPLES and low >= 0 and sums_to_one:
        yield _finding("softmax", "cross_entropy", "loss", 0.97)
        return
    binary = [loss for loss in facts if loss.kind == "binary_cross_entropy_with_logits"]
    # Half of the logits of a fresh network are negative, and those of a trained one go beyond one.
    is_share = all(loss.output.low >= 0 and loss.output.high <= 1 for loss in binary)
    if len(binary) >= FEWEST_SAMPLES and is_share:
        yield _finding("sigmoid", "binary_cross_entropy_with_logits", "loss", 0.9)
        return
    if not rows and not binary:
        yield Unchecked("the loss graph could not be seen")


def _finding(giver: str, taker: str, place: str, confidence: float) -> Finding:
    loss = "cross_entropy" if taker in ("log-softmax", "softmax", "logsumexp") else taker
    return Finding(
        fault="double-softmax",
        where=place,
        severity="error",
        confidence=confidence,
        evidence={"the network ends in": giver, "the loss takes": taker},
        remedy=Remedy(
            f"Give the loss the output of the last layer: remove the {giver} from the network "
            f"(apply it only when predicting); {loss} contains it."
        ),
    )
