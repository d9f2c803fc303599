"""Shapes that do not match, so that every output meets every target."""

from collections.abc import Iterator

from thalweg.doctor._finding import Finding, Remedy
from thalweg.doctor.checks._check import Answer, Unchecked, check
from thalweg.doctor.checks.reading._region import NEUTRAL, base, is_opaque, is_weighted, size
from thalweg.doctor.record import LossFacts, Node, Record

# Losses that compare entry by entry, and so spread shapes that differ.
BY_ENTRY = (
    "mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss", "poisson_nll_loss", "kl_div",
    "binary_cross_entropy", "binary_cross_entropy_with_logits",
)  # fmt: skip
# Operations of an error that somebody wrote by hand, up to its mean. Anything else between, say a
# softmax or a sum over one axis, means that all pairs are wanted: a kernel, a contrast.
OF_ERRORS = {
    "Pow", "Abs", "Mul", "Div", "Sub", "Add", "Rsub", "Neg", "Where", "Clamp", "ClampMin",
    "ClampMax", "Relu", "Softplus", "Maximum", "Minimum", "MseLoss", "SmoothL1Loss", "HuberLoss",
    "Expand", "Mean", "Sum", "Sqrt", "BinaryCrossEntropyWithLogits", "Exp", "Log",
    "Log1P", "Cosh", "LogSigmoid", "Sigmoid", "Tanh", "Logaddexp", "SoftMarginLoss",
}  # fmt: skip
SPREADS = ("Sub", "Rsub", "Mul", "Add", "Expand", "Div")


@check(
    "broadcast-loss",
    explains=("plateau", "output-clamped", "wrong-loss", "input-ignored", "missing-nonlinearity"),
)
def check_broadcast_loss(record: Record) -> Iterator[Answer]:
    """Find outputs that were spread along the targets' axis."""
    facts = [loss for sample in record.samples for loss in sample.losses]
    for loss in facts:
        if loss.kind in BY_ENTRY and _meets_all(loss.output_shape, loss.target_shape):
            yield _by_shapes(loss)
            return
    if is_opaque(record):
        if not facts:
            yield Unchecked("the loss graph could not be seen")
        return
    for place, under in _errors(record.graph):
        if _is_spread(record.graph, place, under):
            yield _by_graph(record.graph[under].shape, record.graph[place].shape)
            return


def _meets_all(output: list[int], target: list[int]) -> bool:
    """Return whether two shapes give more pairs than either has entries."""
    longest = max(len(output), len(target))
    one = [1] * (longest - len(output)) + output
    two = [1] * (longest - len(target)) + target
    pairs = size([max(pair) for pair in zip(one, two, strict=True)])
    return pairs > max(size(output), size(target)) > 0


def _errors(graph: list[Node]) -> Iterator[tuple[int, int]]:
    """Yield operations of the error, each with an input, down from the root."""
    queue, seen = [0], {0}
    while queue:
        place = queue.pop(0)
        name = base(graph[place])
        is_partial = name in ("Sum", "Mean") and size(graph[place].shape) > 1
        if (name not in OF_ERRORS and name not in NEUTRAL) or is_partial:
            continue
        if is_weighted(graph, place):
            continue
        for each in graph[place].inputs:
            yield place, each
            if each not in seen:
                seen.add(each)
                queue.append(each)


def _is_spread(graph: list[Node], place: int, under: int) -> bool:
    """Return whether an operation repeats its only input along an axis as long as the batch."""
    node, given = graph[place], graph[under]
    if base(node) not in SPREADS or len(node.inputs) != 1 or given.parameter is not None:
        return False
    if base(given) == "Unsqueeze" or not given.shape:
        return False  # Who adds an axis on purpose wants all pairs.
    before = [1] * (len(node.shape) - len(given.shape)) + given.shape
    grown = [new for old, new in zip(before, node.shape, strict=False) if old == 1 and new > 1]
    # What is fixed has the length of the batch along an axis that the output has not; where all
    # of it is known, it must be smaller than the pairs, or it is itself a table of pairs.
    if node.constant is not None and size(node.constant) == size(node.shape):
        return False
    return any(length == given.shape[0] > 1 for length in grown)


def _by_shapes(loss: LossFacts) -> Finding:
    return _finding(
        0.99,
        {"loss": loss.kind, "output shape": loss.output_shape, "target shape": loss.target_shape},
    )


def _by_graph(output: list[int], pairs: list[int]) -> Finding:
    return _finding(0.95, {"output shape": output, "shape of the errors": pairs})


def _finding(confidence: float, evidence: dict[str, object]) -> Finding:
    return Finding(
        fault="broadcast-loss",
        where="loss",
        severity="error",
        confidence=confidence,
        evidence=evidence,
        remedy=Remedy(
            "Give output and targets the same shape before they are compared: "
            "output = output.squeeze(-1), or targets = targets.unsqueeze(-1)."
        ),
    )
