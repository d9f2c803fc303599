"""Losses and examples as samples and glances saw them, in the order of steps."""

from thalweg.doctor.record import LossFacts, Record


def losses(record: Record) -> list[tuple[int, list[LossFacts]]]:
    """Return by step what was compared."""
    found = [(each.step, each.losses) for each in (*record.samples, *record.glances)]
    return sorted((each for each in found if each[1]), key=lambda each: each[0])


def rows(record: Record) -> list[tuple[int, list[float]]]:
    """Return by step the digests of the examples of its first batch."""
    found = [(each.step, each.inputs[0].rows) for each in record.samples if each.inputs]
    found += [(each.step, each.rows) for each in record.glances]
    return sorted((each for each in found if each[1]), key=lambda each: each[0])
