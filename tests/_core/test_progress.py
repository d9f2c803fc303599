import sys
import threading

import pytest

from thalweg._core import progress
from thalweg._core.progress import counting, say, shown


@pytest.fixture(autouse=True)
def at_once(monkeypatch):
    monkeypatch.setattr(progress, "SECONDS_BEFORE", 0.0)


def test_lines_tell_how_far_work_is(capsys):
    with shown(True), counting("decoding pictures", 1200) as done:
        done()
        done()  # Within five seconds there is one line.
        say("Another process is at work.")
    lines = capsys.readouterr().err.splitlines()
    assert lines[0].startswith("decoding pictures: 1 of 1,200  ")
    assert lines[1:] == ["Another process is at work."]


def test_nothing_is_shown_where_nobody_looks(capsys):
    for wanted in (False, None):
        with shown(wanted), counting("decoding pictures", 3) as done:
            done()
            say("no")
    assert capsys.readouterr().err == ""


def test_a_person_at_a_terminal_sees_a_bar(monkeypatch, capsys):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    monkeypatch.setattr(progress, "REDRAWS_PER_SECOND", 1e9)
    with counting("decoding pictures", 3) as done:
        for _ in range(3):
            done()
    told = capsys.readouterr().err
    assert "decoding pictures" in told
    assert "3 of 3" in told


def test_short_work_shows_nothing(monkeypatch, capsys):
    monkeypatch.setattr(progress, "SECONDS_BEFORE", 60.0)
    with shown(True), counting("decoding pictures", 3) as done:
        done()
    assert capsys.readouterr().err == ""


def test_threads_count_together(capsys, monkeypatch):
    monkeypatch.setattr(progress, "SECONDS_BETWEEN_LINES", 0.0)
    with shown(True), counting("reading", 800) as done:

        def work():
            for _ in range(100):
                done()

        threads = [threading.Thread(target=work) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    lines = capsys.readouterr().err.splitlines()
    assert lines[-1].startswith("reading: 800 of 800")
    assert len(lines) == 800


def test_what_was_said_before_holds_after_the_block(capsys):
    with shown(True):
        with shown(False):
            say("no")
        say("yes")
    assert capsys.readouterr().err == "yes\n"
