"""What one process wishes, heeded by all at the same step."""

import time

import torch
from torch import Tensor
from torch import distributed as dist
from torch.distributed import ReduceOp

from thalweg.train._interruption import Interruption
from thalweg.train._ranks import Ranks
from thalweg.train._state import State

# Seconds between two agreements within an epoch: a signal waits no longer, and steps of less than
# a millisecond are not made to talk in each.
SECONDS = 0.05
MOST_STEPS = 100


class Agreement:
    """Tells every process of a signal to any, and of the first one's clock and wishes.

    Called after each step and each epoch, as an interruption is. Within an epoch the answer
    travels while the next step is computed; between epochs it is waited for.

    Args:
        ranks: The processes.
        interruption: The signal to this process; takes over that of another.
        state: Of the training.
    """

    def __init__(self, ranks: Ranks, interruption: Interruption, state: State) -> None:
        self.ranks = ranks
        self.interruption = interruption
        self.state = state
        self.seen = 0
        """The signal that all have heeded; zero for none."""
        self.seconds = 0.0
        """The first process's clock at the last agreement."""
        self.left = 1
        """Steps until the next agreement."""
        self.sent: tuple[Tensor, dist.Work] | None = None
        self.began = self.last = time.monotonic()
        self.step = state.step

    def __call__(self) -> bool:
        if self.sent is not None:
            flags, work = self.sent
            work.wait()
            self._heed(flags)
        self.left -= 1
        if self.state.batch == 0:
            self._heed(torch.tensor(self.ranks.most(self._wishes())))
        elif self.left <= 0:
            flags = torch.tensor(self._wishes())
            work = dist.all_reduce(flags, ReduceOp.MAX, self.ranks.control, async_op=True)
            assert work is not None
            self.sent = flags, work
        return self.seen > 0

    def clock(self) -> float:
        """Return the first process's time as all know it, in seconds since the beginning."""
        return self.seconds

    def conclude(self) -> None:
        """Agree for the last time: from here on each process is on its own."""
        if self.sent is not None:
            self.sent[1].wait()
        (number,) = self.ranks.most([self.interruption.signal or 0])
        self.interruption.signal = number or None

    def _wishes(self) -> list[int]:
        own = self.interruption.signal or 0
        if not self.ranks.is_first:
            return [own, 0, 1, 0]
        now = time.monotonic()
        each = (now - self.last) / max(self.state.step - self.step, 1)
        self.last, self.step = now, self.state.step
        steps = min(max(int(SECONDS / max(each, 1e-6)), 1), MOST_STEPS)
        return [own, int(self.state.is_wanted), steps, int(1000 * (now - self.began))]

    def _heed(self, flags: Tensor) -> None:
        self.sent = None
        number, is_wanted, self.left, milliseconds = flags.tolist()
        self.seconds = milliseconds / 1000
        if number:
            self.seen = self.interruption.signal = number
        if is_wanted:
            self.state.read()
