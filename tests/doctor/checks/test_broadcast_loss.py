"""Outputs that meet the targets of all other examples."""

import pytest
from _made import classes, found, numbers, operation, over_head, record, sample, unchecked

from thalweg.doctor.record import LossFacts, Moments, Node, Record

TARGET = Moments(0.0, 1.0, -3.0, 3.0)
MEAN, SQUARE = operation("MeanBackward0"), operation("Pow", [32, 32], exponent=2.0)


def compared(output: list[int], target: list[int], kind: str = "mse_loss") -> Record:
    facts = numbers(TARGET)
    facts.kind = kind
    facts.output_shape, facts.target_shape = output, target
    return record([sample(1, losses=[facts])])


def by_hand(*operations: Node) -> Record:
    """Return a record in which no loss function was called."""
    graph = over_head(MEAN, *operations, outputs=1)
    return record([sample(1, losses=[])], graph=graph)


def test_finds_a_column_compared_with_a_row():
    (finding,) = found("broadcast-loss", compared([32, 1], [32]))
    assert (finding.where, finding.severity, finding.confidence) == ("loss", "error", 0.99)
    assert finding.evidence == {
        "loss": "mse_loss",
        "output shape": [32, 1],
        "target shape": [32],
    }
    assert "squeeze" in finding.remedy


@pytest.mark.parametrize(
    "kind",
    ["l1_loss", "smooth_l1_loss", "huber_loss", "poisson_nll_loss", "kl_div",
     "binary_cross_entropy", "binary_cross_entropy_with_logits"],
)  # fmt: skip
def test_finds_it_under_every_loss_that_compares_entry_by_entry(kind):
    assert found("broadcast-loss", compared([32, 1], [32], kind))


def test_finds_a_row_compared_with_a_column():
    assert found("broadcast-loss", compared([32], [32, 1]))


@pytest.mark.parametrize(
    ("output", "target"),
    [([32, 1], [32, 1]), ([32], [32]), ([32, 5], [32, 1]), ([6, 32], [32]), ([32, 1], [1])],
)
def test_what_makes_no_more_pairs_than_entries_is_fine(output, target):
    assert not found("broadcast-loss", compared(output, target))


def test_class_numbers_are_one_per_row():
    assert not found("broadcast-loss", record([sample(1, losses=[classes()])]))


def test_finds_a_difference_by_hand_that_makes_pairs():
    (finding,) = found("broadcast-loss", by_hand(SQUARE, operation("SubBackward0", [32, 32])))
    assert (finding.where, finding.confidence) == ("loss", 0.95)
    assert finding.evidence == {"output shape": [32, 1], "shape of the errors": [32, 32]}


@pytest.mark.parametrize("name", ["Sub", "Rsub", "Mul", "Add", "Expand", "Div"])
def test_finds_the_spread_whatever_makes_it(name):
    assert found("broadcast-loss", by_hand(SQUARE, operation(name, [32, 32])))


@pytest.mark.parametrize(
    "name",
    ["Abs", "MseLoss", "SmoothL1Loss", "HuberLoss", "BinaryCrossEntropyWithLogits", "Softplus",
     "ClampMin", "Where", "LogSigmoid", "SoftMarginLoss", "View"],
)  # fmt: skip
def test_finds_the_spread_under_every_error(name):
    over = operation(name, [32, 32])
    assert found("broadcast-loss", by_hand(over, operation("Sub", [32, 32])))


def test_finds_a_flat_output_that_a_column_spreads():
    flat = operation("SqueezeBackward1", [32])
    assert found("broadcast-loss", by_hand(SQUARE, operation("Sub", [32, 32]), flat))


def test_errors_of_the_outputs_own_shape_are_fine():
    square = operation("Pow", [32, 1], exponent=2.0)
    assert not found("broadcast-loss", by_hand(square, operation("Sub", [32, 1])))


def test_another_operation_does_not_spread():
    assert not found("broadcast-loss", by_hand(SQUARE, operation("Maximum", [32, 32])))


def test_an_axis_of_another_length_than_the_batch_is_fine():
    square = operation("Pow", [32, 5], exponent=2.0)
    assert not found("broadcast-loss", by_hand(square, operation("Sub", [32, 5])))


def test_an_axis_added_on_purpose_is_fine():
    column = operation("Unsqueeze", [32, 1])
    assert not found("broadcast-loss", by_hand(SQUARE, operation("Sub", [32, 32]), column))


def test_pairs_of_the_outputs_themselves_are_fine():
    assert not found("broadcast-loss", by_hand(SQUARE, operation("Sub", [32, 32], 3, 3)))


def test_a_table_of_pairs_is_fine():
    table = operation("Mul", [32, 32], constant=[32, 32])
    assert not found("broadcast-loss", by_hand(SQUARE, table))
    assert found("broadcast-loss", by_hand(SQUARE, operation("Mul", [32, 32], constant=[32])))


@pytest.mark.parametrize("over", [operation("Softmax", [32, 32]), operation("Sum", [32])])
def test_a_contrast_of_all_pairs_is_fine(over):
    assert not found("broadcast-loss", by_hand(over, operation("Sub", [32, 32])))


def test_a_spread_within_the_network_is_fine():
    scale = operation("Parameter", [32], parameter="scale")
    graph = over_head(
        MEAN,
        SQUARE,
        operation("Mul", [32, 32], 4, 3),
        scale,
        operation("Expand", [32, 32]),
        outputs=1,
    )
    seen = record([sample(1, losses=[])], graph=graph)
    assert not found("broadcast-loss", seen)


def test_a_shape_that_autograd_does_not_tell_is_no_evidence():
    hidden = operation("Clamp", [])
    assert not found("broadcast-loss", by_hand(SQUARE, operation("Sub", [32, 32]), hidden))


def test_a_hidden_graph_without_a_loss_function_tells_nothing():
    assert unchecked("broadcast-loss", record([sample(1, losses=[])]))
    compiled = over_head(operation("CompiledFunctionBackward"))
    assert unchecked("broadcast-loss", record([sample(1, losses=[])], graph=compiled))
    assert not unchecked("broadcast-loss", compared([32, 1], [32, 1]))


def test_a_loss_of_its_own_is_judged_by_the_graph():
    own = LossFacts("custom", "mean", 1.0, [32, 1], [32, 32], "float32", TARGET, TARGET)
    assert not found("broadcast-loss", record([sample(1, losses=[own])]))
