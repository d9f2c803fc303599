"""Which steps are looked at closely."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

# The first steps show what the initialization did, before training covers it; the later of them
# only as long as looks have taken no more than so many seconds.
ALWAYS, FIRST = 3, (1, 2, 3, 5, 8, 13)
MOST_AT_FIRST = 0.06
EVERY = 10
# Shares of the time and seconds that looking may take unless a rhythm was asked for. The share
# leaves room below the promised 3 % for what is done at every step; the seconds let a training
# of a second or two, where nobody notices them, show more than its beginning.
SHARE = 0.003
ALLOWANCE = 0.02
# The same for glances, at the loss and the examples only, at steps that the budget leaves out.
GLANCE_SHARE = 0.001
GLANCE_ALLOWANCE = 0.006
# Looks out of turn, whatever the budget.
MOST_STARTLED = 8
# What a look costs unseen is at most so many times what was counted.
MOST_HIDDEN = 2.0


class Sampler:
    """Says which steps are due, and keeps looking within its budget.

    Args:
        every: Steps between two samples, whatever it costs; None looks every tenth step as long
            as looking takes at most 0.3 % of the time.
    """

    def __init__(self, every: int | None) -> None:
        self.every = every
        self.began = time.perf_counter()
        self.spent = 0.0
        """Seconds that looking has taken."""
        self.glanced = 0.0
        """Seconds that glances have taken."""
        self.settled = 0.0
        """What had been spent when the step began that is looked at."""
        self.startled = 0
        """How often something has happened that was worth a look out of turn."""
        self.is_startled = False
        self.next = 1
        """The step to be decided on next; until then nothing is looked at."""
        self.is_due = self.is_glance_due = False
        """Whether the present step is one to look at closely, or only to glance at."""
        self.turn(1)

    def startle(self, step: int) -> None:
        """Have a step looked at out of turn, unless a rhythm was asked for.

        Args:
            step: Its number: that of the next one.
        """
        if self.every is None and self.startled < MOST_STARTLED:
            self.startled += 1
            self.next, self.is_startled = step, True

    def turn(self, step: int) -> None:
        """Decide whether to look at a step closely, or at least to glance at it.

        Args:
            step: Its number, counted from one.
        """
        if step < self.next:
            self.is_due = self.is_glance_due = False
            return
        self.is_due = self.is_startled or self._is_due(step)
        self.is_glance_due = not self.is_due and self._is_glance_due(step)
        self.is_startled = False
        self.settled = self.spent
        is_seen = self.is_due or self.is_glance_due
        self.next = step + 1 if is_seen else self._candidate_after(step)

    def _is_due(self, step: int) -> bool:
        if self.every is not None:
            return (step - 1) % self.every == 0
        if step in FIRST:
            return step <= ALWAYS or self.spent <= MOST_AT_FIRST
        return step % EVERY == 0 and self.is_affordable

    def _is_glance_due(self, step: int) -> bool:
        budget = GLANCE_ALLOWANCE + GLANCE_SHARE * (time.perf_counter() - self.began)
        return self.every is None and step % EVERY == 0 and self.glanced <= budget

    def _candidate_after(self, step: int) -> int:
        """Return the next step at which a look or a glance may be due and affordable."""
        if self.every is not None:
            return step + self.every - (step - 1) % self.every
        elapsed = time.perf_counter() - self.began
        wait = min(
            (self.spent - ALLOWANCE) / SHARE - elapsed,
            (self.glanced - GLANCE_ALLOWANCE) / GLANCE_SHARE - elapsed,
        )
        # At the pace so far; half of that, lest a sudden slowness be looked at too late.
        steps = int(max(0.0, wait) * step / (2 * elapsed)) if elapsed > 0 else 0
        regular = step + steps + EVERY - (step + steps) % EVERY
        return min([regular, *(each for each in FIRST if each > step)])

    @property
    def is_affordable(self) -> bool:
        """Whether the budget allows another look."""
        return self.spent <= ALLOWANCE + SHARE * (time.perf_counter() - self.began)

    def settle(self, seconds: float, usual: float) -> None:
        """Charge a step with all that it took beyond the usual, not only what was counted.

        Hooks slow a step down, and so does memory that is touched twice.

        Args:
            seconds: That the step took which was looked at.
            usual: What others take.
        """
        counted = self.spent - self.settled
        # A step that waited for something else is not to be charged for that.
        self.spent += min(max(0.0, seconds - usual - counted), MOST_HIDDEN * counted)

    @contextmanager
    def glancing(self) -> Iterator[None]:
        """Count the seconds of the block as those of a glance."""
        began = time.perf_counter()
        try:
            yield
        finally:
            self.glanced += time.perf_counter() - began

    @contextmanager
    def looking(self) -> Iterator[None]:
        """Count the seconds of the block."""
        began = time.perf_counter()
        try:
            yield
        finally:
            self.spent += time.perf_counter() - began
