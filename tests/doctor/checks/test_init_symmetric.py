"""Units that are born equal."""

from _made import found, motion, tower, unchecked

from thalweg.doctor.record import OptimizerFacts

STEPS = (1, 5, 10, 20)


def parting(*spreads, stake: float | None = 0.1, steps=STEPS, **facts):
    """Return a record of a weight whose units differ so much at the sampled steps."""
    return tower({"first": [motion(stake, spread=each) for each in spreads]}, steps=steps, **facts)


def recurrent(*spreads):
    return parting(*spreads, family="recurrent", kind="RNN")


def test_finds_units_that_stay_equal():
    (finding,) = found("init-symmetric", parting(0.0, 1e-7, 1e-6, 6e-5))
    assert (finding.where, finding.severity) == ("first.weight", "error")
    assert finding.confidence == 0.99
    assert finding.evidence["difference between units at the start"] == 0.0
    assert finding.evidence["difference between units at the end"] == 6e-5
    assert finding.evidence["last step looked at"] == 20


def test_units_that_start_at_random_are_fine():
    assert not found("init-symmetric", parting(1.0, 1.0, 1.0, 1.0))


def test_a_head_of_zeros_whose_units_part_is_fine():
    assert not found("init-symmetric", parting(0.0, 0.1, 0.2, 0.3))
    assert not found("init-symmetric", parting(0.0, 1.5e-4, 1.5e-4, 1.5e-4))


def test_units_that_differed_once_are_fine():
    assert not found("init-symmetric", parting(0.0, 0.1, 0.0, 0.0))


def test_a_few_steps_do_not_tell_that_units_stay_equal():
    assert not found("init-symmetric", parting(0.0, 0.0, steps=(1, 7)))
    assert found("init-symmetric", parting(0.0, 0.0, steps=(1, 8)))


def test_what_was_first_seen_late_is_no_start():
    assert not found("init-symmetric", parting(0.0, 0.0, 0.0, steps=(3, 10, 20)))


def test_weights_without_a_gradient_or_frozen_are_left_alone():
    assert not found("init-symmetric", parting(0.0, 0.0, 0.0, 0.0, stake=None))
    frozen = parting(0.0, 0.0, 0.0, 0.0)
    frozen.parameters["first.weight"].is_trainable = False
    assert not found("init-symmetric", frozen)


def test_vectors_have_no_units():
    vector = parting(0.0, 0.0, 0.0, 0.0)
    vector.parameters["first.weight"].shape = [8]
    assert not found("init-symmetric", vector)


def test_finds_recurrent_weights_whose_units_part_slowly():
    (finding,) = found("init-symmetric", recurrent(0.0, 0.05, 0.4, 0.6))
    assert (finding.severity, finding.confidence) == ("warning", 0.85)


def test_recurrent_weights_whose_units_part_soon_are_fine():
    assert not found("init-symmetric", recurrent(0.0, 0.2, 0.6, 0.9))


def test_recurrent_weights_that_start_a_little_different_are_fine():
    assert not found("init-symmetric", recurrent(0.4, 0.4, 0.4, 0.4))


def test_a_few_steps_do_not_tell_that_recurrent_units_part_slowly():
    assert not found("init-symmetric", recurrent(0.0, 0.05))


def test_a_recurrent_weight_of_a_few_numbers_is_fine():
    tiny = recurrent(0.0, 0.05, 0.4, 0.6)
    tiny.parameters["first.weight"].shape = [3, 3]
    assert not found("init-symmetric", tiny)


def test_what_stays_equal_is_named_before_what_parts_slowly():
    equal, slow = [motion(spread=0.0)] * 4, [motion(spread=each) for each in (0.0, 0.1, 0.1, 0.1)]
    moved = {"slow": slow, "equal": equal}
    seen = tower(moved, steps=STEPS, family="recurrent", kind="RNN")
    (finding,) = found("init-symmetric", seen)
    assert finding.evidence["weights"] == ["equal.weight"]


def test_what_was_trained_before_is_not_judged():
    resumed = [OptimizerFacts("Adam", {"lr": 1e-3}, has_state=True)]
    assert unchecked("init-symmetric", parting(0.0, 0.0, 0.0, 0.0, optimizers=resumed))


def test_without_a_close_look_it_is_not_known():
    assert unchecked("init-symmetric", parting(None, None))
