"""A folder of JPEG photographs: read the first and the second time, and fed to a network.

Batches, from the second epoch on, are compared with a DataLoader with two workers.
"""

import contextlib
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch.utils.data import DataLoader, Dataset

import thalweg as tw
from bench import workloads
from bench.figures import Figure, in_turns, ratio
from thalweg.train._batches import Feed, bounds, order

SIZE, BATCH = 96, 32


class Photographs(Dataset):
    """Opens, decodes and resizes a picture each time it is asked for, as most do."""

    def __init__(self, folder: Path, mean: torch.Tensor, deviation: torch.Tensor) -> None:
        self.paths = sorted(folder.rglob("*.jpg"))
        self.mean, self.deviation = mean, deviation

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        path = self.paths[index]
        with Image.open(path) as picture:
            pixels = np.asarray(picture.convert("RGB").resize((SIZE, SIZE), Image.BILINEAR))
        x = torch.from_numpy(pixels.copy()).permute(2, 0, 1).float() / 255
        return (x - self.mean) / self.deviation, int(path.parent.name == "night")


def figures(rounds: int) -> list[Figure]:
    """Time the reading of a folder, and an epoch of batches, ready for the network."""
    with all_cores(), workloads.photographs() as folder, tempfile.TemporaryDirectory() as cache:
        return [*_reading(folder, Path(cache), rounds), _feeding(folder, rounds)]


def _reading(folder: Path, cache: Path, rounds: int) -> list[Figure]:
    """Time the first reading, which decodes, and the second, which maps what was kept."""

    def load(place: Path | bool) -> Callable[[], object]:
        return lambda: tw.load(folder, size=SIZE, valid=0.0, test=0.0, cache=place)

    def first() -> float:
        shutil.rmtree(cache, ignore_errors=True)
        return _seconds(load(cache))

    def second() -> float:
        load(cache)()
        return _seconds(load(cache))

    ways = {
        "first": first,
        "second": second,
        "again": second,
        "uncached": lambda: _seconds(load(False)),
    }
    seconds = in_turns(ways, rounds)
    control = ratio(seconds["again"], seconds["second"])[0]
    best = {way: min(each) for way, each in seconds.items()}
    return [
        Figure(
            f"{workloads.PHOTOGRAPHS} JPEGs of 320×240 at {SIZE}²: first reading ÷ second",
            *ratio(seconds["first"], seconds["second"]),
            target=5.0,
            is_ceiling=False,
            control=control,
            note=f"{best['first']:.2f} s, then {best['second']:.2f} s from the cache",
        ),
        Figure(
            f"{workloads.PHOTOGRAPHS} JPEGs: first reading ÷ reading without a cache",
            *ratio(seconds["first"], seconds["uncached"]),
            target=1.1,
            control=control,
            note="what writing and checking the cache adds",
        ),
    ]


def _feeding(folder: Path, rounds: int) -> Figure:
    """Time an epoch of batches, from the second epoch on."""
    data = tw.load(folder, size=SIZE, valid=0.0, test=0.0, cache=False)
    feed = Feed(data.train, data.schema.encoder, torch.device("cpu"))
    one = torch.ones(3, 1, 1)
    loader = DataLoader(
        Photographs(folder, 0.5 * one, 0.25 * one), batch_size=BATCH, shuffle=True,
        num_workers=2, persistent_workers=True,
    )  # fmt: skip
    _pass(loader)  # Its workers start.

    def ours() -> float:
        rows = order(len(feed), 0, 0)
        return _pass(feed.batch(rows[a:b]) for a, b in bounds(len(feed), BATCH))

    ways = {"ours": ours, "again": ours, "loader": lambda: _pass(loader)}
    seconds = in_turns(ways, rounds)
    return Figure(
        f"{len(feed)} JPEGs of 320×240 at {SIZE}²: speed ÷ DataLoader, 2 workers",
        *ratio(seconds["loader"], seconds["ours"]),
        target=10.0,
        is_ceiling=False,
        control=ratio(seconds["again"], seconds["ours"])[0],
        note=f"{len(feed) / min(seconds['ours']):,.0f} pictures/s",
    )


def _seconds(work: Callable[[], object]) -> float:
    """Return the seconds of some work."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _pass(batches: Iterator | DataLoader) -> float:
    """Return the seconds of going through batches once."""
    began = time.perf_counter()
    for _ in batches:
        pass
    return time.perf_counter() - began


@contextlib.contextmanager
def all_cores() -> Iterator[None]:
    """Use every core inside the block, even where the benchmark is bound to one."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, range(os.cpu_count() or 1))
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)
