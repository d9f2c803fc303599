"""Who looks on while a network trains."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from torch import nn
from torch.optim import Optimizer

from thalweg._core.choices import Choice
from thalweg.train.observers import isolated


@dataclass(frozen=True)
class Onlookers:
    """Who looks on while a network trains; none changes a number."""

    progress: bool = True
    """Whether to show a bar or lines."""
    announce: Callable[[list[Choice]], None] = lambda choices: None
    """Called with every choice before the first step, and with any made later."""
    wait: Callable[[str], None] = lambda why: None
    """Called with the reason before anything but training that takes seconds."""
    begun: Callable[[Path], None] = lambda folder: None
    """Called with the folder of a new run once nobody else can have it."""
    watch: Callable[[nn.Module, Optimizer], AbstractContextManager[Any]] | None = None
    """Makes the doctor's watch over the loop; what it has seen is its attribute `record`."""

    def tell(self, why: str) -> None:
        """Call `wait`; that it fails is no reason not to train."""
        isolated(partial(self.wait, why), lambda error: None)


USUAL = Onlookers()
"""Progress is shown, and nobody else looks on."""
