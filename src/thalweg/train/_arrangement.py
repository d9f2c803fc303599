"""How the same steps are computed fastest: tried on copies, where training is long enough.

Layouts, threads, compilation and bfloat16 each help on one machine or network and hurt on
another, so that what is chosen here was timed here. Whatever is chosen takes the same steps to
rounding. For the same bits on another day, give these settings, as the `config.toml` of a run does.
"""

import dataclasses
import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn

from thalweg._core import formats, memory
from thalweg._core.choices import Choice
from thalweg.data import Splits
from thalweg.errors import SettingError
from thalweg.tasks import Task
from thalweg.train._config import Config
from thalweg.train._precision import PRECISIONS, has_units
from thalweg.train._race import MARGIN, ROUNDS, Subject, comparison, fastest, milliseconds, race
from thalweg.train._trial import Trial, difference, loss_difference
from thalweg.train._whole_step import CannotCompileError, WholeStep, length

# A training of fewer steps, or of fewer seconds, is over before trials have paid.
FEWEST_STEPS = 150
FEWEST_SECONDS = 2.0
# In one of so many seconds all is tried; in a shorter one only what is likely to gain much.
LONG_SECONDS = 20.0
# Three trials at once, each with weights, gradients and two averages of them, and some room.
COPIES = 16
# Longer steps are spent in kernels, which compiling makes no faster.
LONGEST_STEP = 0.003
# In shorter steps, products are too small for a shorter type.
SHORTEST_STEP = 0.001
# In a short training, convolutions from or to fewer channels than a tile of the units has rows gain
# less than the race costs: 6 to 8 % of a step where this was written, and from 16 to 16 already 19.
TILE = 16
# A rounding of 2⁻⁸ must be worth it, and may change no loss by more than some of its own size.
PRECISION_MARGIN, PRECISION_TOLERANCE = 0.1, 0.02
# Turns of a compiled program that are compared with the loop's steps.
TURNS = 2
# What compiling a small network took where this was written, and how often it must pay.
COMPILING_SECONDS = 15.0
PAYS = 2.0
# What it saves of a step: most of a tiny one, and of others what calls took where this was written.
SAVED_SHARE, SAVED_SECONDS = 0.75, 0.0003
WAITING = f"compiling several steps into one program, which takes some {COMPILING_SECONDS:.0f} s"


@dataclass
class Arrangement:
    """Settings of speed, why they were chosen, and the compiled program where there is one."""

    config: Config
    choices: list[Choice] = field(default_factory=list)
    program: WholeStep | None = None

    def settle(self, setting: str, value: Any, reason: str) -> None:
        """Choose a value of a setting."""
        self.config = dataclasses.replace(self.config, **{setting: value})
        self.choices.append(Choice(setting, value, reason))


def arrange(
    model: nn.Module,
    data: Splits,
    task: Task,
    config: Config,
    is_open: set[str],
    wait: Callable[[str], None] = lambda why: None,
) -> Arrangement:
    """Return the fastest of the arrangements that the settings leave open.

    Args:
        model: The network before training, which stays as it is.
        data: Its data.
        task: What is wanted of it.
        config: Complete settings.
        is_open: Settings that nobody gave.
        wait: Called with the reason before a wait of many seconds.

    Raises:
        SettingError: Compilation was asked for and is not possible; the message says why.
    """
    found = Arrangement(config)
    subject = (model, data, task)
    if config.compiled:
        wait(WAITING)
        began = time.perf_counter()
        try:
            found.program = compiled(*subject, config)
        except CannotCompileError as error:
            raise SettingError(f"compiled=True was asked for, but {error} Leave it out.") from error
        took = time.perf_counter() - began
        pieces = f"{found.program.steps} steps at a time"
        found.settle("compiled", True, f"asked for; {pieces}, compiling took {took:.0f} s")
        return found
    if not config.measure_speed:
        if config.compiled is None:
            found.settle("compiled", False, "measure_speed is off")
        return found
    try:
        _measure(found, subject, is_open, wait)
    # A trial that fails must stop no training that may well succeed, and else fails in its turn.
    except Exception as error:
        found.settle("measure_speed", False, f"a step on a copy failed: {_first_line(error)}")
    if found.config.compiled is None:
        found.settle("compiled", False, "training is too short for compiling to pay")
    return found


def _measure(
    found: Arrangement, subject: Subject, is_open: set[str], wait: Callable[[str], None]
) -> None:
    """Settle what is worth settling."""
    plan_steps, device = _steps(found.config, subject), torch.device(found.config.device or "cpu")
    # On accelerators a trial would take the data there once more; and none was here to try it on.
    if plan_steps < FEWEST_STEPS or device.type != "cpu":
        return
    if COPIES * sum(each.nbytes for each in subject[0].parameters()) > memory.available():
        found.settle("measure_speed", False, "copies of the network need more memory than there is")
        return
    seconds = Trial(*subject, found.config).seconds(2)
    is_long = seconds * plan_steps >= LONG_SECONDS
    if is_long:
        if found.config.threads is None:
            _choose_threads(found, subject)
        if "channels_last" in is_open and found.config.channels_last:
            _choose_layout(found, subject)
        seconds = min(Trial(*subject, found.config).seconds(5) for _ in range(2))
        if found.config.compiled is None:
            _choose_compiled(found, subject, seconds, plan_steps, wait)
    may_pay = seconds * plan_steps >= FEWEST_SECONDS and seconds >= SHORTEST_STEP
    is_free = "precision" in is_open and not found.config.compiled
    if may_pay and is_free and has_units(device) and _bears_rounding(subject[1]):
        _choose_precision(found, subject, is_long)


