"""From findings to a diagnosis: what causes what, and what could not be judged."""

import pytest

from thalweg.doctor import _diagnose, checks
from thalweg.doctor._diagnose import diagnose, ranked
from thalweg.doctor._faults import FAULTS
from thalweg.doctor._finding import Finding, Remedy, Severity
from thalweg.doctor.checks._check import Note, Unchecked
from thalweg.doctor.record import Record


def finding(fault, confidence=0.9, severity: Severity = "error", where="here"):
    return Finding(fault, where, severity, confidence, {}, Remedy("Change it."))


@pytest.fixture
def explained(monkeypatch):
    """Say which faults explain which, in place of what the checks say."""

    def say(**explains):
        codes = {code.replace("_", "-"): faults for code, faults in explains.items()}
        monkeypatch.setattr(checks, "EXPLAINS", codes)

    say()
    return say


def tree(*found):
    """Return the codes of the causes in order, each with those of its symptoms."""
    return {each.fault: [symptom.fault for symptom in each.symptoms] for each in ranked([*found])}


@pytest.mark.parametrize("cause", ["input-scale", "init-scale", "missing-zero-grad"])
def test_a_cause_stands_before_what_shows_in_a_later_stage(explained, cause):
    assert tree(finding("plateau"), finding(cause)) == {cause: ["plateau"]}


def test_a_warning_explains_no_later_stage(explained):
    found = tree(finding("input-scale", severity="warning"), finding("plateau"))
    assert found == {"plateau": [], "input-scale": []}


def test_a_stage_does_not_explain_itself(explained):
    assert tree(finding("init-scale"), finding("initial-loss")) == {
        "init-scale": [],
        "initial-loss": [],
    }


def test_a_step_size_explains_only_what_it_names(explained):
    found = finding("lr-too-high"), finding("plateau")
    assert tree(*found) == {"lr-too-high": [], "plateau": []}
    explained(lr_too_high=("plateau",))
    assert tree(*found) == {"lr-too-high": ["plateau"]}


def test_what_a_check_names_beats_the_order_of_stages(explained):
    explained(double_softmax=("initial-loss",))
    found = finding("initial-loss", 0.99, "warning"), finding("double-softmax", 0.5)
    assert tree(*found) == {"double-softmax": ["initial-loss"]}


@pytest.mark.parametrize(("sure", "cause"), [(0.95, "double-softmax"), (0.5, "initial-loss")])
def test_of_two_that_explain_each_other_the_surer_is_the_cause(explained, sure, cause):
    explained(double_softmax=("initial-loss",))
    # Both are errors, so that the stage of the first loss explains the wiring in its turn.
    found = tree(finding("initial-loss", 0.9), finding("double-softmax", sure))
    assert [*found] == [cause]
    assert len(found[cause]) == 1


def test_of_two_that_explain_each_other_an_error_is_the_cause_however_sure(explained):
    explained(plateau=("underfitting",), underfitting=("plateau",))
    found = tree(finding("plateau", 0.99, "warning"), finding("underfitting", 0.5))
    assert found == {"underfitting": ["plateau"]}


def test_of_two_alike_that_explain_each_other_one_is_the_cause(explained):
    explained(plateau=("underfitting",), underfitting=("plateau",))
    one = tree(finding("plateau"), finding("underfitting"))
    assert one == tree(finding("underfitting"), finding("plateau")) == {"plateau": ["underfitting"]}


CIRCLE = {
    "plateau": ("dead-units",),
    "dead_units": ("saturated-units",),
    "saturated_units": ("plateau",),
}
THREE = [finding("plateau"), finding("dead-units", 0.95), finding("saturated-units")]


def test_of_three_in_a_circle_the_first_is_the_cause(explained):
    explained(**CIRCLE)
    found = tree(*THREE)
    assert [*found] == ["dead-units"]
    assert sorted(found["dead-units"]) == ["plateau", "saturated-units"]


def test_a_circle_does_not_vanish_under_what_has_nothing_to_do_with_it(explained):
    explained(**CIRCLE)
    found = tree(*THREE, finding("lr-too-low"))
    assert found["lr-too-low"] == []
    assert sorted(found["dead-units"]) == ["plateau", "saturated-units"]


def test_what_a_symptom_explains_stands_beneath_the_cause_of_that(explained):
    explained(lr_too_high=("dead-units",), dead_units=("plateau",))
    found = tree(
        finding("plateau"), finding("dead-units"), finding("lr-too-high"), finding("lr-too-low", 1)
    )
    assert found == {"lr-too-low": [], "lr-too-high": ["dead-units", "plateau"]}


def test_a_symptom_of_two_causes_stands_beneath_the_first(explained):
    found = tree(finding("plateau"), finding("missing-step"), finding("detached", 0.99))
    assert found == {"detached": ["plateau"], "missing-step": []}


def test_what_explains_directly_comes_before_what_explains_in_steps(explained):
    explained(lr_too_high=("dead-units",), dead_units=("plateau",), lr_decayed_early=("plateau",))
    found = tree(
        finding("lr-too-high", 0.99),
        finding("lr-decayed-early"),
        finding("dead-units"),
        finding("plateau"),
    )
    assert found == {"lr-too-high": ["dead-units"], "lr-decayed-early": ["plateau"]}


def test_one_fault_in_two_places_is_two_causes(explained):
    two = ranked([finding("detached", where="trunk"), finding("detached", where="head")])
    assert [each.where for each in two] == ["head", "trunk"]
    (one,) = ranked([finding("detached", 0.5), finding("detached", 0.9)])
    assert one.confidence == 0.9


def test_causes_come_by_severity_then_stage_then_certainty(explained):
    found = tree(
        finding("overfitting"),
        finding("not-shuffled", severity="warning"),
        finding("lr-too-low", 0.8),
        finding("lr-too-high", 0.7),
    )
    assert [*found] == ["lr-too-low", "lr-too-high", "overfitting", "not-shuffled"]


def test_nothing_found_is_nothing_ranked():
    assert ranked([]) == []


def answering(*answers):
    return lambda record: iter(answers)


def test_a_diagnosis_holds_what_every_check_says(monkeypatch):
    asked = {
        "plateau": answering(finding("plateau")),
        "input-scale": answering(finding("input-scale"), Note("Take more data.")),
        "overfitting": answering(Unchecked("no validation")),
        "detached": answering(),
    }
    monkeypatch.setattr(checks, "CHECKS", asked)
    found = diagnose(Record(count=7))
    assert [each.fault for each in found.findings] == ["input-scale"]
    assert [each.fault for each in found.findings[0].symptoms] == ["plateau"]
    assert found.notes == ("Take more data.",)
    assert found.unchecked == {"overfitting": "no validation"}
    assert found.steps == 7


def test_where_nothing_could_be_seen_nothing_is_said_to_be_checked():
    found = diagnose(Record(limits={"all": "another watch is running"}))
    assert found.healthy
    assert found.unchecked == dict.fromkeys(FAULTS, "another watch is running")


def test_other_limits_leave_the_checks_their_say():
    found = diagnose(Record(limits={"graph": "the loss graph is too large to be walked"}))
    assert found.healthy
    assert set(found.unchecked) < set(FAULTS)


def test_every_fault_has_a_check_and_every_check_explains_faults():
    assert set(checks.CHECKS) == set(FAULTS)
    assert all(set(faults) <= set(FAULTS) for faults in checks.EXPLAINS.values())
    assert set(_diagnose.CAUSES) < {fault.stage for fault in FAULTS.values()}
