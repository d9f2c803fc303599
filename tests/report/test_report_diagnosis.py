"""The page shows what the doctor found, first where something is wrong."""

import pytest

import thalweg as tw
from thalweg.report.sections import compose
from thalweg.report.sections._diagnosis import diagnosis, sparkline


@pytest.fixture
def fitted(tmp_path, monkeypatch):
    def fit(**settings):
        return tw.fit("mlp", "iris", epochs=20, out="run", progress=False, **settings)

    return fit


def test_a_healthy_run_says_so_after_the_curves(fitted):
    run = fitted()
    section = diagnosis(run)
    assert section.sentence.startswith("Nothing is wrong: 140 steps watched for ")
    names = [each.name for each in compose(run, "No answers.")]
    assert names.index("curves") < names.index("diagnosis")


def test_a_finding_stands_first_with_its_numbers_and_remedy(fitted):
    run = fitted(learning_rate=30.0)
    finding = run.diagnosis.findings[0]
    names = [each.name for each in compose(run, "No answers.")]
    assert names[0] == "diagnosis"
    card = diagnosis(run).body["cards"][0]
    assert card.fault == finding.fault
    assert card.remedy == str(finding.remedy)
    page = run.report().read_text()
    assert finding.fault in page
    assert f'<article class="finding{" bad" if finding.severity == "error" else ""}">' in page


def test_a_run_that_nobody_watched_says_so(fitted):
    assert "did not watch" in diagnosis(fitted(doctor=False)).sentence


def test_a_drawing_passes_over_what_is_no_number():
    assert sparkline([0.0, float("nan"), 2.0, 1.0]) == "M0.0 35.0L106.7 1.0L160.0 18.0"
    assert sparkline([1.0, 1.0]) == "M0.0 35.0L160.0 35.0"
