"""What it gains to keep the memory that a step frees for the next one.

Every training has a fresh process: one that has freed large blocks before gives less back.
"""

from functools import partial

import torch

import thalweg as tw
from bench import workloads
from bench.figures import Figure, apart, in_turns, ratio
from thalweg._core import memory

WORKS = {
    "small resnet 32×32": workloads.resnet,
    "resnet18 32×32": partial(workloads.resnet18, 32),
    "resnet18 224×224": partial(workloads.resnet18, 224),
}
EPOCHS = 3


def figures(rounds: int) -> list[Figure]:
    """Train with and without."""
    found = []
    for name in WORKS:
        ways = {
            "kept": partial(apart, partial(_seconds, name, keeps=True), fresh=True),
            "again": partial(apart, partial(_seconds, name, keeps=True), fresh=True),
            "given back": partial(apart, partial(_seconds, name, keeps=False), fresh=True),
        }
        seconds = in_turns(ways, rounds)
        control = ratio(seconds["again"], seconds["kept"])[0]
        value = ratio(seconds["kept"], seconds["given back"])
        label = f"{name}: memory kept ÷ given back after each step"
        found.append(Figure(label, *value, control=control))
    return found


def _seconds(name: str, keeps: bool) -> float:
    torch.set_num_threads(1)
    if not keeps:
        memory._glibc = lambda: None
    work = WORKS[name]()
    run = tw.fit(
        work.model,
        work.data,
        epochs=EPOCHS,
        batch_size=work.batch_size,
        measure_speed=False,
        restore_best=False,
        progress=False,
        doctor=False,
        out=False,
    )
    return run.timing["training"]
