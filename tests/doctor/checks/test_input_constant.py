"""Examples and columns that never vary."""

from _made import found, inputs, record, sample, unchecked


def batches(columns, rows=None):
    return [
        sample(step, inputs=[inputs(rows or [32.0 * step + i for i in range(32)], columns=columns)])
        for step in (1, 2, 3, 5)
    ]


def test_finds_examples_that_are_all_the_same():
    (finding,) = found("input-constant", record(batches([(0.5, 0.0)] * 10, rows=[7.0] * 32)))
    assert finding.where == "inputs"


def test_finds_half_of_a_table_constant():
    (finding,) = found("input-constant", record(batches([(0.0, 0.0)] * 5 + [(0.0, 1.0)] * 5)))
    assert finding.evidence["constant columns"] == 5


def test_empty_corners_of_pictures_are_fine():
    seen = record(batches([(0.0, 0.0)] * 30 + [(0.0, 1.0)] * 34))
    assert not found("input-constant", seen)


def test_a_column_of_ones_is_fine():
    assert not found("input-constant", record(batches([(1.0, 0.0)] + [(0.0, 1.0)] * 9)))


def test_single_examples_tell_nothing():
    samples = [sample(step, inputs=[inputs([1.0])]) for step in range(9)]
    assert unchecked("input-constant", record(samples))


def test_tiny_numbers_that_vary_are_another_fault():
    tiny = [(1e-7 * place, 5e-6) for place in range(10)]
    assert not found("input-constant", record(batches(tiny)))
