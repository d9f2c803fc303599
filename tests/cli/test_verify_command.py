import json

import pytest

from thalweg._api import Verification

EQUAL = Verification(weights_equal=True, history_equal=True, kills=[2, 1004], steps=2000, epochs=3)
OTHER = Verification(weights_equal=False, history_equal=True, kills=[2], steps=9, epochs=3)


@pytest.fixture
def verified(monkeypatch):
    """Answer `verify` at once: the proof itself is tested where it is made."""

    def answer(found):
        def verify(run, *, say):
            say("training undisturbed")
            return found

        monkeypatch.setattr("thalweg._api.verify", verify)

    return answer


def test_equal_bits_are_told(call, verified, trained):
    verified(EQUAL)
    shown = call("verify", trained)
    assert shown.code == 0
    assert shown.err == "training undisturbed …\n"
    assert "2, 1,004" in shown.out
    assert shown.out.count("equal, bit for bit") == 2


def test_a_difference_is_told_and_fails(call, verified, trained):
    verified(OTHER)
    shown = call("verify", trained)
    assert shown.code == 1
    assert "DIFFERENT" in shown.out


def test_json_holds_the_result(call, verified, trained):
    verified(EQUAL)
    found = json.loads(call("verify", trained, "--json").out)
    assert (found["equal"], found["kills"]) == (True, [2, 1004])


def test_what_is_no_run_is_told(call):
    failed = call("verify", "nope")
    assert failed.code == 1
    assert "nope is not a run" in failed.err
