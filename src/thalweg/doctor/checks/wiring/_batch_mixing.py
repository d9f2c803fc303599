"""Examples that leak into each other inside the network."""

import itertools
from collections.abc import Iterator

from thalweg.doctor._finding import Finding, Remedy
from thalweg.doctor.checks._check import Answer, Unchecked, check
from thalweg.doctor.checks.reading._linear_layers import parameter
from thalweg.doctor.checks.reading._region import base
from thalweg.doctor.record import Record

# In standard deviations of the output. Kernels sum in another order for another batch, which
# moves outputs by a few rounding errors of float32.
LARGEST_CHANGE = 1e-3


@check("batch-mixing")
def check_batch_mixing(record: Record) -> Iterator[Answer]:
    """Find networks whose answer to one example moves when another is replaced."""
    change = record.trials.get("batch-mixing")
    if change is None:
        unclear = "a trial on a copy could not tell whose output is whose"
        yield Unchecked(record.limits.get("trials", unclear))
    elif change > LARGEST_CHANGE and _is_one_batch(record):
        yield Unchecked(
            "every batch holds the same examples; they may be nodes of one graph, which answer "
            "to each other on purpose"
        )
    elif change > LARGEST_CHANGE and is_set(record):
        yield Unchecked("the rows may be the parts of one example, which all meet each other")
    elif change > LARGEST_CHANGE:
        yield Finding(
            fault="batch-mixing",
            where="the network's forward",
            severity="error",
            confidence=0.95,
            evidence={"change in standard deviations": change},
            remedy=Remedy(
                "Look for a view, reshape, softmax or attention over the batch axis, such as "
                "x.view(-1, n) where x.transpose(…) was meant, or batch_first=True left out."
            ),
            confirmed=True,
        )


def is_set(record: Record) -> bool:
    """Return whether all rows are multiplied with all, and never came in other company.

    Examples of a shuffled data set meet others in every pass; tokens, particles or nodes of an
    example stay together.
    """
    change = record.trials.get("batch-mixing", 0.0)
    batches = [each.inputs[0] for each in record.samples if each.inputs]
    if change <= LARGEST_CHANGE or not batches or len(batches[0].shape) != 2:
        return False
    count, graph = batches[0].shape[0], record.graph
    is_crossed = any(
        base(node) == "Mm"
        and node.shape == [count, count]
        and sum(parameter(graph, each) is None for each in node.inputs) == 2
        for node in graph
    )
    companies = [set(each.rows) for each in batches]
    return is_crossed and not any(
        one & other and one != other for one, other in itertools.combinations(companies, 2)
    )


def _is_one_batch(record: Record) -> bool:
    # Of large batches, only the first examples have been counted.
    sizes = [len(each.inputs[0].rows) for each in record.samples if each.inputs]
    return len(sizes) > 1 and record.different_rows <= min(sizes)
