"""Inputs that are far from unit scale where they meet the first weights."""

import math
from collections.abc import Iterator

import numpy as np

from thalweg.doctor._finding import Finding, Remedy
from thalweg.doctor.checks._check import Answer, check
from thalweg.doctor.checks.reading import _progress
from thalweg.doctor.record import Moments, Record, Sample

# Initializations count on inputs of about unit size. Up to ten times that training gets by, as
# grey values up to sixteen do; beyond, the first layer's gradient is a hundred times that of the
# others, and no learning rate suits both.
LARGEST = 10.0
# A single column so large or so far off drowns the others even where these are fine.
LARGEST_COLUMN = 30.0
# Even the largest entry is smaller: the first layer gives little but its bias.
SMALLEST = 0.02
# In deviations, how far most columns lie from zero; the layer sees a constant with a little on it.
FARTHEST = 15.0
# A mean or deviation of a network's input and of a layer's is the same but for rounding.
SAME = 1e-3
WEIGHTED = ("linear", "convolution", "recurrent", "attention", "other")


@check(
    "input-scale",
    explains=("init-scale", "initial-loss", "loss-scale", "dead-units", "saturated-units",
              "lr-too-high", "lr-too-low", "plateau", "underfitting", "exploding-gradient"),
)  # fmt: skip
def check_input_scale(record: Record) -> Iterator[Answer]:
    """Compare what comes to the first weights with the unit scale that they were made for."""
    sample = next((each for each in record.samples if each.inputs), None)
    if sample is None:
        return
    layer = _first_layer(record, sample)
    if layer is None:
        return
    given = sample.modules[layer].input
    assert given is not None
    found = _overall(given) or _columns(record, layer)
    if found is None:
        return
    what, evidence = found
    is_learning = _progress.is_learning(record)
    yield Finding(
        fault="input-scale",
        where=evidence.pop("where", "inputs"),
        severity="warning" if is_learning else "error",
        confidence=0.9 if not is_learning else 0.7,
        evidence={"inputs are": what, **evidence, "first layer": layer or "the network"},
        remedy=Remedy(
            "Standardize with the training set's own numbers before batching: "
            "mean, std = train_x.mean(0), train_x.std(0); x = (x - mean) / std.clamp_min(1e-6), "
            "for validation with the same mean and std; images of bytes: x / 255."
        ),
    )


def _first_layer(record: Record, sample: Sample) -> str | None:
    """Return the first layer with weights that gets the network's input as it is.

    A normalization before it, or scaling in the network's own code, makes other numbers of it.
    """
    raw = [each.moments for each in sample.inputs if each.moments and each.type.startswith("float")]
    called = [path for path in sample.modules if record.modules[path].order >= 0]
    for path in sorted(called, key=lambda each: record.modules[each].order):
        facts, given = record.modules[path], sample.modules[path].input
        if facts.family in ("norm", "batch norm") and _is_any(given, raw):
            return None
        has_matrix = any(
            len(record.parameters[name].shape) > 1
            for name in facts.parameters
            if name in record.parameters
        )
        if facts.family in WEIGHTED and has_matrix and _is_any(given, raw):
            return path
    return None


def _is_any(given: Moments | None, raw: list[Moments]) -> bool:
    return given is not None and any(
        abs(given.mean - each.mean) <= SAME * (abs(each.mean) + each.std)
        and abs(given.std - each.std) <= SAME * each.std
        for each in raw
    )


def _overall(given: Moments) -> tuple[str, dict] | None:
    size = math.hypot(given.mean, given.std)
    evidence = {"mean": given.mean, "standard deviation": given.std}
    if size > LARGEST:
        return "large", {**evidence, "root mean square": size}
    largest = max(abs(given.low), abs(given.high))
    if 0 < largest < SMALLEST:
        return "tiny", {**evidence, "largest": largest}
    return None


def _columns(record: Record, layer: str) -> tuple[str, dict] | None:
    """Return columns that are large, or far from zero, in the median of the samples."""
    tables = [np.array(each.inputs[0].columns) for each in record.samples if each.inputs]
    tables = [each for each in tables if each.size and each.shape == tables[0].shape]
    if not tables:
        return None
    mean, std = np.median(np.stack(tables), axis=0).T
    sizes = np.hypot(mean, std)
    largest = int(sizes.argmax())
    if sizes[largest] > LARGEST_COLUMN:
        evidence = {
            "where": f"input column {largest}",
            "mean": float(mean[largest]),
            "standard deviation": float(std[largest]),
            "middle column's size": float(np.median(sizes)),
        }
        return "unequal", evidence
    # Constants differ in their last bits.
    varies = std > 1e-4 * (1 + np.abs(mean))
    if varies.any():
        far = np.abs(mean[varies]) > np.maximum(1.0, FARTHEST * std[varies])
        if far.mean() > 0.5:
            evidence = {"mean": float(np.median(mean)), "standard deviation": float(np.median(std))}
            return "far from zero", evidence
    return None
