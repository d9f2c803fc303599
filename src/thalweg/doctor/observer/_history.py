"""The rows and samples of the record, as many as memory shall hold."""

import math

from torch import Tensor

from thalweg.doctor.observer._window import number
from thalweg.doctor.record import Glance, Record, Sample, StepRow

# Steps whose losses may wait on an accelerator before they are read, all at once.
MOST_UNREAD = 50
# Rows that the record keeps: all of the beginning, in which a loop shows what it does, and some
# of what follows, evenly. When there are too many, every second one of these goes, and from then
# on only so many fewer come in. Samples are thinned in the same way.
MOST_STEPS, FIRST_STEPS, STRIDE = 4000, 1000, 8
RECENT = 10
# Losses that tell how far losses stray.
FEWEST = 20
MOST_SAMPLES, FIRST_SAMPLES = 200, 20


class History:
    """Keeps the beginning of a training whole and the rest evenly thinned.

    Args:
        record: Where to write it.
    """

    def __init__(self, record: Record) -> None:
        self.record = record
        self.unread: list[tuple[StepRow, Tensor, Tensor]] = []
        self.samples = 0
        self.stride, self.sample_stride = STRIDE, 1
        self.low, self.high = math.inf, -math.inf
        """Of the losses so far."""

    def keeps(self, step: int) -> bool:
        """Return whether the row of a step is kept, unless the step is looked at."""
        return step <= FIRST_STEPS or step % self.stride == 0

    def add(self, row: StepRow, unread: tuple[Tensor, Tensor] | None) -> None:
        """Keep a step; losses that wait on an accelerator are read now and then."""
        rows = self.record.steps
        rows.append(row)
        if len(rows) > MOST_STEPS:
            del rows[FIRST_STEPS::2]
            self.stride *= 2
        if unread is not None:
            self.unread.append((row, *unread))
            if len(self.unread) >= MOST_UNREAD:
                self.read()

    def leaps(self, row: StepRow) -> bool:
        """Return whether a loss is so far above all before that a closer look may show why."""
        loss, low, high = row.loss, self.low, self.high
        if loss < low:
            self.low = loss
        if loss > high:
            self.high = loss
        return loss > high + (high - low) and row.step > FEWEST

    def read(self) -> None:
        """Bring the losses that wait on an accelerator to the record."""
        for row, loss, root in self.unread:
            row.loss, row.root = number(loss), number(root)
        self.unread.clear()

    def usual_seconds(self) -> float:
        """Return what a step takes that nothing holds up, judged by the newest ones."""
        return min(row.seconds for row in self.record.steps[-RECENT:])

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
