"""Times Thalweg against hand-written loops and other trainers: `python -m bench`.

Within a round every way takes its turn, in random order, on one thread; ratios are taken within
a round, and the median over the rounds is printed with its bootstrap interval. Where there is a
control, the ratio of a thing to itself, and it is outside 0.97 to 1.03, the machine was too noisy
and the figure is void. Equal work first: how far final weights are apart stands beside the figure.
"""

import argparse
import json
import os
import platform
from collections.abc import Callable
from pathlib import Path

import torch

from bench import compiled, loops, parts, peers, pictures, precision, reuse, watch
from bench.figures import Figure, table

SECTIONS: dict[str, Callable[[int], list[Figure]]] = {
    "loops": loops.figures,
    "default": loops.as_it_comes,
    "resnet18": loops.resnet18,
    "reuse": reuse.figures,
    "compiled": compiled.figures,
    "pictures": pictures.figures,
    "parts": parts.figures,
    "peers": peers.figures,
    "watch": watch.figures,
    "precision": precision.figures,
}


def main() -> None:
    """Measure, print one table, and write one file."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("sections", nargs="*", metavar="section", help=", ".join(SECTIONS))
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--out", type=Path, help="write the figures as JSON")
    arguments = parser.parse_args()
    wanted = arguments.sections or list(SECTIONS)
    if unknown := set(wanted) - set(SECTIONS):
        parser.error(f"no section {', '.join(unknown)}; there are {', '.join(SECTIONS)}")
    torch.set_num_threads(1)
    machine = {
        "torch": torch.__version__,
        "python": platform.python_version(),
        "machine": platform.machine(),
        "cores": os.cpu_count(),
        "rounds": arguments.rounds,
    }
    print(", ".join(f"{name} {value}" for name, value in machine.items()), flush=True)
    report: dict[str, object] = {"made_with": machine, "load": os.getloadavg()[0]}
    found: list[Figure] = []
    for name in wanted:
        print(f"measuring {name}", flush=True)
        figures = SECTIONS[name](arguments.rounds)
        found += figures
        report[name] = [each.to_json() for each in figures]
        if arguments.out is not None:
            arguments.out.write_text(json.dumps(report, indent=2))
    print(f"\n{table(found)}")


if __name__ == "__main__":
    main()
