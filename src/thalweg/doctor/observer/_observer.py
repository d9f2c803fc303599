"""What a loop does, told by hooks and written to the record."""

import math
import time
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.utils.data import DataLoader, SequentialSampler

from thalweg.doctor.observer._closeup import CloseUp
from thalweg.doctor.observer._examples import Examples
from thalweg.doctor.observer._guard import Guarded, guarded
from thalweg.doctor.observer._history import History
from thalweg.doctor.observer._inventory import Inventory
from thalweg.doctor.observer._ledger import Ledger
from thalweg.doctor.observer._passes import Passes
from thalweg.doctor.observer._patches import Listener
from thalweg.doctor.observer._sampler import Sampler
from thalweg.doctor.observer._window import Window
from thalweg.doctor.probes import _inputs, _nonfinite
from thalweg.doctor.probes._losses import LossCall
from thalweg.doctor.probes._parameters import Step
from thalweg.doctor.record import LoaderFacts, Record, StepRow
from thalweg.doctor.trials._on_copies import try_on_copies
from thalweg.doctor.trials._specimen import Specimen

# Under which the graph of a loss keeps when its backward pass was.
NOTE = "thalweg step"


class Observer(Guarded, Listener):
    """Sees what a loop does to its networks and optimizers.

    Args:
        models: The watched modules by name; a single one has the empty name.
        optimizers: Those that train them.
        sampler: Which steps to look at closely.
        takes_specimen: Whether to copy network and batch at the first step, for trials.
    """

    def __init__(
        self,
        models: Mapping[str, nn.Module],
        optimizers: Sequence[Optimizer],
        sampler: Sampler,
        takes_specimen: bool = False,
    ) -> None:
        super().__init__(Record())
        self.models = models
        self.sampler = sampler
        self.inventory = Inventory(self.record)
        for name, model in models.items():
            self.inventory.add_model(name, model)
        for optimizer in optimizers:
            self.inventory.add_optimizer(optimizer)
        self.examples = Examples(self.record)
        self.passes = Passes(self.record, sampler, self.examples)
        self.history = History(self.record)
        self.closeup = CloseUp(self.record, self.inventory, self.examples)
        self.window = Window()
        self.loaders: dict[int, LoaderFacts] = {}
        self.time = time.perf_counter()
        self.is_due = sampler.is_due(1)
        """Whether the present step is one to look at closely."""
        self.takes_specimen = takes_specimen
        self.specimen: Specimen | None = None
        self.shape: torch.Size | None = None
        """Of the last batch trained on; None before the first."""

    @property
    def ledgers(self) -> dict[Optimizer, Ledger]:
        """The known optimizers, with whether their gradients are cleared."""
        return self.inventory.ledgers

    # What the network does.

    @guarded
    def on_forward(self, module: nn.Module, given: tuple[Any, ...]) -> None:
        """A watched network is called."""
        window = self.window
        if not torch.is_grad_enabled():
            window.note("e")
            self.passes.add(module, given, self.shape)
            return
        window.note("f")
        self.shape = _inputs.shape_of(given)
        window.batch = self.shape[0] if self.shape else 0
        window.examples += window.batch
        window.forwards += 1
        window.training_forwards += module.training
        window.inputs.append(given)
        window.entry = module
        del window.inputs[:-4]

    @guarded
    def on_module(self, path: str, given: Any, output: Any) -> None:
        """A module has given its output, in a sampled step."""
        with self.sampler.looking():
            self.closeup.add_module(self.window, path, given, output, path in self.models)

    @guarded
    def on_quiet_module(self, path: str) -> None:
        """A part of a network has been called without gradients, in a sampled step."""
        self.record.modules[path].quiet_calls += 1

    @guarded
    def on_loss(
        self, kind: str, given: tuple[Any, ...], options: dict[str, Any], value: Tensor
    ) -> None:
        """A loss function was called."""
        output, target, *rest = given
        if not isinstance(output, Tensor) or not isinstance(target, Tensor):
            return
        call = LossCall(kind, output, target, tuple(rest), options, value, value.requires_grad)
        if call.has_gradient:
            self.window.calls.append(call)
            del self.window.calls[:-8]
        elif not torch.is_grad_enabled() and value.numel() == 1:
            self.passes.add_loss(call)

    @guarded
    def on_stuck_dropout(self) -> None:
        """Functional dropout has dropped while gradients are off."""
        self.passes.add_stuck_dropout()

    # What the loop does.

    @guarded
    def before_backward(self, root: Tensor) -> None:
        """Gradients are about to be computed."""
        window, step = self.window, self.record.count + 1
        window.note("b")
        window.backwards += 1
        self.record.backwards += 1
        self.record.backwards_without_forward += "f" not in window.events
        window.is_training = next(iter(self.models.values())).training
        for ledger in self.ledgers.values():
            ledger.before_backward(looks=self.is_due)
        if root.grad_fn is not None:
            # The note stays with the graph, so that none has to be kept alive for comparison.
            notes: Any = root.grad_fn.metadata
            self.record.repeated_backwards += notes.setdefault(NOTE, step) != step
        window.read(root)
        if self.record.first_nonfinite is None and window.is_lost:
            self._look_for_nonfinite(root)
        if window.backwards == 1:
            if self.is_due:
                with self.sampler.looking():
                    self.closeup.look(window, root)
                    self._take_specimen()
            elif self.sampler.is_glance_due(step):
                with self.sampler.glancing():
                    self.history.add_glance(self.closeup.glance(window))
        window.calls.clear()

    def _look_for_nonfinite(self, root: Tensor) -> None:
        window, inventory = self.window, self.inventory
        given = window.inputs[-1] if window.inputs else ()
        with self.sampler.looking():
            self.record.first_nonfinite = _nonfinite.locate(
                self.record.count + 1, inventory.modules, inventory.names, given, window.calls, root
            )

    @guarded
    def after_backward(self) -> None:
        """Gradients have been computed."""
        for ledger in self.ledgers.values():
            ledger.after_backward()
        if self.window.stepping is not None and self.window.step is None:
            self._look_at_gradients(self.window.stepping)

    @guarded
    def before_step(self, optimizer: Optimizer) -> None:
        """An optimizer is about to step."""
        if optimizer not in self.ledgers:
            return
        self.ledgers[optimizer].before_step()
        self.window.stepping = optimizer
        # An optimizer with a closure computes its gradients while it steps.
        if self.window.backwards:
            self._look_at_gradients(optimizer)

    def _look_at_gradients(self, optimizer: Optimizer) -> None:
        if self.window.sample is not None:
            with self.sampler.looking():
                self.window.step = Step(optimizer, self.inventory.names)

    @guarded
    def after_step(self, optimizer: Optimizer) -> None:
        """An optimizer has stepped: the window closes."""
        ledger = self.ledgers.get(optimizer)
        if ledger is None:
            return
        window, now = self.window, time.perf_counter()
        window.note("s")
        self.record.count += 1
        row = StepRow(
            step=self.record.count,
            optimizer=list(self.ledgers).index(optimizer),
            loss=math.nan,
            root=math.nan,
            rate=float(optimizer.param_groups[0].get("lr", math.nan)),
            backwards=window.backwards,
            examples=window.examples,
            events="".join(window.events),
            is_training=window.is_training,
            is_stale=ledger.is_stale,
            own_backwards=ledger.backwards,
            wasted_backwards=ledger.wasted,
            forwards=window.forwards,
            training_forwards=window.training_forwards,
            seconds=now - self.time,
            waiting=window.waiting,
            syncs=window.syncs,
        )
        self.history.add(row, window.loss, window.root)
        self.sampler.settle(row.seconds, window.sample is not None)
        if window.sample is not None:
            with self.sampler.looking():
                if window.step is not None:
                    window.sample.parameters = window.step.motions()
                self.history.add_sample(window.sample)
        ledger.after_step()
        self.window = Window()
        self.is_due = self.sampler.is_due(self.record.count + 1)
        self.time = now

    @guarded
    def on_schedule(self) -> None:
        """A schedule has taken a step."""
        self.window.note("c")

    @guarded
    def on_wait(self, seconds: float) -> None:
        """A loader has given a batch."""
        self.window.waiting += seconds

    @guarded
    def on_sync(self) -> None:
        """The loop has taken a number from an accelerator."""
        self.window.syncs += 1

    @guarded
    def on_loader(self, loader: DataLoader) -> None:
        """An iteration over a loader begins."""
        if id(loader) not in self.loaders:
            self.loaders[id(loader)] = LoaderFacts(
                examples=_length(loader.dataset),
                batch_size=loader.batch_size,
                is_shuffled=not isinstance(loader.sampler, SequentialSampler),
                workers=loader.num_workers,
            )
            self.record.loaders.append(self.loaders[id(loader)])
        self.loaders[id(loader)].iterators += 1

    # What is done when the loop is over, or wants to know.

    @guarded
    def look_back(self) -> None:
        """Bring the record up to date: losses that wait, parameters that changed."""
        self.history.read()
        self.inventory.look_back()

    def _take_specimen(self) -> None:
        calls, optimizers, given = self.window.calls, [*self.ledgers], self.closeup.given
        if self.takes_specimen and given and len(calls) == len(optimizers) == 1:
            self.takes_specimen = False
            self.specimen = Specimen.take(*given, calls[0], optimizers[0])

    @guarded
    def try_on_copies(self) -> None:
        """See on copies whether examples mix, the future is seen, or the past forgotten."""
        if self.closeup.given is not None and "modules" not in self.record.limits:
            try_on_copies(self.record, *self.closeup.given, self.closeup.shift)

    def forget(self) -> None:
        """Let go of the loop's tensors and networks; what was seen of them is in the record."""
        self.window = Window()
        self.inventory = Inventory(Record())
        self.closeup = CloseUp(Record(), self.inventory, self.examples)
        self.passes = Passes(Record(), self.sampler, self.examples)
        self.specimen = None


def _length(dataset: Any) -> int | None:
    """Return how many examples a data set has; None where it does not know."""
    try:
        return len(dataset)
    except (TypeError, NotImplementedError):
        return None
