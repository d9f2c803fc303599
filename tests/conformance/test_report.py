"""A suite runs its checks, and the report says of each what became of it."""

import json

import pytest

from thalweg.conformance import Conformance, Result
from thalweg.conformance._suite import NotApplicable, Suite
from thalweg.errors import ConformanceError, SettingError


@pytest.fixture
def suite() -> Suite[int]:
    """Checks of a whole number."""
    numbers: Suite[int] = Suite("number")

    @numbers.check("Pass a number.", is_gate=True)
    def check_given(case: int):
        """It is a number."""
        return "nothing." if case < 0 else None

    @numbers.check("Double it.")
    def check_is_even(case: int):
        """It is even.

        More about it.
        """
        return f"{case}." if case % 2 else None

    @numbers.check("Pass a number that divides.")
    def check_divides_ten(case: int):
        """It divides ten."""
        return None if 10 % case == 0 else f"{case}."

    @numbers.check("Wait.", is_thorough=True)
    def check_at_length(case: int):
        """It stands a long look."""
        return NotApplicable("nobody looks so long")

    return numbers


def outcomes(report: Conformance) -> dict[str, str]:
    return {each.name: each.outcome for each in report.results}


def test_the_sentence_of_a_check_is_its_promise_and_its_function_names_it(suite):
    assert suite.names() == ["given", "is-even", "divides-ten", "at-length"]
    assert [each.promise for each in suite][:2] == ["It is a number.", "It is even."]


def test_a_failure_says_what_was_needed_what_came_and_what_to_do(suite):
    report = suite.run("three", lambda: 3)
    assert outcomes(report) == {
        "given": "passed",
        "is-even": "failed",
        "divides-ten": "failed",
        "at-length": "not applicable",
    }
    assert not report.passed
    assert [each.name for each in report.failures] == ["is-even", "divides-ten"]
    shown = str(report).splitlines()
    assert shown[0] == "three: 1 of 4 checks passed, 2 failed, 1 not applicable."
    told = "failed is-even needed: It is even. Got: 3. Double it."
    assert shown[1].split() == told.split()
    assert all(len(line) <= 100 for line in shown)


def test_an_error_of_the_part_is_a_failure_like_any_other(suite):
    failed = suite.run("zero", lambda: 0)["divides-ten"]
    assert failed.outcome == "failed"
    assert failed.came.startswith("ZeroDivisionError: ")


def test_where_a_gate_fails_nothing_else_is_examined(suite):
    report = suite.run("none", lambda: -1, thorough=True)
    assert list(outcomes(report).values()) == ["failed", *["not applicable"] * 3]
    assert report["is-even"].came == "not examined, since 'given' failed"


def test_what_takes_seconds_runs_when_asked_for(suite):
    assert "thorough=True" in suite.run("two", lambda: 2)["at-length"].came
    assert suite.run("two", lambda: 2, thorough=True)["at-length"].came == "nobody looks so long"


def test_each_check_has_a_case_of_its_own(suite):
    made: list[int] = []

    def case() -> int:
        made.append(2)
        return 2

    suite.run("two", case)
    assert len(made) == 3  # the slow one is not run


def test_an_expected_failure_is_no_failure_and_keeps_its_reason(suite):
    report = suite.run("four", lambda: 4, {"divides-ten": "four is loved for other things"})
    assert report.passed
    assert report["divides-ten"].outcome == "exempt"
    assert "four is loved for other things" in str(report)
    assert "1 exempt" in str(report)


def test_an_exemption_that_outlives_its_cause_is_a_failure(suite):
    report = suite.run("two", lambda: 2, {"divides-ten": "it once did not"})
    assert [each.name for each in report.failures] == ["divides-ten"]
    assert report["divides-ten"].remedy == "Remove the exemption."


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"divides-tenn": "why"}, "no check 'divides-tenn'. Did you mean 'divides-ten'?"),
        ({"divides-ten": " "}, "needs its reason"),
    ],
)
def test_an_exemption_names_a_check_and_gives_a_reason(suite, given, message):
    with pytest.raises(SettingError, match=r"check|reason") as caught:
        suite.run("two", lambda: 2, given)
    assert message in str(caught.value)


def test_failures_are_raised_when_asked_for(suite):
    suite.run("two", lambda: 2).raise_failures()
    with pytest.raises(AssertionError) as caught:
        suite.run("three", lambda: 3).raise_failures()
    assert isinstance(caught.value, ConformanceError)
    assert "is-even" in str(caught.value)
    assert "divides-ten" in str(caught.value)


def test_the_report_is_plain_data(suite):
    plain = json.loads(json.dumps(suite.run("three", lambda: 3).to_json()))
    assert plain["subject"] == "three"
    assert plain["passed"] is False
    assert [Result(**each).outcome for each in plain["results"]].count("failed") == 2


def test_what_comes_from_anybody_cannot_steer_a_terminal():
    report = Conformance("net\x1b[2J", (Result("runs", "failed", "It runs.", "a"),))
    assert "\x1b" not in str(report)
