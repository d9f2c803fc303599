"""Watches a loop step by step and writes the record."""

import functools
import itertools
import math
import os
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.utils.data import DataLoader, SequentialSampler

from thalweg.doctor import _nonfinite
from thalweg.doctor._patches import Listener
from thalweg.doctor._record import (
    Evaluation,
    Glance,
    LoaderFacts,
    OptimizerFacts,
    ParameterFacts,
    Record,
    Sample,
    StepRow,
)
from thalweg.doctor._sampler import Sampler
from thalweg.doctor._window import Ledger, Window
from thalweg.doctor.probes import _graph, _inputs, _links, _losses, _modules, _saved_losses
from thalweg.doctor.probes._changes import Changes
from thalweg.doctor.probes._losses import LossCall
from thalweg.doctor.probes._moments import Range
from thalweg.doctor.probes._parameters import Step
from thalweg.doctor.trials._ahead import sees_ahead
from thalweg.doctor.trials._mixing import mixing
from thalweg.doctor.trials._specimen import Specimen

# Steps whose losses may wait on an accelerator before they are read, all at once.
MOST_PENDING = 50
# Rows and samples that the record keeps. When there are more, every second one goes, of those
# after the beginning, and from then on only so many fewer come in.
MOST_STEPS, FIRST_STEPS = 4000, 500
MOST_SAMPLES, FIRST_SAMPLES = 200, 20
MOST_EVALUATIONS = 1000
# Passes without gradients whose inputs are looked at whatever the budget: whether they were
# trained on shows nowhere else.
FIRST_EVALUATIONS = 3
MOST_FORWARDS = 64
MOST_ROWS = 200_000
# Numbers that are looked at in microseconds, and so whatever the budget.
CHEAP = 20_000
MOST_STRANGERS = 1000
# Under which the graph of a loss keeps when its backward pass was.
NOTE = "thalweg step"
NOTE_OF_OPERATION = "thalweg sampled step"

M = TypeVar("M", bound=Callable[..., Any])


def guarded(method: M) -> M:
    """Let no error of ours reach the loop: note it, and look no further.

    Nor is anything seen of other threads, of processes forked off, or of our own work.
    """

    @functools.wraps(method)
    def guarded_method(self: "Observer", *args: Any, **kwargs: Any) -> Any:
        if self.is_blind or self.is_busy or threading.get_ident() != self.thread:
            return None
        if os.getpid() != self.process:
            return None
        self.is_busy = True
        try:
            return method(self, *args, **kwargs)
        except Exception as error:
            self.is_blind = True
            reason = f"the doctor failed in {method.__name__} ({type(error).__name__}: {error})"
            self.record.limits["all"] = reason.split("\n")[0]
            return None
        finally:
            self.is_busy = False

    return guarded_method  # type: ignore[return-value]


def _length(dataset: Any) -> int | None:
    """Return how many examples a data set has; None where it does not know."""
    try:
        return len(dataset)
    except (TypeError, NotImplementedError):
        return None


