"""What surrounds the steps: `python -m bench.parts`.

Batches out of memory against torch's DataLoader; the import and the command line's first answer;
what a checkpoint keeps the loop waiting; memory over many steps and many trainings. Seconds are
those of the processor, of the clock where a disk is waited for; in turns, and the median of the
ratios is given with its bootstrap interval.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

import thalweg as tw
from bench.__main__ import ratio
from thalweg.train import _checkpoint, make_optimizer
from thalweg.train._batches import Feed, bounds, order
from thalweg.train._saves import Saves
from thalweg.train._state import State

EXAMPLES, FEATURES, BATCH = 20_000, 32, 128


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


def main() -> None:
    """Measure, print, and write what was measured as JSON."""
    parser = argparse.ArgumentParser(prog="python -m bench.parts", description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--out", type=Path, help="write the figures as JSON")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    report: dict[str, Any] = {"torch": torch.__version__, "rounds": arguments.rounds}

    report["batches"] = seconds = batches(arguments.rounds)
    middle, low, high = ratio(seconds["DataLoader(TensorDataset)"], seconds["thalweg"])
    size = f"{EXAMPLES:,} × {FEATURES} in batches of {BATCH}"
    print(f"an epoch of {size}: {middle:.1f} ({low:.1f} to {high:.1f}) times as fast as DataLoader")

    report["starts"] = seconds = starts(arguments.rounds)
    extra = [
        ours - theirs
        for ours, theirs in zip(seconds["import thalweg"], seconds["import torch"], strict=True)
    ]
    print(f"import thalweg beyond torch's own: {sorted(extra)[len(extra) // 2]:.2f} s")
    print(f"thalweg --help: {sorted(seconds['thalweg --help'])[arguments.rounds // 2]:.2f} s")

    report["saves"] = seconds = saves(arguments.rounds)
    for name in ("one copy", "at once"):
        middle, low, high = ratio(seconds["in the background"], seconds[name])
        other = {"one copy": "one copy of the state", "at once": "synchronous save"}[name]
        print(f"blocked by a save of 100 MB ÷ {other}: {middle:.2f} ({low:.2f} to {high:.2f})")

    report["memory"] = grown = memory()
    for name, mebibytes in grown.items():
        print(f"memory over {name}: {mebibytes:+.1f} MiB")
    if arguments.out is not None:
        arguments.out.write_text(json.dumps(report, indent=2))


if __name__ == "__main__":
    main()
