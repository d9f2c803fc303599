"""The rows and samples of the record, as many as memory shall hold."""

from torch import Tensor

from thalweg.doctor.observer._window import number
from thalweg.doctor.record import Glance, Record, Sample, StepRow

# Steps whose losses may wait on an accelerator before they are read, all at once.
MOST_UNREAD = 50
# Rows that the record keeps: all of the beginning, in which a loop shows what it does, and of what
# follows every eighth block of eight. When there are too many, every second row of these goes, and
# from then on half as many blocks come in. Samples are thinned in the same way.
MOST_STEPS, FIRST_STEPS = 4000, 500
BLOCK, BLOCKS = 8, 8
RECENT = 10
MOST_SAMPLES, FIRST_SAMPLES = 200, 20


class History:
    """Keeps the beginning of a training whole, and of the rest some that is evenly spread.

    Args:
        record: Where to write it.
    """

    def __init__(self, record: Record) -> None:
        self.record = record
        self.unread: list[tuple[StepRow, Tensor, Tensor]] = []
        self.samples = 0
        self.blocks = BLOCKS
        """Of how many blocks one is kept."""
        self.sample_stride = 1

    def next_kept(self, step: int) -> int:
        """Return the first step from this one on whose row is kept, looked at or not.

        It is another block in each group of blocks, lest epochs of some length show one part only.
        """
        if step <= FIRST_STEPS:
            return step
        block = step // BLOCK
        group = block // self.blocks
        kept = group * self.blocks + group % self.blocks
        if block > kept:
            group += 1
            kept = group * self.blocks + group % self.blocks
        return max(step, kept * BLOCK)

    def add(self, row: StepRow, unread: tuple[Tensor, Tensor] | None) -> None:
        """Keep a step; losses that wait on an accelerator are read now and then."""
        rows = self.record.steps
        rows.append(row)
        if len(rows) > MOST_STEPS:
            del rows[FIRST_STEPS::2]
            self.blocks *= 2
        if unread is not None:
            self.unread.append((row, *unread))
            if len(self.unread) >= MOST_UNREAD:
                self.read()

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
