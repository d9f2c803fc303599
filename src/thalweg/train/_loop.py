"""The training loop, drawn once.

    start ·
    for each epoch, from where the state stands:
        order              a function of seed and epoch
        for each batch, from where the state stands:
            rate           the schedule at this step
            inputs         gathered by position, normalized and augmented on the device
            for each piece of the batch:
                output     network
                loss       task; sum over the piece, divided by the weight of the whole batch
                gradient   backward, added up over the pieces
            penalty        the elastic net's gradient
            clip           by norm, by value
            update         optimizer
            average        of the weights, where one is kept
            step ·         where compiled, several at a time
            where a step found too little memory, back to the newest checkpoint, in more pieces
        validate           evaluation mode, no gradients; the average, where one is kept
        epoch ·
    end ·
    settle                 the best weights, or the last that are numbers

A dot marks an event: observers are told, may look at the state, and change nothing.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from thalweg._core import memory
from thalweg.tasks import Task
from thalweg.train import _precision
from thalweg.train._batches import Feed, bounds, order
from thalweg.train._config import Config
from thalweg.train._evaluate import Answers, answer, answer_together
from thalweg.train._losses import losses_of
from thalweg.train._parallel import Parallel, Piece
from thalweg.train._pieces import GoBack, cut_further, number_of_pieces
from thalweg.train._regularizers import Penalty
from thalweg.train._schedules import Schedule
from thalweg.train._state import State
from thalweg.train._transfer import Transfer
from thalweg.train.observers import Observer

# Where steps are compiled, so many are taken one by one before: the optimizer makes its averages in
# the first, and whoever looks on sees the beginning.
BEGINNING = 100
# Later one turn of so many is taken step by step too, for whoever looks on.
SEEN = 64


@dataclass(frozen=True)
class Plan:
    """The finished objects that the loop wires together."""

    config: Config
    task: Task
    train: Feed
    valid: Feed | None
    schedule: Schedule
    penalty: Penalty | None = None
    searches: bool = False
    """Whether the optimizer computes the gradient several times in a step."""
    fewest: int = 1
    """Fewest examples that the last batch of an epoch may have."""
    transfer: Transfer = field(default_factory=Transfer)
    """What of the network is trained."""
    parallel: Parallel | None = None
    """How several processes share the work; None for one alone."""
    several: Callable[[State, Tensor, list[float]], tuple[Tensor, Tensor]] | None = None
    """Does what `update` does for several batches at once; None where nothing is compiled."""
    at_once: int = 1
    """How many batches that takes."""

    @property
    def epochs(self) -> int:
        """Passes over the training part."""
        assert self.config.epochs is not None
        return self.config.epochs

    @property
    def least(self) -> int:
        """Fewest examples that a piece of a batch may have."""
        return max(1, self.fewest // self.config.accumulate)

    @property
    def batches(self) -> list[tuple[int, int]]:
        """Where each batch of an epoch begins and ends."""
        assert self.config.batch_size is not None
        return bounds(len(self.train), self.config.batch_size, self.fewest)


def run(
    plan: Plan,
    state: State,
    observers: Sequence[Observer] = (),
    interrupted: Callable[[], bool] = lambda: False,
    go_back: GoBack | None = None,
) -> None:
    """Train until the last epoch, or until something stops it earlier.

    Why it stopped is in `state.stopped`; None means that it did all its epochs.

    Args:
        plan: What is done.
        state: Where it begins, or goes on.
        observers: Who is told.
        interrupted: Whether to stop after the present step.
        go_back: Puts the state back where a step found too little memory; None raises the error.
    """
    config = plan.config
    batches = plan.batches
    state.begin()
    for observer in observers:
        observer.start(state)
    while state.epoch < plan.epochs and state.stopped is None:
        rows = order(len(plan.train), config.seed, state.epoch, config.shuffle)
        rows = rows.to(plan.train.inputs.device)
        plan.train.begin(config.seed, state.epoch)
        plan.transfer.train(state.model)
        said, first = "", 0
        for first, last in strides(plan, state):
            rates = [plan.schedule(state.step + number) for number in range(last - first)]
            chosen = rows[batches[first][0] : batches[last - 1][1]]
            state.is_stepping = True
            try:
                losses, weights = _turn(plan, state, chosen, rates)
            except (RuntimeError, MemoryError) as error:
                if go_back is None or not memory.is_short(error):
                    raise
                said = str(error) or "out of memory"  # The error holds on to what the step made.
                break
            state.add(losses, weights, rates)
            for observer in observers:
                observer.step(state)
            if state.stopped or interrupted():
                break
        if said and go_back is not None:
            start, stop = batches[first]
            cut_further(state, plan.config.accumulate, plan.least, stop - start, said, go_back)
            continue
        state.read()
        if state.batch < len(batches) or state.stopped:
            state.stopped = state.stopped or "interrupted"
            break
        rate = plan.schedule(state.step - 1)
        with state.averaged():
            state.end_epoch(validate(plan, state), rate, config.min_improvement)
        if config.patience is not None and state.stale >= config.patience:
            state.stopped = f"no better validation loss for {state.stale} epochs"
        elif interrupted():
            state.stopped = "interrupted"
        for observer in observers:
            observer.epoch(state)
    for observer in observers:
        observer.end(state)
    state.settle()


def strides(plan: Plan, state: State) -> list[tuple[int, int]]:
    """Return the first batch of each turn of the loop in this epoch, and that after its last.

    Which steps are taken together is a function of their numbers alone, not of when to save, so
    that a resumed run takes the same ones.
    """
    batches, many = plan.batches, plan.at_once
    size, number, spans = batches[0][1], state.batch, []
    while number < len(batches):
        step, end = state.epoch * len(batches) + number, number + many
        goes_together = (
            many > 1
            and number % many == 0
            and end <= len(batches)
            and batches[end - 1][1] - batches[end - 1][0] == size
            and step >= BEGINNING
            and step // many % SEEN != 0
            and all(step + many <= short for short in state.shortages)
        )
        spans.append((number, end if goes_together else number + 1))
        number = spans[-1][1]
    return spans


def _turn(
    plan: Plan, state: State, rows: Tensor, rates: list[float]
) -> tuple[Tensor, Tensor | int]:
    """Take a step with each of the rates, on as many neighbouring batches."""
    if plan.several is None or len(rates) == 1:
        return update(plan, state, rows, rates[0])
    return plan.several(state, rows.view(len(rates), -1), rates)


def update(
    plan: Plan, state: State, rows: Tensor, rate: float | Tensor
) -> tuple[Tensor, Tensor | int]:
    """Take one optimizer step on the examples at `rows`; return the loss and its weight.

    However many pieces the batch is cut into, on however many processes, the gradient is that of
    one mean over all of it. The loss of a step is the mean of those of the processes.
    """
    model, optimizer, task, parallel = state.model, state.optimizer, plan.task, plan.parallel
    pieces, total = _pieces(plan, state, rows)
    network = model if parallel is None else parallel.network

    shown: list[Tensor] = []

    def closure() -> Tensor:
        for group in optimizer.param_groups:  # As zero_grad() does, at a tenth of its price.
            for parameter in group["params"]:
                parameter.grad = None
        objectives, losses = [], []
        with _precision.products(plan.config.precision):
            for x, y, divisor in pieces:
                if parallel is not None:
                    parallel.exchange(len(losses) == len(pieces) - 1)
                with _precision.forward(plan.config.precision, plan.train.device):
                    output = network(x)
                objective, loss = losses_of(task, output, y, divisor)
                objective.backward()
                objectives.append(objective.detach())
                losses.append(loss.detach())
        if plan.penalty is not None:
            plan.penalty.add_gradient()
        if plan.config.clip_norm is not None:
            torch.nn.utils.clip_grad_norm_(model.parameters(), plan.config.clip_norm)
        if plan.config.clip_value is not None:
            torch.nn.utils.clip_grad_value_(model.parameters(), plan.config.clip_value)
        shown.append(_sum(losses))
        return _sum(objectives)

    for group in optimizer.param_groups:
        group["lr"] = rate * group["scale"] if "scale" in group else rate
    if plan.searches:
        # torch declares that a closure returns a float, and documents that it returns the loss.
        optimizer.step(closure)  # pyright: ignore[reportCallIssue, reportArgumentType]
    else:
        closure()
        optimizer.step()
    return shown[0], total


def _sum(values: list[Tensor]) -> Tensor:
    return values[0] if len(values) == 1 else torch.stack(values).sum()


def validate(plan: Plan, state: State) -> dict[str, float]:
    """Return the loss and the primary metric on the validation part; nothing if it is empty."""
    if plan.valid is None:
        return {}
    if plan.parallel is None:
        return _measured(plan.task, answer(state.model, plan.task, plan.valid))
    plan.parallel.settle()
    ranks = plan.parallel.ranks
    answers = answer_together(state.model, plan.task, plan.valid, ranks)
    return ranks.told(lambda: _measured(plan.task, answers))


def _measured(task: Task, answers: Answers | None) -> dict[str, float]:
    assert answers is not None, "the first process has them"
    metrics = task.quick(answers.outputs, answers.targets)
    return {
        "valid_loss": answers.loss,
        **{f"valid_{name}": value for name, value in metrics.items()},
    }


def _pieces(plan: Plan, state: State, rows: Tensor) -> tuple[list[Piece], Tensor | int]:
    """Cut a batch into pieces of nearly equal length; return them and the batch's weight."""
    accumulate = plan.config.accumulate
    if plan.parallel is not None:
        return plan.parallel.share(plan.train, plan.task, rows, accumulate)
    number = number_of_pieces(accumulate, plan.least, state, len(rows))
    inputs, targets = plan.train.batch(rows)
    weights = plan.task.weights(targets)
    total = len(rows) if weights is None else weights.sum()
    if number == 1:
        return [(inputs, targets, None if weights is None else total)], total
    cut = zip(inputs.tensor_split(number), targets.tensor_split(number), strict=True)
    return [(x, y, total) for x, y in cut], total
