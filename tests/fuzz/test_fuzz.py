"""Every parser takes what it is given or refuses it in a line: seeds, what was found, mutations."""

import os
import pickle
import socket
import time
from pathlib import Path

import guard
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mutations import mutate
from targets import CORPUS, SEEDS, TARGETS, hold, seeds

from thalweg.errors import DataError

# Mutations per target, a few seconds for each: a page or a process takes a quarter of one.
EXAMPLES = {"page": 8, "parquet": 6, "run": 40}


@pytest.mark.parametrize("name", TARGETS)
def test_every_seed_and_everything_found_so_far_is_taken_or_refused(name):
    assert SEEDS[name]()
    for path in SEEDS[name]():
        taken = hold(name, path.read_bytes())
        assert taken or path.name.startswith("found"), path


@pytest.mark.parametrize("name", TARGETS)
def test_mutations_are_taken_or_refused(name):
    known = seeds(name)

    @settings(
        max_examples=EXAMPLES.get(name.split()[0], 60),
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(st.sampled_from(known), st.randoms(use_true_random=True))
    def check(seed, draw):
        hold(name, mutate(seed, known, draw))

    check()


def test_the_corpus_is_small():
    held = [path.stat().st_size for path in CORPUS.rglob("*") if path.is_file()]
    assert sum(held) < 300 * 1024


def allocate(content, folder):
    bytearray(2 * guard.MEMORY)


def write_elsewhere(content, folder):
    (folder.parent / f"{folder.name}-beside").touch()


def speak(content, folder):
    with socket.socket():
        pass


def unpickle(content, folder):
    pickle.loads(pickle.dumps(os.getcwd))


def hang(content, folder):
    while True:
        pass


def wait(content, folder):
    time.sleep(3600)


def say_two_lines(content, folder):
    class LoudError(DataError):
        __str__ = Exception.__str__

    raise LoudError("two lines\nof words")


def crash(content, folder):
    raise KeyError("a")


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (allocate, MemoryError),
        (write_elsewhere, guard.BrokenPropertyError),
        (speak, guard.BrokenPropertyError),
        (unpickle, guard.BrokenPropertyError),
        (hang, guard.TooSlow),
        (wait, guard.TooSlow),
        (say_two_lines, guard.BrokenPropertyError),
        (crash, KeyError),
    ],
)
def test_the_guard_notices(fault, error, monkeypatch):
    if error is guard.TooSlow:
        monkeypatch.setattr(guard, "SECONDS", 0.05)
    with pytest.raises(error):
        guard.hold(fault, b"")


def test_the_guard_lets_a_reader_write_in_its_folder_and_refuse():
    def read(content: bytes, folder: Path) -> None:
        (folder / "file").write_bytes(content)
        raise DataError("this is no file of ours.")

    assert not guard.hold(read, b"")
    assert guard.hold(lambda content, folder: None, np.arange(3).tobytes())
