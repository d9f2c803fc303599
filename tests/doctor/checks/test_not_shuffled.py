"""Order among the batches."""

import random

from _made import UNIT, classes, found, numbers, record, sample, unchecked


def of(sequences):
    return record(
        [
            sample(step + 1, losses=[classes(sequence=sequence)])
            for step, sequence in enumerate(sequences)
        ]
    )


def test_finds_batches_of_one_class():
    (finding,) = found("not-shuffled", of([[float(step % 4)] * 32 for step in range(8)]))
    assert finding.evidence["share of the targets' variance between batches"] > 0.99


def test_drawn_batches_are_fine():
    draw = random.Random(0)
    sequences = [[float(draw.randrange(4)) for _ in range(32)] for _ in range(20)]
    assert not found("not-shuffled", of(sequences))


def test_real_and_generated_batches_of_one_step_belong_together():
    both = [classes(sequence=[1.0] * 32), classes(sequence=[0.0] * 32)]
    seen = record([sample(step, losses=both) for step in range(1, 9)])
    assert not found("not-shuffled", seen)


def test_few_batches_tell_nothing():
    assert unchecked("not-shuffled", of([[0.0] * 32, [1.0] * 32]))


def test_targets_that_the_network_makes_in_every_step_are_not_judged():
    drifting = [numbers(UNIT) for _ in range(8)]
    for step, each in enumerate(drifting):
        each.sequence = [step + 0.01 * place for place in range(32)]
    seen = record([sample(step + 1, losses=[each]) for step, each in enumerate(drifting)])
    assert found("not-shuffled", seen)
    for row in seen.steps[::2] + seen.steps[1::4]:
        row.events = "efbs"
    assert unchecked("not-shuffled", seen)


def test_the_turns_of_a_game_come_in_their_order():
    games = [[classes(sequence=[float(step % 4)] * 2)] * 5 for step in range(8)]
    seen = record([sample(step + 1, losses=each) for step, each in enumerate(games)])
    assert unchecked("not-shuffled", seen)
