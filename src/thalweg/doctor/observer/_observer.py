"""What a loop does, told by hooks and written to the record."""

import time
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.utils.data import DataLoader

from thalweg.doctor.observer._closeup import CloseUp
from thalweg.doctor.observer._examples import Examples
from thalweg.doctor.observer._guard import Guarded, guarded
from thalweg.doctor.observer._history import History
from thalweg.doctor.observer._inventory import Inventory
from thalweg.doctor.observer._ledger import Ledger
from thalweg.doctor.observer._listener import Listener
from thalweg.doctor.observer._loaders import Loaders
from thalweg.doctor.observer._passes import Passes
from thalweg.doctor.observer._passing import Passing
from thalweg.doctor.observer._sampler import Sampler
from thalweg.doctor.observer._window import MOST_EVENTS, Window
from thalweg.doctor.probes import _inputs
from thalweg.doctor.probes._losses import LossCall
from thalweg.doctor.probes._parameters import Step
from thalweg.doctor.record import Record, Sample

# Calls of the network, and of loss functions, that are remembered until they are looked at.
MOST_INPUTS, MOST_CALLS = 4, 8
# Steps whose losses tell how far losses stray.
FEWEST = 20


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
        self.first_model = next(iter(models.values()))
        self.sampler = sampler
        self.inventory = Inventory(self.record)
        for name, model in models.items():
            self.inventory.add_model(name, model)
        for optimizer in optimizers:
            self.inventory.add_optimizer(optimizer)
        self.ledgers = self.inventory.ledgers
        """The known optimizers, with whether their gradients are cleared."""
        self.examples = Examples(self.record)
        self.passes = Passes(self.record, sampler, self.examples)
        self.history = History(self.record)
        self.closeup = CloseUp(self.record, self.inventory, self.examples, takes_specimen)
        self.window = Window()
        self.loaders = Loaders(self.record)
        self.time = time.perf_counter()
        self.passing = Passing(self.record, self._wake)
        self.has_leapt = False
        """Whether a loss of this step is far above all before."""
        self.is_whole = True
        """Whether the present step is seen from its beginning, so that it may leave a row."""
        self.next_row = 1
        """The step whose row is kept next, whether looked at or not."""
        self.has_kept_graph = False
        """Whether gradients of a loss might be computed twice."""
        self.shape: torch.Size | None = None
        """Of the last batch trained on; None before the first."""

    # What the network does.

    @guarded
    def on_forward(self, module: nn.Module, given: tuple[Any, ...]) -> None:
        """A watched network is called."""
        window, row = self.window, self.window.row
        window.inputs.append(given)
        window.entry = module
        if len(window.inputs) > MOST_INPUTS:
            del window.inputs[0]
        if row.forwards < MOST_EVENTS:
            row.events += "f"
        self.shape = shape = _inputs.shape_of(given)
        if shape:
            window.batch = shape[0]
            row.examples += window.batch
        row.forwards += 1
        row.training_forwards += module.training

    @guarded
    def on_quiet_forward(self, module: nn.Module, given: tuple[Any, ...]) -> None:
        """A watched network is called without gradients."""
        self._wake()
        self.window.note("e")
        self.passes.add(module, given, self.shape)

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
        output, target = given[:2]
        if not isinstance(output, Tensor) or not isinstance(target, Tensor):
            return
        call = LossCall(kind, output, target, given[2:], options, value)
        if value.requires_grad:
            self.window.calls.append(call)
            if len(self.window.calls) > MOST_CALLS:
                del self.window.calls[0]
        elif not torch.is_grad_enabled() and value.numel() == 1:
            self.passes.add_loss(call)

    @guarded
    def on_stuck_dropout(self) -> None:
        """Functional dropout has dropped while gradients are off."""
        self.passes.add_stuck_dropout()

    # What the loop does.

    @guarded
    def before_backward(self, root: Tensor, keeps_graph: bool) -> bool:
        """Gradients are about to be computed."""
        window = self.window
        has_end = self._note_backward(root, keeps_graph)
        if window.read(root) and self.record.first_nonfinite is None:
            with self.sampler.looking():
                self.closeup.find_nonfinite(window, root)
        self.has_leapt |= self.passing.follow(window.row.root)
        if window.row.backwards == 1:
            if self.sampler.is_due:
                with self.sampler.looking():
                    self.closeup.look(window, root)
            elif self.sampler.is_glance_due:
                with self.sampler.glancing():
                    self.history.add_glance(self.closeup.glance(window))
        window.calls.clear()
        return has_end

    def _note_backward(self, root: Tensor, keeps_graph: bool) -> bool:
        """Take note of a backward pass, and return whether its end is awaited."""
        row = self.window.row
        if row.backwards < MOST_EVENTS:
            row.events += "b"
        row.backwards += 1
        row.is_training = self.first_model.training
        self.record.backwards += 1
        self.record.backwards_without_forward += "f" not in row.events
        has_end = self.window.stepping is not None
        for ledger in self.ledgers.values():
            has_end |= ledger.before_backward(looks=self.sampler.is_due)
        self.has_kept_graph |= keeps_graph
        if self.has_kept_graph:
            self.closeup.note_repeated(root, row.step)
        return has_end

    @guarded
    def after_backward(self) -> None:
        """Gradients have been computed."""
        for ledger in self.ledgers.values():
            ledger.after_backward()
        if self.window.stepping is not None and self.window.step is None:
            self._look_at_gradients(self.window.stepping)

    @guarded
    def before_step(self, optimizer: Optimizer) -> None:
        """An optimizer is about to take a step that is looked at closely."""
        if optimizer not in self.ledgers:
            return
        self.window.stepping = optimizer
        # An optimizer with a closure computes its gradients while it steps.
        if self.window.row.backwards:
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
        window, row, now = self.window, self.window.row, time.perf_counter()
        self.record.count = row.step
        row.events += "s"
        row.seconds = now - self.time
        ledger.after_step(row)
        if self.is_whole and (window.sample is not None or row.step == self.next_row):
            self.history.add(row, window.unread)
        if self.has_leapt and row.step > FEWEST:
            self.sampler.startle(row.step + 1)
        self.has_leapt = False
        if window.sample is not None:
            self._end_sample(window.sample)
        self._turn(ledger)
        self.time = now

    def _turn(self, ledger: Ledger) -> None:
        """Begin the next step, and leave it to another listener if there is nothing to see."""
        step = self.window.row.step + 1
        self.sampler.turn(step)
        self.window.turn(step)
        ledger.turn()
        self.next_row = self.history.next_kept(step)
        self.is_whole = (
            step == self.next_row
            or self.sampler.is_due
            or self.sampler.is_glance_due
            # Where several optimizers take turns, or graphs are kept, rows are read together.
            or self.has_kept_graph
            or len(self.ledgers) > 1
        )
        if not self.is_whole:
            until = min(self.next_row, self.sampler.next)
            self.passing.begin(ledger.optimizer, step, until)
            self.now = self.passing

    def _wake(self) -> Listener:
        """See to the present step, if somebody else has so far."""
        if self.now is not self:
            self.now = self
            self.window.resume(self.passing.step, self.passing.given)
        return self

    def _end_sample(self, sample: Sample) -> None:
        self.sampler.settle(self.window.row.seconds, self.history.usual_seconds())
        with self.sampler.looking():
            if self.window.step is not None:
                sample.parameters = self.window.step.motions()
            self.history.add_sample(sample)

    @guarded
    def on_schedule(self) -> None:
        """A schedule has taken a step."""
        self.window.note("c")

    @guarded
    def on_wait(self, seconds: float) -> None:
        """A loader has given a batch."""
        self.window.row.waiting += seconds

    @guarded
    def on_sync(self) -> None:
        """The loop has taken a number from an accelerator."""
        self.window.row.syncs += 1

    @guarded
    def on_loader(self, loader: DataLoader) -> None:
        """An iteration over a loader begins."""
        self.loaders.add(loader)

    # What is done when the loop pauses, is over, or wants to know.

    def skip(self, seconds: float) -> None:
        """Count none of the last seconds, as time of the step or to look in."""
        self.time += seconds
        self.sampler.began += seconds

    @guarded
    def look_back(self) -> None:
        """Bring the record up to date: losses that wait, parameters that changed."""
        self.history.read()
        self.inventory.look_back()

    @guarded
    def try_on_copies(self) -> None:
        """See on copies whether examples mix, the future is seen, or the past forgotten."""
        self.closeup.try_on_copies()

    def forget(self) -> None:
        """Let go of the loop's tensors and networks; what was seen of them is in the record."""
        self.window = Window()
        self.inventory = Inventory(Record())
        self.closeup = CloseUp(Record(), self.inventory, self.examples)
        self.passes = Passes(Record(), self.sampler, self.examples)
        self.passing = Passing(Record(), self._wake)
