"""Examples that answer for each other."""

from dataclasses import replace

from _made import classes, found, inputs, operation, record, sample, unchecked

SAMPLES = [sample(step) for step in (1, 2, 3)]


def test_finds_an_answer_that_moves_with_another_example():
    (finding,) = found(
        "batch-mixing", record(SAMPLES, trials={"batch-mixing": 2e-3}, different_rows=96)
    )
    assert finding.evidence["change in standard deviations"] == 2e-3
    assert (finding.severity, finding.confirmed) == ("error", True)


def test_rounding_is_no_mixing():
    seen = record(SAMPLES, trials={"batch-mixing": 9e-4}, different_rows=96)
    assert not found("batch-mixing", seen)
    assert not unchecked("batch-mixing", seen)


def test_nodes_of_one_graph_may_answer_to_each_other():
    same = [sample(step, inputs=[inputs([1.0] * 32)]) for step in (1, 2, 3)]
    seen = record(same, trials={"batch-mixing": 0.4}, different_rows=32)
    assert not found("batch-mixing", seen)
    assert unchecked("batch-mixing", seen)
    seen.trials["batch-mixing"] = 1e-5
    assert not unchecked("batch-mixing", seen)


def test_large_batches_of_which_not_every_example_was_looked_at_are_not_one_graph():
    several = [sample(step, inputs=[inputs([float(step)] * 256)]) for step in (1, 2, 3)]
    for each in several:
        each.inputs[0].shape = [4096, 10]
    seen = record(several, trials={"batch-mixing": 0.4}, different_rows=3 * 256)
    assert found("batch-mixing", seen)


def test_one_look_does_not_tell_that_all_batches_are_the_same():
    seen = record(SAMPLES[:1], trials={"batch-mixing": 0.4}, different_rows=32)
    assert found("batch-mixing", seen)


def test_without_a_trial_it_is_not_known():
    assert unchecked("batch-mixing", record(SAMPLES))


CROSSED = [
    operation("Mean", None, 1),
    operation("Mm", [32, 32], 2, 2),
    operation("Relu", [32, 8]),
]


def test_rows_that_are_multiplied_with_each_other_may_be_tokens_of_one_example():
    seen = record(SAMPLES, trials={"batch-mixing": 0.4}, different_rows=96, graph=CROSSED)
    assert not found("batch-mixing", seen)
    assert unchecked("batch-mixing", seen)
    # Their targets may well be alike.
    for number, each in enumerate(seen.samples * 2):
        each.losses = [classes(sequence=[float(number % 3)] * 32)]
    seen.samples = [replace(each, step=step) for step, each in enumerate(seen.samples * 2, 1)]
    assert not found("not-shuffled", seen)
    assert unchecked("not-shuffled", seen)
    # A matrix of weights as long as the batch mixes no rows.
    weights = [*CROSSED[:1], operation("Mm", [32, 32], 2, 3), CROSSED[2]]
    weights.append(operation("Parameter", [8, 32], parameter="first.weight"))
    seen.graph = weights
    assert found("batch-mixing", seen)
    assert found("not-shuffled", seen)


def test_rows_that_come_in_other_company_are_examples():
    again = sample(4, inputs=[inputs([32.0, *(float(row) for row in range(1000, 1031))])])
    seen = record(
        [*SAMPLES, again], trials={"batch-mixing": 0.4}, different_rows=127, graph=CROSSED
    )
    assert found("batch-mixing", seen)
