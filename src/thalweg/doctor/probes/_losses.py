"""What a loss function compared."""

from typing import Any, NamedTuple

import torch
from torch import Tensor

from thalweg.doctor.probes._moments import MOST_ENTRIES, Measured
from thalweg.doctor.record import LossFacts, Moments

MOST_VALUES = 50
LONGEST_SEQUENCE = 256
MOST_CLASSES = 1000
OF_CLASSES = ("cross_entropy", "nll_loss")
# An example whose own class gets less than a tenth, while another gets nine tenths, is one that
# the network is sure to be labelled wrong.
OWN, OTHER = 0.1, 0.9
QUARTERS = 4


class LossCall(NamedTuple):
    """A loss function's arguments and result, until they are looked at."""

    kind: str
    output: Tensor
    target: Tensor
    rest: tuple[Any, ...]
    """Further arguments by position."""
    options: dict[str, Any]
    value: Tensor


def facts(call: LossCall, measured: Measured) -> LossFacts:
    """Return what was compared, and how well it agreed."""
    output, target = call.output.detach(), call.target.detach()
    found = LossFacts(
        kind=call.kind,
        reduction=str(call.options.get("reduction", "mean")),
        value=float(call.value.detach().float().mean()),
        output_shape=list(output.shape),
        target_shape=list(target.shape),
        target_type=str(target.dtype).removeprefix("torch."),
        output=measured.moments(call.output) or Moments(0.0, 0.0, 0.0, 0.0),
        target=measured.moments(call.target),
    )
    found.is_weighted = any(
        isinstance(each, Tensor) for each in (*call.rest, *call.options.values())
    )
    found.is_smoothed = bool(call.options.get("label_smoothing"))
    found.sequence = target.flatten()[:LONGEST_SEQUENCE].double().tolist()
    distinct = target.flatten()[:10_000].unique()
    if len(distinct) <= MOST_VALUES:
        found.target_values = distinct.double().tolist()
    if output.ndim > 1 and output.shape[1] > 1:
        sums = output.float().sum(1)
        found.rows_sum_to = (float(sums.min()), float(sums.max()))
        sums = output.float().exp().sum(1)
        found.log_rows_sum_to = (float(sums.min()), float(sums.max()))
    if target.is_floating_point() and target.ndim > 1 and target.shape[1] > 1:
        sums = target.float().sum(1)
        found.target_rows_sum_to = (float(sums.min()), float(sums.max()))
    if target.is_floating_point() and target.ndim > 1 and 1 < len(target) < target.numel():
        columns = target.flatten(1).float()
        columns = columns[:, :: -(-columns.numel() // MOST_ENTRIES)]
        found.target_variance = float(columns.var(0).mean())
    if output.ndim and len(output) > 1 and output.is_floating_point():
        found.spread_over_examples = float(output.float().std(0, correction=0).mean())
    _add_classes(found, output, target)
    return found


def agreement(call: LossCall) -> tuple[list[int], list[int], list[int]]:
    """Return targets, answers and right answers by class; nothing where that has no meaning."""
    labels = _labels(call.kind, call.output.detach(), call.target.detach())
    if labels is None or not labels[0].numel():
        return [], [], []
    return _by_class(call.kind, call.output, *labels)


def sureness(call: LossCall) -> tuple[list[float], list[float]]:
    """Return how sure the answers are, and how many are right, by quarters of the batch."""
    output, target = call.output.detach(), call.target.detach()
    labels = _labels(call.kind, output, target)
    if labels is None:
        return [], []
    return _sureness(call.kind, output, target, labels[0] == labels[1])


def _by_class(
    kind: str, output: Tensor, answers: Tensor, targets: Tensor
) -> tuple[list[int], list[int], list[int]]:
    classes = int(torch.maximum(answers.max(), targets.max())) + 1
    classes = max(classes, output.shape[1] if kind in OF_CLASSES else 2)
    right = targets[answers == targets]
    counts = [each.bincount(minlength=classes) for each in (targets, answers, right)]
    return counts[0].tolist(), counts[1].tolist(), counts[2].tolist()


def _labels(kind: str, output: Tensor, target: Tensor) -> tuple[Tensor, Tensor] | None:
    """Return answers and targets as classes; None where the loss is none of classes."""
    if kind in OF_CLASSES and output.ndim > 1 and output.shape[1] <= MOST_CLASSES:
        if not target.is_floating_point():
            is_counted = target >= 0  # A negative class is one to be ignored.
            return output.argmax(1)[is_counted], target[is_counted]
        if target.shape == output.shape:
            return output.argmax(1).flatten(), target.argmax(1).flatten()
    if kind.startswith("binary_cross_entropy") and output.shape == target.shape:
        bound = 0.0 if kind.endswith("logits") else 0.5
        return (output > bound).long().flatten(), (target > 0.5).long().flatten()
    return None


def _add_classes(found: LossFacts, output: Tensor, target: Tensor) -> None:
    labels = _labels(found.kind, output, target)
    if labels is None or not labels[0].numel():
        return
    answers, targets = labels
    by_class = _by_class(found.kind, output, answers, targets)
    found.counts, found.predicted, found.correct = by_class
    found.sureness, found.sure_right = _sureness(found.kind, output, target, answers == targets)
    if found.kind in OF_CLASSES and output.ndim == 2 and not target.is_floating_point():
        logits = output.float()
        shares = logits.exp() if found.kind == "nll_loss" else logits.softmax(1)
        is_counted = target >= 0
        own = shares[is_counted].gather(1, target[is_counted][:, None])[:, 0]
        highest = shares[is_counted].amax(1)
        found.contradicted = float(((own < OWN) & (highest > OTHER)).float().mean())


def _sureness(
    kind: str, output: Tensor, target: Tensor, is_right: Tensor
) -> tuple[list[float], list[float]]:
    """Sort the answers by how sure the network is of them, and count the right ones."""
    if kind in OF_CLASSES:
        logits = output.float()
        shares = logits.exp() if kind == "nll_loss" else logits.softmax(1)
        highest = shares.amax(1)
        highest = highest.flatten() if target.is_floating_point() else highest[target >= 0]
    else:
        chance = output.float().flatten()
        chance = chance.sigmoid() if kind.endswith("logits") else chance
        highest = torch.maximum(chance, 1 - chance)
    if len(highest) < 2 * QUARTERS or len(highest) != len(is_right):
        return [], []
    # Half a unit in the last place decides ties otherwise, and differently on every machine.
    quarters = highest.argsort(stable=True).tensor_split(QUARTERS)
    sure = [highest[part].mean() for part in quarters]
    right = [is_right[part].float().mean() for part in quarters]
    return torch.stack(sure).tolist(), torch.stack(right).tolist()
