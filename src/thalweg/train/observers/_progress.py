"""What a person sees while a network trains."""

import math
import time
from typing import TYPE_CHECKING

from thalweg._core import formats
from thalweg.train._state import State
from thalweg.train.observers._observer import Observer

if TYPE_CHECKING:
    from rich.progress import Progress as Bar

# Times per second that a bar is redrawn: each reads the loss and so waits for the device.
REDRAWS_PER_SECOND = 4
# Seconds between two plain lines when the output is not a terminal.
SECONDS_BETWEEN_LINES = 5.0


class Progress(Observer):
    """A bar in a terminal, a line now and then elsewhere; both on standard error.

    Both show loss, metric, examples per second, and the time left.

    Args:
        epochs: Of the whole run.
        examples: In the training part.
        steps: Optimizer steps per epoch.
        metric: Name of the validation metric to show.
    """

    def __init__(self, epochs: int, examples: int, steps: int, metric: str) -> None:
        from rich.console import Console  # Late: who shows no progress need not wait for it.

        self.epochs = epochs
        self.examples = examples
        self.steps = steps
        self.metric = metric
        self.console = Console(stderr=True, highlight=False)
        self.bar: Bar | None = None

    def start(self, state: State) -> None:
        self.began = self.last = time.monotonic()
        self.first = state.step
        if self.console.is_terminal:
            from rich.progress import BarColumn, TextColumn
            from rich.progress import Progress as Bar

            self.bar = Bar(
                TextColumn("{task.description}"),
                BarColumn(bar_width=28),
                TextColumn("{task.fields[line]}"),
                console=self.console,
                auto_refresh=False,
            )
            total = self.epochs * self.steps
            where = f"epoch {state.epoch + 1}/{self.epochs}"
            self.task = self.bar.add_task(where, total=total, completed=state.step, line="")
            self.bar.start()

    def step(self, state: State) -> None:
        now = time.monotonic()
        pause = 1 / REDRAWS_PER_SECOND if self.bar else SECONDS_BETWEEN_LINES
        if now - self.last < pause:
            return
        self.last = now
        state.want()
        self._show(state, state.epoch + 1)

    def epoch(self, state: State) -> None:
        if self.bar is None and state.epoch < self.epochs:
            return
        self._show(state, state.epoch)

    def end(self, state: State) -> None:
        self.close()
        if state.stopped:
            where = f"in epoch {state.epoch + 1}" if state.batch else f"after epoch {state.epoch}"
            self._say(f"Stopped {where}: {state.stopped}.{_gone_back(state)}")
        row = state.history.epochs[state.best.epoch - 1] if state.best and state.best.epoch else {}
        if state.best and "valid_loss" in row:
            measured = ", ".join(
                f"{name.replace('_', ' ')} {formats.figure(value)}"
                for name, value in row.items()
                if name.startswith(("valid_", "train_"))
            )
            self._say(f"Best epoch {state.best.epoch}: {measured}.")

    def _say(self, line: str) -> None:
        from rich.text import Text

        self.console.print(Text(line), soft_wrap=True)

    def close(self) -> None:
        """Give the terminal back; to be called too where training ends in an error."""
        if self.bar is not None:
            self.bar.stop()

    def _show(self, state: State, epoch: int) -> None:
        line = self._line(state)
        where = f"epoch {epoch}/{self.epochs}"
        if self.bar is not None:
            self.bar.update(
                self.task, description=where, completed=state.step, line=line, refresh=True
            )
        else:
            self._say(f"{where}  {line}")

    def _line(self, state: State) -> str:
        rows = state.history.epochs
        loss = state.train_loss
        if math.isnan(loss) and rows:
            loss = rows[-1]["train_loss"]
        parts = [f"loss {formats.figure(loss)}"]
        if rows and f"valid_{self.metric}" in rows[-1]:
            parts.append(f"valid {self.metric} {formats.figure(rows[-1][f'valid_{self.metric}'])}")
        done = state.step - self.first
        elapsed = time.monotonic() - self.began
        if done and elapsed > 0:
            speed = done / elapsed
            left = (self.epochs * self.steps - state.step) / speed
            parts.append(f"{formats.count(speed * self.examples / self.steps)} examples/s")
            parts.append(f"{formats.seconds(left or elapsed)} {'left' if left else 'in all'}")
        return "  ".join(parts)


def _gone_back(state: State) -> str:
    """Return whose weights a network has after training has failed, as a sentence."""
    if not state.has_diverged or state.kept is None:
        return ""
    epoch = state.kept.epoch
    return (
        f" The weights are those {f'of epoch {epoch}' if epoch else 'from before the first step'}."
    )
