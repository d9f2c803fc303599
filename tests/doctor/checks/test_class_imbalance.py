"""Networks that answer with the commonest class."""

from _made import classes, found, record, sample, unchecked


def late(**facts):
    return record([sample(step, losses=[classes(**facts)]) for step in (1, 70, 80, 90)])


def test_finds_a_network_that_knows_one_answer():
    seen = late(counts=[29, 3, 0, 0], predicted=[32, 0, 0, 0], correct=[29, 0, 0, 0])
    (finding,) = found("class-imbalance", seen)
    assert (finding.evidence["others met"], finding.evidence["others recognized"]) == (9, 0)


def test_rare_classes_that_are_recognized_are_fine():
    seen = late(counts=[28, 4, 0, 0], predicted=[28, 4, 0, 0], correct=[27, 3, 0, 0])
    assert not found("class-imbalance", seen)


def test_one_answer_to_even_classes_is_another_fault():
    seen = late(counts=[8, 8, 8, 8], predicted=[32, 0, 0, 0], correct=[8, 0, 0, 0])
    assert not found("class-imbalance", seen)


def test_a_handful_of_rare_examples_tells_nothing():
    seen = late(counts=[31, 1, 0, 0], predicted=[32, 0, 0, 0], correct=[31, 0, 0, 0])
    assert unchecked("class-imbalance", seen)
