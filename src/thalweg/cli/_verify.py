"""`thalweg verify`: the proof that a run can be killed and resumed exactly."""

from thalweg._core import formats
from thalweg.cli._failures import SYSTEM, say
from thalweg.cli._options import Json, RunFolder
from thalweg.cli._output import print_json, print_table


def verify(run: RunFolder, json: Json = False) -> int:
    """Train a run's settings twice, once killed and resumed, and compare every bit."""
    from thalweg import _api

    found = _api.verify(run, say=lambda line: say(f"{line} …"))
    if json:
        print_json(found.to_json())
    else:
        words = {True: "equal, bit for bit", False: "DIFFERENT"}
        epochs = formats.several(found.epochs, "epoch")
        steps = ", ".join(map(formats.count, found.kills)) or "never: the run is too short"
        print_table(
            [
                ("trained", f"{epochs}, {formats.several(found.steps, 'step')}, twice"),
                ("killed at step", steps),
                ("weights", words[found.weights_equal]),
                ("history", words[found.history_equal]),
            ]
        )
    return 0 if found.equal else SYSTEM
