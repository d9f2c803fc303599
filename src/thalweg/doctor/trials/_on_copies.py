"""What only an experiment on a copy of the network can tell."""

import time
from collections.abc import Callable
from functools import partial
from typing import Any

from torch import nn

from thalweg.doctor.record import Record
from thalweg.doctor.trials._ahead import sees_ahead
from thalweg.doctor.trials._memory import memory
from thalweg.doctor.trials._mixing import mixing
from thalweg.doctor.trials._specimen import MOST_SECONDS, is_too_large


def try_on_copies(record: Record, model: nn.Module, given: Any, shift: int | None) -> None:
    """See whether examples mix, the past is forgotten, or the future seen; write it down.

    Args:
        record: Where to write it.
        model: The network, which stays as it is.
        given: Its positional and its named arguments.
        shift: Axis of the inputs along which the targets follow; None if they do not.
    """
    if is_too_large(model):
        record.limits["trials"] = "the network is too large to be copied for a trial"
        return
    trials: dict[str, Callable[[], float | None]] = {
        "batch-mixing": partial(mixing, model, given),
        "vanishing-gradient": partial(memory, model, given),
    }
    if shift is not None:
        trials["leakage"] = partial(sees_ahead, model, given, shift)
    began = time.perf_counter()
    for fault, trial in trials.items():
        if time.perf_counter() - began > MOST_SECONDS:
            record.limits["trials"] = "the network is too slow for a trial"
            return
        try:
            found = trial()
        except Exception as error:  # A network may refuse to be called apart from its loop.
            reason = str(error).split("\n")[0]
            record.limits["trials"] = f"a copy of the network failed: {reason}"
            continue
        if found is not None:
            record.trials[fault] = found
