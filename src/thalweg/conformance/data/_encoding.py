"""Encoding: finite, of the shape that the schema says, learned on the training part alone."""

import json

import torch
from torch import Tensor

from thalweg.conformance._suite import NotApplicable, Verdict
from thalweg.conformance.data._case import SPLITS, SplitsCase
from thalweg.data import PARTS, Encoder, Schema

# Rows normalized at once: 256 pictures of 224×224 in colour take 150 MiB.
CHUNK = 256
# Rows that are also normalized one by one.
ROWS = 8
# Rounding to single precision moves a mean by less than 1e-6; fitting on all of 1,797 examples,
# and not on the 1,258 that train, by some 1e-2.
CENTRED = 1e-4


@SPLITS.check("Fill or drop what is missing, and let normalize() return float32.")
def check_inputs(case: SplitsCase) -> Verdict:
    """Normalized, every example is of float32, finite, and of the shape that the schema says."""
    encoder = case.splits.schema.encoder
    for part in PARTS:
        for stored in case.splits[part].inputs.split(CHUNK):
            inputs = encoder.normalize(stored.clone())
            if inputs.dtype != torch.float32 or inputs.shape[1:] != tuple(encoder.shape):
                return f"{inputs.dtype} of shape {tuple(inputs.shape)} in {part}."
            if not bool(torch.isfinite(inputs).all()):
                return f"values that are no finite numbers in {part}."
    return None


@SPLITS.check("Let normalize() write into a new tensor.")
def check_stored_stay(case: SplitsCase) -> Verdict:
    """Normalizing leaves the stored examples as they are."""
    stored = case.splits.train.inputs[:CHUNK].clone()
    before = stored.clone()
    case.splits.schema.encoder.normalize(stored)
    return None if torch.equal(stored, before) else "stored examples that changed."


@SPLITS.check("Normalize with moments that were learned before, not with those of the batch.")
def check_normalized_apart(case: SplitsCase) -> Verdict:
    """An example is normalized alike alone and in a batch, bit for bit."""
    encoder, stored = case.splits.schema.encoder, case.splits.train.inputs[:ROWS]
    whole = encoder.normalize(stored.clone())
    alone = torch.cat([encoder.normalize(one.clone()) for one in stored.split(1)])
    return None if torch.equal(alone, whole) else "another result alone."


@SPLITS.check("Fit the encoder on the training part alone: Inputs.select(rows).fit().")
def check_fitted_on_train(case: SplitsCase) -> Verdict:
    """What the encoder standardizes has mean 0 and variance 1, or 0, on the training part."""
    encoder, inputs = case.splits.schema.encoder, case.splits.train.inputs
    if encoder.kind not in ("array", "image", "table"):
        return NotApplicable(f"nobody says what an encoder of kind {encoder.kind!r} standardizes")
    if case.splits.schema.options.get("standardize") == "imagenet":
        return NotApplicable("the moments are published ones, as was asked for")
    sums = [_moments(encoder, chunk) for chunk in inputs.split(CHUNK)]
    number = sum(count for count, _, _ in sums)
    mean = torch.stack([first for _, first, _ in sums]).sum(dim=0) / number
    square = torch.stack([second for _, _, second in sums]).sum(dim=0) / number
    variance = square - mean.square()
    if not len(mean):
        return NotApplicable("there is no column of numbers without gaps")
    if float(mean.abs().max()) > CENTRED:
        return f"a mean of {float(mean[mean.abs().argmax()]):.1e}."
    wrong = ((variance - 1).abs() > 10 * CENTRED) & (variance.abs() > CENTRED)
    return f"a variance of {float(variance[wrong][0]):.4g}." if bool(wrong.any()) else None


@SPLITS.check("Return everything that was learned from to_json(), and take it in from_json().")
def check_schema_round_trip(case: SplitsCase) -> Verdict:
    """The schema, through JSON, is the same and normalizes the same, bit for bit."""
    schema = case.splits.schema
    written = json.dumps(schema.to_json(), allow_nan=False)
    again = Schema.from_json(json.loads(written))
    if json.dumps(again.to_json(), allow_nan=False) != written:
        return "another schema."
    stored = case.splits.train.inputs[:ROWS]
    first, second = (each.encoder.normalize(stored.clone()) for each in (schema, again))
    return None if torch.equal(first, second) else "other inputs from the encoder read back."


def _moments(encoder: Encoder, stored: Tensor) -> tuple[int, Tensor, Tensor]:
    """Return how many values each feature has here, their sum, and that of their squares."""
    values = encoder.normalize(stored.clone()).double()
    if encoder.kind == "image":
        values = values.movedim(1, -1).flatten(0, -2)  # (pixels, channels)
    values = values.flatten(1)[:, _standardized(encoder, values[0].numel())]
    return len(values), values.sum(dim=0), values.square().sum(dim=0)


def _standardized(encoder: Encoder, features: int) -> list[int]:
    """Return which features have mean 0 and variance 1: of a table, numbers without gaps."""
    if encoder.kind != "table":
        return list(range(features))
    from thalweg.data import TableEncoder  # Late: it needs polars.

    assert isinstance(encoder, TableEncoder)
    is_one = [
        column.kind in ("number", "boolean") and getattr(column, "missing", 1) == 0
        for column in encoder.columns
        for _ in column.features
    ]
    return [place for place, one in enumerate(is_one) if one]
