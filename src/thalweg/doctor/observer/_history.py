"""The rows and samples of the record, as many as memory shall hold."""

import math

from torch import Tensor

from thalweg.doctor.observer._window import Reading
from thalweg.doctor.record import Glance, Record, Sample, StepRow

# Steps whose losses may wait on an accelerator before they are read, all at once.
MOST_PENDING = 50
# Rows and samples that the record keeps. When there are more, every second one goes, of those
# after the beginning, and from then on only so many fewer come in.
MOST_STEPS, FIRST_STEPS = 4000, 500
MOST_SAMPLES, FIRST_SAMPLES = 200, 20


class History:
    """Keeps the beginning of a training whole and the rest evenly thinned.

    Args:
        record: Where to write it.
    """

    def __init__(self, record: Record) -> None:
        self.record = record
        self.pending: list[tuple[StepRow, Reading | None, Reading | None]] = []
        self.samples = 0
        self.stride = self.sample_stride = 1

    def add(self, row: StepRow, loss: Reading | None, root: Reading | None) -> None:
        """Keep a step; what waits on a device is read now and then."""
        rows = self.record.steps
        if len(rows) < FIRST_STEPS or row.step % self.stride == 0:
            rows.append(row)
        if len(rows) > MOST_STEPS:
            del rows[FIRST_STEPS::2]
            self.stride *= 2
        if isinstance(loss, Tensor) or isinstance(root, Tensor):
            self.pending.append((row, loss, root))
            if len(self.pending) >= MOST_PENDING:
                self.read()
        elif loss is not None and root is not None:
            row.loss, row.root = loss, root

    def read(self) -> None:
        """Bring the losses that wait on an accelerator to the record."""
        for row, loss, root in self.pending:
            row.loss, row.root = _number(loss), _number(root)
        self.pending.clear()

    def add_sample(self, sample: Sample) -> None:
        """Keep a step that was looked at closely."""
        samples = self.record.samples
        self.samples += 1
        if len(samples) < FIRST_SAMPLES or self.samples % self.sample_stride == 0:
            samples.append(sample)
        if len(samples) > MOST_SAMPLES:
            del samples[FIRST_SAMPLES::2]
            self.sample_stride *= 2

    def add_glance(self, glance: Glance) -> None:
        """Keep a step that was glanced at."""
        glances = self.record.glances
        glances.append(glance)
        if len(glances) > MOST_SAMPLES:
            del glances[::2]


def _number(reading: Reading | None) -> float:
    if isinstance(reading, Tensor):
        return float(reading.float().mean())
    return math.nan if reading is None else reading
