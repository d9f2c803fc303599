"""The same examples again and again."""

from _made import found, inputs, passes, record, sample, unchecked

from thalweg.doctor.record import LoaderFacts

STEPS = (1, 2, 3, 5, 8, 10, 13, 20)
SAME = [float(place) for place in range(32)]


def of(batches, **facts):
    samples = [
        sample(step, inputs=[inputs(rows)]) for step, rows in zip(STEPS, batches, strict=True)
    ]
    return record(samples, **facts)


def test_finds_one_batch_of_a_long_loader():
    loader = LoaderFacts(1400, 32, False, 0, iterators=100)
    (finding,) = found("repeated-batch", of([SAME] * 8, loaders=[loader]))
    assert finding.evidence["different ones"] == 32


def test_finds_less_training_than_validation():
    assert found("repeated-batch", of([SAME] * 8, evaluations=passes(1.0, 1.0)))


def test_training_on_all_there_is_is_fine():
    assert not found("repeated-batch", of([SAME] * 8))


def test_finds_a_window_that_creeps():
    windows = [[float(step % 5 + place) for place in range(32)] for step in STEPS]
    assert found("repeated-batch", of(windows))


def test_several_steps_on_one_batch_are_fine():
    rows = [[float(1000 * (step // 8) + place) for place in range(32)] for step in STEPS]
    assert not found("repeated-batch", of(rows))


def test_new_batches_are_fine():
    seen = record([sample(step) for step in STEPS], evaluations=passes(1.0))
    assert not found("repeated-batch", seen)


def test_few_batches_tell_nothing():
    assert unchecked("repeated-batch", record([sample(1), sample(2)]))


def test_a_memory_that_fills_is_fine():
    early = [[float(step + place) for place in range(32)] for step in range(8)]
    later = [[float(100 * step + place) for place in range(32)] for step in range(1, 3)]
    steps = [*range(1, 9), 100, 200]
    pairs = zip(steps, early + later, strict=True)
    seen = record([sample(step, inputs=[inputs(rows)]) for step, rows in pairs])
    assert not found("repeated-batch", seen)
    # A window that creeps on goes on to others, too, but never leaves those before.
    creeping = [[float(step + place) for place in range(32)] for step in range(60)]
    seen = record([sample(step + 1, inputs=[inputs(e)]) for step, e in enumerate(creeping)])
    assert found("repeated-batch", seen)


def test_finds_measurements_of_which_few_fill_every_batch():
    loader = LoaderFacts(1400, 32, True, 0, iterators=10)
    few = [[float(place % 16) for place in range(32)]] * 8
    assert found("repeated-batch", of(few, loaders=[loader]))


def test_few_kinds_of_symbols_are_alike_by_nature():
    loader = LoaderFacts(1400, 32, True, 0, iterators=10)
    seen = of([[float(place % 16) for place in range(32)]] * 8, loaders=[loader])
    for each in seen.samples:
        each.inputs[0].distinct = 2
    assert unchecked("repeated-batch", seen)
