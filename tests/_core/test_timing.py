from types import SimpleNamespace

import pytest

from thalweg._core import timing
from thalweg._core.timing import fastest


@pytest.fixture
def sleep(monkeypatch):
    """Passes time on a clock that nothing else moves."""
    now = [0.0]

    def pause(seconds):
        now[0] += seconds

    monkeypatch.setattr(timing, "time", SimpleNamespace(perf_counter=lambda: now[0]))
    return pause


def test_the_fastest_of_several_runs_counts(sleep):
    pauses = iter([0.05, 0.01, 0.05])
    assert fastest(lambda: sleep(next(pauses)), repeats=3) == pytest.approx(0.01)


def test_slow_work_is_done_once(sleep):
    done = []

    def work():
        done.append(sleep(0.25))

    assert fastest(work) == pytest.approx(0.25)
    assert len(done) == 1
