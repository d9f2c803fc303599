"""Signals are noted, and passed on once everything is saved."""

import os
import signal
import threading

import pytest

from thalweg.train._interruption import interruptible

SIGNALS = (signal.SIGINT, signal.SIGTERM)


def handlers() -> list:
    return [signal.getsignal(number) for number in SIGNALS]


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_is_noted_and_the_block_goes_on(number):
    before = handlers()
    with interruptible() as interruption:
        assert not interruption()
        os.kill(os.getpid(), number)
        assert interruption()
    assert handlers() == before


def test_a_second_ctrl_c_stops_at_once():
    before = handlers()
    with pytest.raises(KeyboardInterrupt), interruptible():
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)
        pytest.fail("went on")
    assert handlers() == before


def test_handlers_are_put_back_after_an_error():
    before = handlers()
    with pytest.raises(ValueError, match="inside"), interruptible():
        raise ValueError("inside")
    assert handlers() == before


def test_ends_as_the_signal_asked():
    with interruptible() as interruption:
        os.kill(os.getpid(), signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        interruption.pass_on()
    with interruptible() as interruption:
        os.kill(os.getpid(), signal.SIGTERM)
    with pytest.raises(SystemExit) as caught:
        interruption.pass_on()
    assert caught.value.code == 128 + 15


def test_without_a_signal_nothing_is_passed_on():
    with interruptible() as interruption:
        pass
    interruption.pass_on()


def test_another_thread_catches_nothing():
    before, noted = handlers(), []

    def work() -> None:
        with interruptible() as interruption:
            noted.append(interruption())
            noted.append(handlers() == before)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert noted == [False, True]


def test_a_handler_from_outside_python_gives_way_to_the_default(monkeypatch):
    """Python shows such a handler as None and cannot put it back."""
    install, first = signal.signal, {}

    def foreign(number, handler):
        before = install(number, handler)
        return before if first.setdefault(number, handler) is not handler else None

    original = handlers()
    monkeypatch.setattr(signal, "signal", foreign)
    with interruptible():
        pass
    monkeypatch.undo()
    assert handlers() == [signal.SIG_DFL, signal.SIG_DFL]
    for number, handler in zip(SIGNALS, original, strict=True):
        signal.signal(number, handler)
