"""Watches any training loop from one line around it."""

import dataclasses
import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Self

from torch import nn
from torch.optim import Optimizer

from thalweg.doctor._diagnose import diagnose
from thalweg.doctor._finding import Diagnosis, Finding
from thalweg.doctor.observer import Hooks, Observer, Sampler, attach, detach
from thalweg.doctor.record import Record
from thalweg.doctor.trials._confirm import confirmed
from thalweg.errors import SettingError

# For `on_finding`, the first diagnosis comes after so many steps, and each further one when so
# many times as many are done: what many steps have not shown, a few more do not show either.
FIRST_DIAGNOSIS, LATER = 50, 1.2


class Watch:
    """A training loop under watch; made by `watch`."""

    def __init__(
        self,
        models: dict[str, nn.Module],
        optimizers: list[Optimizer],
        *,
        every: int | None,
        trials: bool,
        on_finding: Callable[[Finding], None] | None,
    ) -> None:
        self.observer = Observer(models, optimizers, Sampler(every), takes_specimen=trials)
        self.hooks = Hooks(self.observer)
        self.trials = trials
        self.on_finding = on_finding
        self._told: set[tuple[str, str]] = set()
        self._diagnosis: Diagnosis | None = None
        self._next_diagnosis = FIRST_DIAGNOSIS
        if on_finding is not None:
            self.hooks.after_each_step = self._tell

    @property
    def record(self) -> Record:
        """What was seen, as plain numbers."""
        return self.observer.record

    @property
    def diagnosis(self) -> Diagnosis:
        """What is wrong, judged by what was seen so far."""
        if self._diagnosis is not None:
            return self._diagnosis
        self.observer.look_back()
        return diagnose(self.record)

    def __enter__(self) -> Self:
        if self._diagnosis is not None:
            raise SettingError("a watch ends with its block; make another one with watch().")
        attach(self.observer)
        self.hooks.install()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Take away every hook; an error of the loop goes on its way."""
        self.hooks.remove()
        detach(self.observer)
        if error is None:
            self.observer.try_on_copies()
        self._diagnosis = self._confirmed(self.diagnosis)
        self.observer.forget()

    @contextmanager
    def paused(self) -> Iterator[None]:
        """See nothing of what goes on in the block, and count none of its time.

        For work inside the loop that is none of the training, such as that of another network.
        """
        self.hooks.remove()
        detach(self.observer)
        began = time.perf_counter()
        try:
            yield
        finally:
            self.observer.skip(time.perf_counter() - began)
            attach(self.observer)
            self.hooks.install()

    def _tell(self) -> None:
        """Call the user's function with what was not found before."""
        if self.on_finding is None or self.record.count < self._next_diagnosis:
            return
        self._next_diagnosis = math.ceil(LATER * self.record.count)
        for finding in self.diagnosis.findings:
            if (finding.fault, finding.where) not in self._told:
                self._told.add((finding.fault, finding.where))
                self.on_finding(finding)

    def _confirmed(self, diagnosis: Diagnosis) -> Diagnosis:
        """Try the remedies on copies, where that was asked for."""
        if not self.trials:
            return diagnosis
        specimen = self.observer.closeup.specimen
        tried = tuple(confirmed(finding, specimen) for finding in diagnosis.findings)
        return dataclasses.replace(diagnosis, findings=tried)


def watch(
    model: nn.Module | Sequence[nn.Module],
    optimizer: Optimizer | Sequence[Optimizer] | None = None,
    *,
    every: int | None = None,
    trials: bool = False,
    on_finding: Callable[[Finding], None] | None = None,
) -> Watch:
    """Watch a training loop, and say afterwards why it does not learn; nothing if it does.

    The loop needs no other call, and trains to the same bits as without. On exit, also by an
    error, every hook is gone.

    Args:
        model: The network, or several.
        optimizer: What trains it, or several; None finds those that step during the watch.
        every: Steps between two close looks; by default every tenth, as long as that takes at
            most 0.3 % of the time; and steps after the loss has leapt.
        trials: Whether to try remedies on copies, to confirm what was found.
        on_finding: Called with each finding as soon as it is made.

    Returns:
        A context manager with the attribute `diagnosis`.

    Raises:
        SettingError: There is nothing to watch.

    Example:
        >>> import torch, thalweg as tw
        >>> model = torch.nn.Linear(4, 1)
        >>> optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        >>> with tw.watch(model, optimizer) as doctor:
        ...     for x in torch.randn(40, 16, 4, generator=torch.Generator().manual_seed(0)):
        ...         loss = torch.nn.functional.mse_loss(model(x), x.sum(1, keepdim=True))
        ...         loss.backward()
        ...         optimizer.step()
        >>> doctor.diagnosis.findings[0].fault
        'missing-zero-grad'
    """
    models: list[Any] = list(model) if isinstance(model, (list, tuple)) else [model]
    for each in models:
        if not isinstance(each, nn.Module):
            raise SettingError(f"watch needs a torch.nn.Module, got {type(each).__name__}.")
    if not any(True for each in models for _ in each.parameters()):
        raise SettingError("watch needs a network with parameters, and this one has none.")
    given = optimizer if isinstance(optimizer, (list, tuple)) else [optimizer]
    optimizers: list[Any] = [each for each in given if each is not None]
    for each in optimizers:
        if not isinstance(each, Optimizer):
            raise SettingError(f"watch needs a torch optimizer, got {type(each).__name__}.")
    if every is not None and every < 1:
        raise SettingError(f"every must be at least 1 step, got {every}.")
    names = [""] if len(models) == 1 else [str(place) for place in range(len(models))]
    return Watch(
        dict(zip(names, models, strict=True)),
        optimizers,
        every=every,
        trials=trials,
        on_finding=on_finding,
    )
