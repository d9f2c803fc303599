"""Labels that cannot be learned, or not well."""

import math

from _made import classes, found, passes, record, sample, unchecked

GUESS = math.log(4)
SAMPLES = [sample(step) for step in (1, 2, 3, 50, 80, 100)]


def falling(start, end, count=100):
    return [start + (end - start) * step / (count - 1) for step in range(count)]


def test_finds_labels_that_are_only_learned_by_heart():
    losses = [GUESS] * 20 + falling(GUESS, 1.0, 80)
    seen = record(SAMPLES, losses, evaluations=passes(1.39, 1.42, 1.45, 1.5, 1.55))
    (finding,) = found("label-noise", seen)
    assert finding.evidence["loss of a guess"] == GUESS


def test_overfitting_is_another_thing():
    losses = falling(GUESS, 0.2)
    seen = record(SAMPLES, losses, evaluations=passes(1.1, 0.9, 1.0, 1.2, 1.4))
    assert not found("label-noise", seen)


def test_finds_answers_as_wrong_where_sure_as_elsewhere():
    losses = falling(GUESS, 1.0, 20) + [1.0] * 80
    noisy = {"sure_right": [0.6, 0.64, 0.66, 0.66], "sureness": [0.55, 0.6, 0.65, 0.7]}
    seen = record(
        SAMPLES, losses, evaluations=passes(1.1, 1.0, 1.0, 1.0, 1.0, counts=[50] * 4, **noisy)
    )
    (finding,) = found("label-noise", seen)
    assert finding.evidence["answers"] == 200


def test_hard_examples_among_easy_ones_are_fine():
    losses = falling(GUESS, 1.0, 20) + [1.0] * 80
    hard = {"sure_right": [0.3, 0.5, 0.8, 0.98], "sureness": [0.4, 0.55, 0.7, 0.95]}
    seen = record(
        SAMPLES, losses, evaluations=passes(1.1, 1.0, 1.0, 1.0, 1.0, counts=[50] * 4, **hard)
    )
    assert not found("label-noise", seen)


def test_finds_doubt_about_what_is_known():
    losses = falling(GUESS, 1.2, 20) + [1.2] * 80
    doubt = {"sure_right": [0.7, 0.95, 1.0, 1.0], "sureness": [0.35, 0.5, 0.6, 0.75]}
    seen = record(SAMPLES, losses, evaluations=passes(0.8, 0.7, 0.7, counts=[50] * 4, **doubt))
    assert found("label-noise", seen)


def test_doubt_that_the_loop_wants_is_fine():
    losses = falling(GUESS, 1.2, 20) + [1.2] * 80
    doubt = {"sure_right": [0.7, 0.95, 1.0, 1.0], "sureness": [0.35, 0.5, 0.6, 0.75]}
    mixed = [sample(step, losses=[classes(), classes()]) for step in (1, 2, 3, 50, 80, 100)]
    seen = record(mixed, losses, evaluations=passes(0.8, 0.7, 0.7, counts=[50] * 4, **doubt))
    assert not found("label-noise", seen)


def test_few_steps_tell_nothing():
    assert unchecked("label-noise", record(SAMPLES, [1.0] * 20))


def test_a_network_that_began_sure_is_not_judged():
    losses = falling(GUESS, 1.0, 20) + [1.0] * 80
    noisy = {"sure_right": [0.6, 0.64, 0.66, 0.66], "sureness": [0.55, 0.6, 0.65, 0.7]}
    after = passes(1.1, 1.0, 1.0, 1.0, 1.0, counts=[50] * 4, **noisy)
    for times, is_judged in ((2.9, True), (3.1, False)):
        began = [sample(1, losses=[classes(times * GUESS)]), *SAMPLES[1:]]
        seen = record(began, losses, evaluations=after)
        assert bool(found("label-noise", seen)) is is_judged
        assert unchecked("label-noise", seen) is not is_judged


def test_chances_that_differ_by_nature_are_fine():
    losses = falling(GUESS, 1.0, 20) + [1.0] * 80
    right = {"sure_right": [0.5, 0.66, 0.75, 0.8]}
    for sure, is_noise in ((0.8, True), (0.84, False)):
        seen = {**right, "sureness": [0.5, 0.6, 0.7, sure]}
        after = passes(1.1, 1.0, 1.0, 1.0, 1.0, counts=[50] * 4, **seen)
        assert bool(found("label-noise", record(SAMPLES, losses, evaluations=after))) is is_noise


def test_answers_beyond_chance_are_not_by_heart():
    losses = [GUESS] * 20 + falling(GUESS, 1.0, 80)
    some = {"counts": [50] * 4, "predicted": [50] * 4, "correct": [25] * 4}
    late = passes(1.39, 1.42, 1.45, 1.5, 1.55, **some)
    assert not found("label-noise", record(SAMPLES, losses, evaluations=late))


def test_a_weak_signal_is_fine():
    losses = falling(0.69, 0.64, 20) + [0.64] * 80
    weak = {"sure_right": [0.52, 0.63, 0.63, 0.74], "sureness": [0.53, 0.59, 0.65, 0.75]}
    late = passes(0.66, 0.65, 0.64, 0.64, 0.64, counts=[500, 500], **weak)
    assert not found("label-noise", record(SAMPLES, losses, evaluations=late))


def test_softened_labels_teach_doubt_on_purpose():
    losses = falling(GUESS, 0.6, 20) + [0.6] * 80
    doubt = {"sure_right": [0.9, 1.0, 1.0, 1.0], "sureness": [0.5, 0.7, 0.7, 0.8]}
    late = passes(0.9, 0.5, 0.3, 0.3, 0.3, counts=[50] * 4, **doubt)
    hard = record(SAMPLES, losses, evaluations=late)
    assert found("label-noise", hard)
    soft = [sample(each.step, losses=[classes(is_smoothed=True)]) for each in SAMPLES]
    assert not found("label-noise", record(soft, losses, evaluations=late))
