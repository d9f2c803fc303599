"""What surrounds the steps.

Batches out of memory against torch's DataLoader; the import and the command line's first answer;
what a save keeps the loop waiting; memory over many steps and many trainings. Seconds are those of
the processor, in turns, but for saves, whose waiting is what counts.
"""

import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

import thalweg as tw
from bench.figures import Figure, ratio
from thalweg.train import _checkpoint, make_optimizer
from thalweg.train._batches import Feed, bounds, order
from thalweg.train._saves import Saves
from thalweg.train._state import State

EXAMPLES, FEATURES, BATCH = 20_000, 32, 128
# MiB that count as flat: what the allocator keeps for later comes and goes.
MOST_GROWTH = 16.0


def processor_seconds(block: Callable[[], object]) -> float:
    """Return what a block takes of the processor."""
    began = time.process_time()
    block()
    return time.process_time() - began


def of_a_program(*arguments: str) -> float:
    """Return the seconds of the processor that a Python program takes from start to end."""
    # As it is once installed: compiled to bytecode, which this variable would forbid.
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": ""}
    command = [sys.executable, *arguments]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=environment)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (after.ru_utime - before.ru_utime) + (after.ru_stime - before.ru_stime)


def batches(rounds: int) -> dict[str, list[float]]:
    """Time an epoch of shuffled batches from memory."""
    torch.manual_seed(0)
    x, y = torch.randn(EXAMPLES, FEATURES), torch.arange(EXAMPLES) % 10
    data = tw.load(x.numpy(), y.numpy(), valid=0.0, test=0.0)
    feed = Feed(data.train, data.schema.encoder, torch.device("cpu"))
    loader = DataLoader(TensorDataset(x, y), batch_size=BATCH, shuffle=True)

    def ours() -> None:
        rows = order(EXAMPLES, 0, 0)
        for start, stop in bounds(EXAMPLES, BATCH):
            feed.batch(rows[start:stop])

    def torchs() -> None:
        for _ in loader:
            pass

    seconds: dict[str, list[float]] = {"DataLoader(TensorDataset)": [], "thalweg": []}
    for _ in range(rounds):
        seconds["thalweg"].append(processor_seconds(ours))
        seconds["DataLoader(TensorDataset)"].append(processor_seconds(torchs))
    return seconds


def starts(rounds: int) -> dict[str, list[float]]:
    """Time the import, torch's own import, and the command line's help."""
    programs = {
        "import torch": ("-c", "import torch"),
        "import thalweg": ("-c", "import thalweg; thalweg.fit"),  # Names are loaded when used.
        "thalweg --help": ("-m", "thalweg", "--help"),
    }
    seconds: dict[str, list[float]] = {name: [] for name in programs}
    for arguments in programs.values():
        of_a_program(*arguments)  # The first start compiles.
    for _ in range(rounds):
        for name, arguments in programs.items():
            seconds[name].append(of_a_program(*arguments))
    return seconds


def saves(rounds: int) -> dict[str, list[float]]:
    """Time what a checkpoint of 100 MB keeps the loop waiting, in the background and without.

    The state is that of AdamW on 33 MB of weights.
    """
    torch.manual_seed(0)
    model = nn.Sequential(*[nn.Linear(1024, 1024) for _ in range(8)])
    state = State(model, make_optimizer(model, "adamw", learning_rate=1e-3), keeps_best=False)
    model(torch.randn(1, 1024)).sum().backward()
    state.optimizer.step()

    def copy() -> object:
        entries = state.optimizer.state.values()
        own = [
            *model.state_dict().values(),
            *(each for entry in entries for each in entry.values()),
        ]
        return [each.clone() for each in own]

    seconds: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as folder, Saves(Path(folder)) as kept:
        ways = {
            "one copy": copy,
            "in the background": lambda: kept.save(state),
            "at once": lambda: _checkpoint.save(state, Path(folder)),
        }
        for _ in range(rounds):
            for name, way in ways.items():
                state.step += 1
                began = time.perf_counter()
                way()
                seconds.setdefault(name, []).append(time.perf_counter() - began)
                kept.wait()
    return seconds


def resident_mib() -> float:
    """Return the memory that this process holds now, in MiB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 2**20


def memory() -> dict[str, float]:
    """Return by how many MiB the process grows in 10,000 steps, and in 100 trainings."""
    data = tw.load("digits")
    grown = {}
    with tempfile.TemporaryDirectory() as folder:

        def fit(name: str, epochs: int) -> None:
            model = tw.build("mlp", data, hidden=[32])
            out = Path(folder) / name
            tw.fit(model, data, epochs=epochs, batch_size=32, progress=False, out=out)

        fit("first", 50)
        before, steps = resident_mib(), 10_000
        fit("long", steps // 40 + 1)
        grown["10,000 steps"] = resident_mib() - before
        before = resident_mib()
        for number in range(100):
            fit(f"fit-{number}", 1)
        grown["100 trainings"] = resident_mib() - before
    return grown


def figures(rounds: int) -> list[Figure]:
    """Measure all of it."""
    seconds = batches(rounds)
    size = f"{EXAMPLES:,} × {FEATURES} in batches of {BATCH}"
    value = ratio(seconds["DataLoader(TensorDataset)"], seconds["thalweg"])
    found = [Figure(f"epoch of {size}: speed ÷ DataLoader", *value, target=20.0, is_ceiling=False)]
    seconds = starts(rounds)
    pairs = zip(seconds["import thalweg"], seconds["import torch"], strict=True)
    found.append(_seconds("import thalweg and a name, beyond torch", [a - b for a, b in pairs]))
    found.append(_seconds("thalweg --help", seconds["thalweg --help"]))
    seconds = saves(rounds)
    for name, target in (("one copy", 1.1), ("at once", None)):
        value = ratio(seconds["in the background"], seconds[name])
        found.append(Figure(f"wait for a save of 100 MB ÷ {name}", *value, target=target))
    for name, grown in memory().items():
        value = (grown,) * 3
        found.append(Figure(f"memory over {name}", *value, target=MOST_GROWTH, unit=" MiB"))
    return found


def _seconds(name: str, values: list[float]) -> Figure:
    ordered = sorted(values)
    middle = ordered[len(ordered) // 2]
    return Figure(name, middle, ordered[0], ordered[-1], target=0.3, unit=" s")