def _first_line(error: Exception) -> str:
    return formats.plain(str(error).split("\n")[0], longest=120)


def _bears_rounding(data: Splits) -> bool:
    """Return whether examples are pictures, of eight bits as bfloat16 has, and answers classes.

    A number in a table, or one that is wanted, may need all its digits.
    """
    has_classes = not data.train.targets.is_floating_point()
    return has_classes and data.schema.encoder.palette is not None


def _steps(config: Config, subject: Subject) -> int:
    assert config.epochs is not None
    assert config.batch_size is not None
    return config.epochs * math.ceil(len(subject[1].train) / config.batch_size)


def _choose_threads(found: Arrangement, subject: Subject) -> None:
    """Settle how many threads compute; with a busy neighbour, fewer are many times as fast."""
    present = torch.get_num_threads()
    numbers = sorted({1, math.ceil(present / 2), present}, reverse=True)
    if len(numbers) == 1:
        return
    seconds = race(subject, found.config, "threads", numbers)
    best = fastest(seconds, usual=present)
    found.settle("threads", best, comparison(seconds, best, "with {}"))


def _choose_layout(found: Arrangement, subject: Subject) -> None:
    """Settle whether images have their channels innermost."""
    seconds = race(subject, found.config, "channels_last", [True, False])
    names = {True: "channels innermost", False: "channels outermost"}
    best, reason = fastest(seconds, usual=True), ""
    if best:
        contiguous = dataclasses.replace(found.config, channels_last=False)
        usual = Trial(*subject, contiguous).outcome(2)
        turned = Trial(*subject, contiguous).outcome(2, shift=1)
        if gap := difference(usual, turned, Trial(*subject, found.config).outcome(2)):
            best, reason = False, f", and other numbers: {gap}"
    told = comparison({names[value]: each for value, each in seconds.items()}, names[best], "{}")
    found.settle("channels_last", best, told + reason)


def _choose_precision(found: Arrangement, subject: Subject, is_long: bool) -> None:
    """Settle in which type the network computes, where the device has units for a shorter one.

    Weights, gradients and losses stay in float32, and so does whatever follows training.
    """
    values, told = [*PRECISIONS], ""
    if not is_long:
        convolutions = [each for each in subject[0].modules() if isinstance(each, nn.Conv2d)]
        if convolutions and not any(_fills_a_tile(each) for each in convolutions):
            return
        values.remove("bfloat16-matmul" if convolutions else "bfloat16")
    try:
        seconds = race(subject, found.config, "precision", values, is_short=not is_long)
    except RuntimeError as error:  # torch has not every operation in every type.
        if "bfloat16" not in values:
            raise
        told = f"; bfloat16 failed on a copy: {_first_line(error)}"
        values.remove("bfloat16")
        seconds = race(subject, found.config, "precision", values, is_short=not is_long)
    best = fastest(seconds, usual="float32", margin=PRECISION_MARGIN)
    if best != "float32":
        shorter = dataclasses.replace(found.config, precision=best)
        usual, tried = (Trial(*subject, each).outcome(TURNS) for each in (found.config, shorter))
        if gap := loss_difference(usual, tried, PRECISION_TOLERANCE):
            best, told = "float32", f"{told}, and other numbers: {gap}"
    found.settle("precision", best, comparison(seconds, best, "in {}") + told)


def _fills_a_tile(layer: nn.Conv2d) -> bool:
    return min(layer.in_channels, layer.out_channels) // layer.groups >= TILE


def _choose_compiled(
    found: Arrangement,
    subject: Subject,
    seconds: float,
    plan_steps: int,
    wait: Callable[[str], None],
) -> None:
    """Settle whether whole steps, which take so long now, are compiled."""
    if seconds >= LONGEST_STEP:
        reason = f"{milliseconds(seconds)} a step is spent in kernels, which it makes no faster"
        found.settle("compiled", False, reason)
        return
    if min(SAVED_SHARE * seconds, SAVED_SECONDS) * plan_steps <= PAYS * COMPILING_SECONDS:
        return
    wait(WAITING)
    began = time.perf_counter()
    try:
        program = compiled(*subject, found.config)
    except CannotCompileError as error:
        found.settle("compiled", False, formats.plain(str(error), longest=200))
        return
    took = time.perf_counter() - began
    trial = Trial(*subject, found.config)
    quick = min(program.seconds(trial) for _ in range(ROUNDS))
    pace = f"{milliseconds(quick)} a step instead of {milliseconds(seconds)}"
    if quick * plan_steps + took > (1 - MARGIN) * seconds * plan_steps:
        found.settle("compiled", False, f"{pace} once compiled, in {took:.0f} s: does not pay")
        return
    found.program = program
    found.settle(
        "compiled", True, f"{pace}, {program.steps} at a time; compiling took {took:.0f} s"
    )


def compiled(model: nn.Module, data: Splits, task: Task, config: Config) -> WholeStep:
    """Return the whole steps of a training as a compiled program that takes the same steps.

    Raises:
        CannotCompileError: They cannot be compiled, or the program takes other steps.
    """

    def trial() -> Trial:
        return Trial(model, data, task, config)

    first = trial()
    with first.alone():
        program = WholeStep(first.plan, first.state, length(first.plan))
    # In the second turn shows what the network keeps in mind beside its tensors.
    usual = trial().outcome(program.steps, turns=TURNS)
    turned = trial().outcome(program.steps, turns=TURNS, shift=1)
    if gap := difference(usual, turned, program.outcome(trial(), TURNS)):
        raise CannotCompileError(f"the compiled step is another one: {gap}.")
    return program
