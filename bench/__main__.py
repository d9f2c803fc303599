"""Times Thalweg against hand-written loops, paired in one run: `python -m bench`.

Equal work first: the weights after training must agree with the plain loop's. Then each round
trains every way once, in random order, on one thread; ratios are taken within a round and the
median over the rounds is reported with its bootstrap interval. The ratio of Thalweg to itself
is the control: outside 0.97 to 1.03 the machine was too noisy for the rest to mean much.
"""

import argparse
import json
import os
import platform
import random
import statistics
from pathlib import Path

import torch

import thalweg as tw
from bench.loops import LOOPS, Workload, thalweg_loop, tuned_loop


def workloads() -> list[Workload]:
    """Return the networks and data that are timed."""
    glyphs = tw.load("glyphs", n=4000)
    return [
        Workload("mlp 784-256-256-10", tw.build("mlp", glyphs, hidden=[256, 256]), glyphs, 128),
        Workload("lenet 28×28", tw.build("lenet", glyphs), glyphs, 64),
    ]


def difference(work: Workload) -> float:
    """Return the largest difference between Thalweg's final weights and the plain loop's."""
    ours, plain = thalweg_loop(work).weights, tuned_loop(work).weights
    return max(float((ours[name] - plain[name]).abs().max()) for name in ours)


def rounds(work: Workload, number: int) -> dict[str, list[float]]:
    """Return seconds per step of each loop, one entry per round."""
    order = random.Random(0)
    seconds: dict[str, list[float]] = {name: [] for name in LOOPS}
    for _ in range(number):
        for name in order.sample(list(LOOPS), len(LOOPS)):
            seconds[name].append(LOOPS[name](work).seconds_per_step)
    return seconds


def ratio(above: list[float], below: list[float]) -> tuple[float, float, float]:
    """Return the median of the ratios within rounds, and its bootstrap 95 % interval."""
    ratios = [a / b for a, b in zip(above, below, strict=True)]
    draw = random.Random(0)
    medians = sorted(statistics.median(draw.choices(ratios, k=len(ratios))) for _ in range(2000))
    return statistics.median(ratios), medians[49], medians[1949]


def main() -> None:
    """Measure, print a table, and write what was measured as JSON."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--out", type=Path, help="write the figures as JSON")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    report: dict[str, object] = {
        "torch": torch.__version__,
        "processor": platform.processor() or platform.machine(),
        "threads": arguments.threads,
        "load": os.getloadavg()[0],
        "rounds": arguments.rounds,
    }
    print(f"torch {torch.__version__}, {arguments.threads} thread(s), {arguments.rounds} rounds")
    for work in workloads():
        gap = difference(work)
        seconds = rounds(work, arguments.rounds)
        figures = {
            "thalweg ÷ tuned loop": ratio(seconds["thalweg"], seconds["tuned"]),
            "thalweg ÷ usual loop": ratio(seconds["thalweg"], seconds["usual"]),
            "control (thalweg ÷ itself)": ratio(seconds["thalweg"], seconds["thalweg again"]),
        }
        milliseconds = 1000 * statistics.median(seconds["tuned"])
        print(f"\n{work.name}, batch {work.batch_size}")
        print(f"  {milliseconds:.2f} ms per step of the tuned loop")
        print(f"  final weights differ by at most {gap:.1e}")
        for name, (median, low, high) in figures.items():
            print(f"  {name:28} {median:.3f}  ({low:.3f} to {high:.3f})")
        report[work.name] = {"difference": gap, "seconds": seconds, "ratios": figures}
    if arguments.out is not None:
        arguments.out.write_text(json.dumps(report, indent=2))


if __name__ == "__main__":
    main()