class Observer(Listener):
    """Sees what a loop does to its networks and optimizers.

    Args:
        models: The watched modules by name; a single one has the empty name.
        optimizers: Those that train them.
        sampler: Which steps to look at closely.
        takes_specimen: Whether to copy network and batch at the first step, for trials.
    """

    def __init__(
        self,
        models: dict[str, nn.Module],
        optimizers: list[Optimizer],
        sampler: Sampler,
        takes_specimen: bool = False,
    ) -> None:
        self.models = models
        self.sampler = sampler
        self.record = Record()
        self.thread, self.process = threading.get_ident(), os.getpid()
        self.is_busy = self.is_blind = False
        self.window = Window()
        self.ledgers: dict[Optimizer, Ledger] = {}
        self.changes = Changes()
        self.strangers: dict[int, str] = {}
        """Parameters in loss graphs that nobody known has, by identity."""
        self.modules: dict[str, nn.Module] = {}
        self.names: dict[int, str] = {}
        self.producers: dict[Any, str] = {}
        """Modules by the operation that gave their output, in the present sample."""
        self.outputs: dict[Any, Tensor] = {}
        """What the watched networks gave in the present sample, by operation."""
        self.batch = 0
        """Examples in the last call of a watched network."""
        self.silent: dict[str, Range] = {}
        self.ranges: dict[tuple[str, int], Range] = {}
        self.rows: set[float] = set()
        self.pending: list[tuple[StepRow, Tensor, Tensor]] = []
        self.loaders: dict[int, LoaderFacts] = {}
        self.time = time.perf_counter()
        self.takes_specimen = takes_specimen
        self.specimen: Specimen | None = None
        self.shift: int | None = None
        """Axis along which the targets follow in the inputs, in the last sample."""
        self.given: Any = None
        """The module called in the last sample, and its arguments."""
        self.steps = 0
        self.shapes: list[torch.Size] = []
        """Of an example trained on; empty before the first."""
        self.followers: dict[nn.Module, list[nn.Module]] = {}
        """Parts that answer otherwise in training mode, by network."""
        self.is_quiet = self.is_noisy = False
        """Whether the last pass without gradients was in evaluation mode; or was not, and had one
        of them in training mode."""
        self.samples = 0
        self.stride = self.sample_stride = 1
        for name, model in models.items():
            self._describe(name, model)
        for optimizer in optimizers:
            self.add_optimizer(optimizer)

    def _describe(self, prefix: str, model: nn.Module) -> None:
        before = f"{prefix}." if prefix else ""
        for name, module in model.named_modules():
            path = f"{before}{name}".rstrip(".")
            self.modules[path] = module
            self.record.modules[path] = _modules.describe(path, module)
        for name, parameter in model.named_parameters():
            if isinstance(parameter, nn.parameter.UninitializedParameter):
                continue
            self.names[id(parameter)] = f"{before}{name}"
            self.record.parameters[f"{before}{name}"] = ParameterFacts(
                shape=list(parameter.shape),
                is_trainable=parameter.requires_grad,
                optimizer=None,
                fan_in=math.prod(parameter.shape[1:]) if parameter.ndim > 1 else 1,
            )
            self.changes.add(f"{before}{name}", parameter)
            if len(self.record.parameters) == 1:
                self.record.device = parameter.device.type

    def add_optimizer(self, optimizer: Optimizer) -> None:
        """Take note of an optimizer and of what it owns."""
        number = len(self.record.optimizers)
        self.ledgers[optimizer] = Ledger(optimizer)
        plain = {
            name: value
            for name, value in optimizer.param_groups[0].items()
            if isinstance(value, (int, float, bool)) or name == "betas"
        }
        facts = OptimizerFacts(
            kind=type(optimizer).__name__, options=plain, has_state=len(optimizer.state) > 0
        )
        self.record.optimizers.append(facts)
        for group in optimizer.param_groups:
            for parameter in group["params"]:
                name = self.names.get(id(parameter))
                if name is None:
                    facts.strangers += 1
                else:
                    self.record.parameters[name].optimizer = number

    @property
    def is_due(self) -> bool:
        """Whether the present step is one to look at closely."""
        return self.sampler.is_due(self.steps + 1)

    # What the network does.

    @guarded
    def on_forward(self, module: nn.Module, given: tuple[Any, ...]) -> None:
        """A watched network is called."""
        batch = self.batch = next((len(each) for each in _inputs.tensors_in(given)), 0)
        if torch.is_grad_enabled():
            self.window.note("f")
            self.window.examples += batch
            self.window.forwards += 1
            self.window.training_forwards += module.training
            self.shapes = [each.shape[1:] for each in _inputs.tensors_in(given)[:1]]
            self.window.inputs.append(given)
            self.window.entry = module
            del self.window.inputs[:-4]
            return
        self.window.note("e")
        now = self._evaluation()
        now.forwards += 1
        now.examples += batch
        now.training_forwards += module.training
        followers = self.followers.get(module)
        if followers is None:
            followers = [each for each in module.modules() if _modules.follows_mode(each)]
            self.followers[module] = followers
        # Parts that are in another mode than the whole were put there on purpose.
        self.is_quiet = not module.training
        self.is_noisy = module.training and any(each.training for each in followers)
        now.noisy_forwards += self.is_noisy
        shapes = [each.shape[1:] for each in _inputs.tensors_in(given)[:1]]
        now.alike_forwards += shapes == self.shapes
        if self.sampler.is_affordable or len(self.record.evaluations) <= FIRST_EVALUATIONS:
            with self.sampler.looking():
                for each in _inputs.tensors_in(given)[:1]:
                    digests = _inputs.digests(each) if each.ndim > 1 else []
                    seen = sum(digest in self.rows for digest in digests)
                    now.rows += len(digests)
                    now.seen_rows += seen
                    if len(now.by_forward) < MOST_FORWARDS:
                        now.by_forward.append((len(digests), seen))

    def _evaluation(self) -> Evaluation:
        passes = self.record.evaluations
        if not passes or passes[-1].step != self.steps:
            if len(passes) >= MOST_EVALUATIONS:
                del passes[0]
            passes.append(Evaluation(self.steps))
        return passes[-1]

    @guarded
    def on_module(self, path: str, module: nn.Module, given: Any, output: Any) -> None:
        """A module has given its output, in a sampled step."""
        with self.sampler.looking():
            facts = self.record.modules[path]
            if facts.order < 0:
                facts.order = sum(each.order >= 0 for each in self.record.modules.values())
            facts.calls += 1
            for each in _inputs.tensors_in(output)[:1]:
                if each.grad_fn is not None:
                    self.producers.setdefault(each.grad_fn, path)
            sample = self._sample()
            seen = self.silent.setdefault(path, Range())
            sample.modules[path] = _modules.activity(module, facts, given, output, seen)
            if facts.parameters or facts.family == "dropout":
                sample.modules[path].input_spread = _modules.spread(given, self.batch, True)
            if path in self.models:
                sample.modules[path].output_spread = _modules.spread(output, self.batch)
                for each in _inputs.tensors_in(output):
                    if each.grad_fn is not None:
                        self.outputs[each.grad_fn] = each.detach()

    @guarded
    def on_quiet_module(self, path: str) -> None:
        """A part of a network has been called without gradients, in a sampled step."""
        self.record.modules[path].quiet_calls += 1

    def _sample(self) -> Sample:
        if self.window.sample is None:
            self.window.sample = Sample(self.steps + 1)
        return self.window.sample

    # What the loop does.

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
            return
        if torch.is_grad_enabled() or value.numel() != 1:
            return
        now = self._evaluation()
        count = len(output) if output.ndim else 1
        whole = now.loss_examples + count
        mean = float(value) / (count if options.get("reduction") == "sum" else 1)
        now.loss = ((now.loss or 0.0) * now.loss_examples + mean * count) / whole
        is_cheap = output.device.type == "cpu" and output.numel() <= CHEAP
        if is_cheap or self.sampler.is_affordable:
            with self.sampler.looking():
                spread = _modules.spread(output, self.batch)
                if spread is not None:
                    now.output_spread = max(spread, now.output_spread or 0.0)
                counts, predicted, correct = _losses.agreement(call)
                if counts:
                    now.counts = _added(now.counts, counts)
                    now.predicted = _added(now.predicted, predicted)
                    now.correct = _added(now.correct, correct)
                    now.accuracy = sum(now.correct) / sum(now.counts)
                    sure, right = _losses.sureness(call)
                    if sure:
                        share = count / whole
                        now.sureness = _mixed(now.sureness, sure, share)
                        now.sure_right = _mixed(now.sure_right, right, share)
        now.loss_examples = whole
        now.noisy_losses += now.forwards > 0 and self.is_noisy

    @guarded
    def before_backward(self, root: Tensor) -> None:
        """Gradients are about to be computed."""
        window = self.window
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
            self.record.repeated_backwards += notes.setdefault(NOTE, self.steps) != self.steps
        window.root = root.detach()
        window.loss = self._loss(root).detach()
        if root.device.type == "cpu" and self.record.first_nonfinite is None:
            self._look_for_nonfinite(window.loss, root)
        if self.is_due and window.backwards == 1:
            with self.sampler.looking():
                self._look(root)
        elif window.backwards == 1 and self.sampler.is_glance_due(self.steps + 1):
            with self.sampler.glancing():
                self._glance()
        window.calls.clear()

    def _loss(self, root: Tensor) -> Tensor:
        """Return what the loss function gave, where the root is that, scaled by a number or not."""
        if len(self.window.calls) != 1:
            return root
        value = self.window.calls[0].value
        below = root.grad_fn
        for _ in range(3):
            if below is value.grad_fn:
                return value if value.numel() == 1 else root
            if below is None or type(below).__name__ not in ("MulBackward0", "DivBackward0"):
                return root
            below = below.next_functions[0][0]
        return root

    def _look_for_nonfinite(self, loss: Tensor, root: Tensor) -> None:
        if not bool(loss.isfinite().all()):
            given = self.window.inputs[-1] if self.window.inputs else ()
            calls = self.window.calls
            with self.sampler.looking():
                self.record.first_nonfinite = _nonfinite.locate(
                    self.steps + 1, self.modules, self.names, given, calls, root
                )

    def _look(self, root: Tensor) -> None:
        sample = self._sample()
        if root.grad_fn is not None:
            is_first = not self.record.graph
            graph = _graph.Graph(root, self.names, self.producers, is_detailed=is_first)
            self.window.graph = graph
            self.record.graphs += 1
            for name in graph.parameters() & set(self.record.parameters):
                self.record.parameters[name].reached += 1
            if is_first:
                self.record.graph = graph.nodes
            self._note_strangers(graph)
            self._note_old(graph)
            if not graph.is_whole:
                self.record.limits["graph"] = "the loss graph is too large to be walked"
            sample.activations = graph.activations(self.ranges)
            saved = _saved_losses.saved_loss(graph) if not self.window.calls else None
            if saved is not None:
                self.window.calls.append(
                    LossCall(*saved[:3], (), {"reduction": saved[3]}, root, True)
                )
            if not self.window.calls:
                self._look_for_own_loss(root, graph)
        else:
            self.record.graphs += 1
            self.record.leaf_losses += 1
        for call in self.window.calls:
            found = _losses.facts(call)
            self._link(call)
            if self.window.graph is not None:
                found.node = self.window.graph.place(call.value)
            sample.losses.append(found)
        if self.window.entry is not None and len(self.window.inputs) == 1:
            self.given = (self.window.entry, self.window.inputs[0])
            self._take_specimen()
        for given in self.window.inputs:
            for each in _inputs.tensors_in(given)[:2]:
                sample.inputs.append(_inputs.facts(each))
        for inputs in sample.inputs[:1]:
            if len(self.rows) < MOST_ROWS:
                self.record.looked_rows += len(inputs.rows)
                self.rows.update(inputs.rows)
            self.record.different_rows = len(self.rows)

    def _glance(self) -> None:
        """Look at the loss and the examples only."""
        losses = [_losses.facts(call) for call in self.window.calls]
        given = _inputs.tensors_in(self.window.inputs[0])[:1] if self.window.inputs else []
        rows = [each for one in given for each in _inputs.digests(one)]
        if len(self.rows) < MOST_ROWS:
            self.record.looked_rows += len(rows)
            self.rows.update(rows)
        self.record.different_rows = len(self.rows)
        glances = self.record.glances
        glances.append(Glance(self.steps + 1, losses, rows))
        if len(glances) > MOST_SAMPLES:
            del glances[::2]

    def _link(self, call: LossCall) -> None:
        """Compare the targets with what went into the network."""
        given = _inputs.tensors_in(self.window.inputs[0]) if len(self.window.inputs) == 1 else []
        if given and len(self.window.calls) == 1:
            sample = self._sample()
            sample.correlations = _links.correlations(given[0], call.target)
            sample.shift = self.shift = _links.shift(given[0], call.target)

    def _look_for_own_loss(self, root: Tensor, graph: _graph.Graph) -> None:
        found = _saved_losses.own_loss(graph, self.outputs)
        if found is not None:
            form, output, target = found
            facts = _losses.facts(LossCall("custom", output, target, (), {}, root, True))
            facts.form = form
            self._sample().losses.append(facts)

    def _note_old(self, graph: _graph.Graph) -> None:
        """Note whether operations of this graph were in one before an earlier step."""
        is_old = False
        for node, raw in zip(graph.nodes, graph.raw, strict=True):
            if node.inputs:
                is_old |= raw.metadata.setdefault(NOTE_OF_OPERATION, self.steps) != self.steps
        self.record.repeated_graphs += is_old

    def _note_strangers(self, graph: _graph.Graph) -> None:
        """Take note of parameters that neither a watched module nor an optimizer has."""
        unknown = [
            raw.variable
            for node, raw in zip(graph.nodes, graph.raw, strict=True)
            if node.parameter == "?" and id(raw.variable) not in self.strangers
        ]
        if not unknown:
            return
        groups = [group for each in self.ledgers for group in each.param_groups]
        owned = {id(each) for group in groups for each in group["params"]}
        for parameter in unknown:
            if id(parameter) not in owned and len(self.strangers) < MOST_STRANGERS:
                name = f"? {len(self.strangers)}"
                self.strangers[id(parameter)] = name
                self.changes.add(name, parameter)

    @guarded
    def look_back(self) -> None:
        """Note which parameters have changed, and who owns them by now."""
        for number, optimizer in enumerate(self.ledgers):
            for parameter in (each for group in optimizer.param_groups for each in group["params"]):
                name = self.names.get(id(parameter))
                if name is not None and self.record.parameters[name].optimizer is None:
                    self.record.parameters[name].optimizer = number
        strangers = {
            name: ParameterFacts(list(self.changes.parameters[name].shape), True, None, 1, 1)
            for name in self.strangers.values()
        }
        for name, facts in (*self.record.parameters.items(), *strangers.items()):
            # Frozen in the loop, before any loss reached it, it was never to be trained.
            is_untouched = not facts.reached and not self.changes.has_new_gradient(name)
            if is_untouched and not self.changes.parameters[name].requires_grad:
                facts.is_trainable = False
            facts.has_gradient = self.changes.has_new_gradient(name)
            facts.moved = self.changes.has_moved(name)
            facts.is_fresh = None if facts.moved is not False else self.changes.looks_fresh(name)
        self.record.strangers = list(strangers.values())

    def _take_specimen(self) -> None:
        if self.takes_specimen and len(self.window.calls) == len(self.ledgers) == 1:
            self.takes_specimen = False
            (call,), (optimizer,) = self.window.calls, self.ledgers
            self.specimen = Specimen.take(*self.given, call, optimizer)

    @guarded
    def try_on_copies(self) -> None:
        """See on copies whether examples leak into each other, and the future into the past."""
        if self.given is None or "modules" in self.record.limits:
            return
        trials: dict[str, Callable[[], float | None]] = {
            "batch-mixing": partial(mixing, *self.given)
        }
        if self.shift is not None:
            trials["leakage"] = partial(sees_ahead, *self.given, self.shift)
        for fault, trial in trials.items():
            try:
                found = trial()
            except Exception as error:  # A network may refuse to be called apart from its loop.
                reason = str(error).split("\n")[0]
                self.record.limits["trials"] = f"a copy of the network failed: {reason}"
                continue
            if found is not None:
                self.record.trials[fault] = found

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
                self.window.step = Step(optimizer, self.names)

    @guarded
    def after_step(self, optimizer: Optimizer) -> None:
        """An optimizer has stepped: the window closes."""
        ledger = self.ledgers.get(optimizer)
        if ledger is None:
            return
        window, now = self.window, time.perf_counter()
        window.note("s")
        self.steps += 1
        row = StepRow(
            step=self.steps,
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
        self.record.count = self.steps
        self._keep(row)
        if window.loss is not None and window.root is not None:
            self.pending.append((row, window.loss, window.root))
            if window.loss.device.type == "cpu" or len(self.pending) >= MOST_PENDING:
                self.read()
        if window.sample is not None:
            with self.sampler.looking():
                if window.step is not None:
                    window.sample.parameters = window.step.motions()
                self._keep_sample(window.sample)
        ledger.after_step()
        self.window = Window()
        self.producers, self.outputs = {}, {}
        self.time = now

    def _keep(self, row: StepRow) -> None:
        rows = self.record.steps
        if len(rows) < FIRST_STEPS or row.step % self.stride == 0:
            rows.append(row)
        if len(rows) > MOST_STEPS:
            del rows[FIRST_STEPS::2]
            self.stride *= 2

    def _keep_sample(self, sample: Sample) -> None:
        samples = self.record.samples
        self.samples += 1
        if len(samples) < FIRST_SAMPLES or self.samples % self.sample_stride == 0:
            samples.append(sample)
        if len(samples) > MOST_SAMPLES:
            del samples[FIRST_SAMPLES::2]
            self.sample_stride *= 2

    def read(self) -> None:
        """Bring the losses that wait on an accelerator to the record."""
        for row, loss, root in self.pending:
            row.loss, row.root = float(loss.float().mean()), float(root.float().mean())
        self.pending.clear()

    @guarded
    def on_stuck_dropout(self) -> None:
        """Functional dropout has dropped while gradients are off."""
        passes = self.record.evaluations
        if self.is_quiet and passes and passes[-1].step == self.steps:
            passes[-1].stuck_dropouts += 1

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
            dataset = loader.dataset
            self.loaders[id(loader)] = LoaderFacts(
                examples=_length(dataset),
                batch_size=loader.batch_size,
                is_shuffled=not isinstance(loader.sampler, SequentialSampler),
                workers=loader.num_workers,
            )
            self.record.loaders.append(self.loaders[id(loader)])
        self.loaders[id(loader)].iterators += 1

    def forget(self) -> None:
        """Let go of the loop's tensors; what was seen of them is in the record."""
        self.window = Window()
        self.producers, self.outputs, self.modules = {}, {}, {}
        self.ledgers, self.silent, self.ranges = {}, {}, {}
        self.specimen = self.given = None
        self.changes, self.strangers, self.followers = Changes(), {}, {}


def _added(one: list[int], two: list[int]) -> list[int]:
    return [first + second for first, second in itertools.zip_longest(one, two, fillvalue=0)]


def _mixed(before: list[float], new: list[float], share: float) -> list[float]:
    if len(before) != len(new):
        return new
    return [(1 - share) * one + share * two for one, two in zip(before, new, strict=True)]
