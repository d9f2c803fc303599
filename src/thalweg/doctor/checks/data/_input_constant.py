"""Inputs that never vary."""

from collections.abc import Iterator

import numpy as np

from thalweg.doctor._finding import Finding, Remedy, Severity
from thalweg.doctor.checks._check import Answer, Unchecked, check
from thalweg.doctor.checks.reading import _progress
from thalweg.doctor.record import InputFacts, Record

# Of fewer examples, that they are alike says little.
FEWEST_EXAMPLES = 40
FEWEST_BATCHES = 3
# Up to this many columns a table is taken to have been put together column by column. Pixels and
# counts of words have many that hardly ever vary.
FEW_COLUMNS = 40
# Of the columns of such a table; a column of ones and a rare flag or two are common.
MOST_CONSTANT = 0.4
MOST_CONSTANT_OF_MANY = 0.95


@check("input-constant", explains=("input-ignored", "repeated-batch", "label-noise", "leakage"))
def check_input_constant(record: Record) -> Iterator[Answer]:
    """Find examples that are all the same, and columns that are the same for all."""
    batches = [sample.inputs[0] for sample in record.samples if sample.inputs]
    batches = [each for each in batches if len(each.rows) > 1]
    examples = sum(len(each.rows) for each in batches)
    if len(batches) < FEWEST_BATCHES or examples < FEWEST_EXAMPLES:
        yield Unchecked("too few batches of several examples were looked at")
        return
    if any(each.moments is not None and each.moments.nonfinite for each in batches):
        return
    # A symbol alone is the same for many; a number or a vector is not.
    if len({row for each in batches for row in each.rows}) == 1:
        yield _finding("inputs", {"examples looked at": examples, "different examples": 1}, "error")
        return
    constant = _constant(batches)
    if constant is None:
        return
    share = float(constant.mean())
    bound = MOST_CONSTANT if len(constant) <= FEW_COLUMNS else MOST_CONSTANT_OF_MANY
    if share >= bound and len(constant) > 1:
        places = np.flatnonzero(constant)[:16].tolist()
        yield _finding(
            f"input columns {', '.join(map(str, places))}",
            {
                "constant columns": int(constant.sum()),
                "columns": len(constant),
                "examples looked at": examples,
            },
            "warning" if _progress.is_learning(record) else "error",
        )


def _constant(batches: list[InputFacts]) -> np.ndarray | None:
    """Return which columns had one value only in all batches."""
    tables = [np.array(each.columns) for each in batches if each.columns]
    if len(tables) < FEWEST_BATCHES or len({each.shape for each in tables}) > 1:
        return None
    mean, std = np.stack(tables).transpose(2, 0, 1)
    # Standardized constants differ in the last bits by which batch they stand in, and numbers that
    # are all tiny do not vary any less for it.
    size = min(1.0, float(np.hypot(mean, std).max()))
    noise = 1e-5 * (size + np.abs(mean).max(0))
    return (std.max(0) <= noise) & (np.ptp(mean, axis=0) <= noise)


def _finding(where: str, evidence: dict, severity: Severity) -> Finding:
    return Finding(
        fault="input-constant",
        where=where,
        severity=severity,
        confidence=0.95,
        evidence=evidence,
        remedy=Remedy(
            "Look at a few examples as the loop gets them, print(x[:4]): an index, a crop, a join "
            "or a vocabulary that matches nothing gives every example the same. Columns that are "
            "constant by nature: drop them, x = x[:, x.std(0) > 0]."
        ),
    )
