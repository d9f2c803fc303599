"""Answers among the inputs, and known examples in validation."""

from _made import found, inputs, passes, record, sample, unchecked

from thalweg.doctor.record import Moments

SAMPLES = [sample(step) for step in (1, 2, 3, 5, 8, 13, 20, 30)]


def looked(share, **facts):
    rows = {"rows": 256, "seen_rows": round(256 * share), "by_forward": [(256, round(256 * share))]}
    counted = {"looked_rows": 400, "different_rows": 300, **facts}
    return record(SAMPLES, evaluations=passes(1.0, 1.0, **rows), **counted)


def test_finds_the_answer_in_a_column():
    samples = [sample(step, correlations=[0.1, 1.0, 0.3]) for step in (1, 2, 3)]
    (finding,) = found("leakage", record(samples))
    assert finding.where == "input column 1"


def test_a_simple_task_is_fine():
    samples = [sample(step, correlations=[0.99, 1.0, 0.3]) for step in (1, 2, 3)]
    assert not found("leakage", record(samples))


def test_finds_a_network_that_sees_ahead():
    (finding,) = found("leakage", record(SAMPLES, trials={"leakage": 0.4}))
    assert finding.where == "attention mask"
    assert not found("leakage", record(SAMPLES, trials={"leakage": 0.0}))


def test_finds_validation_among_the_training_examples():
    (finding,) = found("leakage", looked(0.4))
    assert finding.where == "validation"


def test_new_examples_are_fine():
    assert not found("leakage", looked(0.0))


def test_short_symbols_recur_by_nature():
    few = [inputs([float(place % 20) for place in range(32)], distinct=2) for _ in SAMPLES]
    samples = [sample(step + 1, inputs=[each]) for step, each in enumerate(few)]
    seen = looked(0.4)
    seen.samples = samples
    assert not found("leakage", seen)


def test_measuring_the_training_error_too_is_fine():
    seen = looked(0.2)
    seen.evaluations[-1].by_forward = [(128, 51), (128, 0)]
    assert not found("leakage", seen)


def test_passes_in_every_step_are_no_validation():
    seen = looked(0.4)
    seen.evaluations = passes(*[1.0] * 60, every=1, rows=32, seen_rows=32)
    assert unchecked("leakage", seen)
    assert not found("leakage", seen)


def test_pictures_of_few_dots_recur_by_nature():
    seen = looked(0.4)
    dots = [inputs([float(place % 20) for place in range(32)], distinct=2) for _ in SAMPLES]
    for each in dots:
        each.shape = [32, 256]
    seen.samples = [sample(step + 1, inputs=[each]) for step, each in enumerate(dots)]
    for mean, is_leak in ((0.5, True), (0.02, False)):
        for each in dots:
            each.moments = Moments(mean, 0.1, 0.0, 1.0)
        assert bool(found("leakage", seen)) is is_leak
