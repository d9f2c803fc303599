import time

from thalweg._core.timing import fastest


def test_the_fastest_of_several_runs_counts():
    pauses = iter([0.05, 0.01, 0.05])
    assert fastest(lambda: time.sleep(next(pauses)), repeats=3) < 0.05


def test_slow_work_is_done_once():
    done = []

    def work():
        done.append(time.sleep(0.25))

    assert fastest(work) > 0.2
    assert len(done) == 1
