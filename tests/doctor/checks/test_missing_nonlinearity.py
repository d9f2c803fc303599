"""Linear layers in a row."""

import pytest
from _made import found, operation, record, unchecked
from _networks import network

from thalweg.doctor.record import ModuleFacts, Record

RELU = operation("Relu", [32, 32])
NORM = operation("NativeBatchNorm", [32, 32])
DROPOUT = operation("Mul", [32, 32], factors=[[0.0, 1.25]])


def place(seen: Record, name: str) -> int:
    return next(at for at, node in enumerate(seen.graph) if node.module == name)


def as_convolution(seen: Record, name: str) -> Record:
    seen.graph[place(seen, name)].name = "ConvolutionBackward0"
    seen.parameters[f"{name}.weight"].shape += [3, 3]
    return seen


def test_finds_two_layers_in_a_row():
    (finding,) = found("missing-nonlinearity", network("first", "head"))
    assert (finding.where, finding.severity) == ("head", "error")
    assert finding.evidence == {
        "any activation in the network": False,
        "pairs without activation": ["first → head"],
        "widths of the first pair": [16, 32, 10],
    }
    assert "between first and head" in finding.remedy


def test_an_activation_between_is_fine():
    assert not found("missing-nonlinearity", network("first", RELU, "head"))


def test_names_the_place_in_a_network_that_has_activations_elsewhere():
    (finding,) = found("missing-nonlinearity", network("first", RELU, "second", "head"))
    assert finding.where == "head"
    assert finding.evidence["any activation in the network"] is True
    assert finding.evidence["pairs without activation"] == ["second → head"]


def test_lists_the_pairs_from_the_input_on():
    (finding,) = found("missing-nonlinearity", network("first", "second", "head"))
    assert finding.where == "second"
    assert finding.evidence["pairs without activation"] == ["first → second", "second → head"]


@pytest.mark.parametrize(
    "between",
    [
        DROPOUT,
        operation("NativeDropout", [32, 32]),
        operation("Div", [32, 32], factors=[[8.0, 8.0]]),
        operation("AvgPool2D", [32, 32]),
        operation("View", [32, 32]),
    ],
)
def test_finds_them_with_a_linear_operation_between(between):
    assert found("missing-nonlinearity", network("first", RELU, "second", between, "head"))


@pytest.mark.parametrize(
    "between",
    [
        operation("Mul", [32, 32], factors=[[0.0, 1.0]]),  # A mask that a ReLU by hand makes, too.
        operation("Mul", [32, 32], factors=[[-1.0, 2.0]]),
        operation("Mul", [32, 32]),
        operation("MaxPool2DWithIndices", [32, 32]),
    ],
)
def test_a_nonlinear_operation_between_is_fine(between):
    assert not found("missing-nonlinearity", network("first", between, "head"))


def test_knows_dropout_by_its_module():
    between = operation("Mul", [32, 32], module="drop")
    seen = network("first", between, "head")
    assert not found("missing-nonlinearity", seen)
    seen.modules["drop"] = ModuleFacts("Dropout", "dropout", [], False)
    assert found("missing-nonlinearity", seen)


def test_a_norm_between_has_its_reasons_in_a_network_with_activations():
    assert not found("missing-nonlinearity", network("first", RELU, "second", NORM, "head"))
    assert found("missing-nonlinearity", network("first", NORM, "head"))


@pytest.mark.parametrize("name", ["Add", "Cat", "CudnnBatchNorm", "Embedding"])
def test_knows_what_keeps_a_whole_network_linear(name):
    seen = network("first", "second", "head")
    seen.graph[place(seen, "first")].inputs.append(len(seen.graph))
    seen.graph.append(operation(name, [32, 16]))
    (finding,) = found("missing-nonlinearity", seen)
    assert finding.evidence["any activation in the network"] is False


def test_a_skip_around_a_layer_is_fine():
    seen = network("first", RELU, "second", operation("Add", [32, 32]), "head")
    seen.graph[place(seen, "second") - 1].inputs.append(place(seen, "first"))
    assert not found("missing-nonlinearity", seen)


def test_a_bottleneck_is_fine():
    assert not found("missing-nonlinearity", network("first", "head", first=(16, 4), head=(4, 10)))
    assert found("missing-nonlinearity", network("first", "head", first=(16, 10), head=(10, 10)))


def test_a_convolution_that_cuts_up_the_input_is_fine():
    seen = network("first", "second", RELU, "head")
    assert found("missing-nonlinearity", seen)
    assert not found("missing-nonlinearity", as_convolution(seen, "first"))


def test_finds_such_a_convolution_where_nothing_is_nonlinear():
    (finding,) = found("missing-nonlinearity", as_convolution(network("first", "head"), "first"))
    # Its kernel of three by three takes nine times the channels.
    assert finding.evidence["widths of the first pair"] == [144, 32, 10]


def test_a_convolution_by_channel_is_fine():
    seen = as_convolution(network("first", RELU, "second", "head"), "second")
    assert found("missing-nonlinearity", seen)
    seen.modules["second"].options["groups"] = 32.0
    assert not found("missing-nonlinearity", seen)


def test_a_frozen_layer_is_fine():
    seen = network("first", "head")
    seen.parameters["first.weight"].is_trainable = False
    assert not found("missing-nonlinearity", seen)


def test_a_layer_of_unknown_width_is_no_evidence():
    seen = network("first", "head")
    seen.modules["first"].options = {}
    assert not found("missing-nonlinearity", seen)


def test_a_layer_that_gives_an_answer_of_its_own_is_fine():
    seen = network("first", "head")
    seen.graph.append(operation("Pow", [32, 32], place(seen, "first"), exponent=2.0))
    assert not found("missing-nonlinearity", seen)


@pytest.mark.parametrize("name", ["first", "head"])
def test_layers_within_attention_are_fine(name):
    inner = f"block.{name}"
    seen = network(inner, "second", **{inner: (16, 32)})
    if name == "head":
        seen = network("first", inner, **{inner: (32, 10)})
    assert found("missing-nonlinearity", seen)
    seen.modules["block"] = ModuleFacts("Attention", "attention", [], True)
    assert not found("missing-nonlinearity", seen)


@pytest.mark.parametrize("mixing", ["Bmm", "ScaledDotProductFlashAttention"])
def test_queries_and_what_attention_gives_are_fine(mixing):
    asked = network("first", RELU, "second", operation("View", [32, 32]), "head")
    asked.graph.append(operation(mixing, [32, 32], place(asked, "second") - 1))
    assert not found("missing-nonlinearity", asked)
    given = network("second", "head")
    at = len(given.graph)
    given.graph[place(given, "second")].inputs.append(at)
    given.graph += [operation("View", [32, 32], at + 1), operation(mixing, [32, 32])]
    assert not found("missing-nonlinearity", given)


def test_a_hidden_graph_tells_nothing():
    assert unchecked("missing-nonlinearity", record([]))
    assert not unchecked("missing-nonlinearity", network("first", "head"))


def bare(seen: Record, *names: str) -> Record:
    """Make parameters of layers those of the network itself."""
    for name in names:
        del seen.modules[name]
    return seen


def test_finds_matrices_made_by_hand():
    (finding,) = found("missing-nonlinearity", bare(network("first", "head"), "first", "head"))
    assert finding.where == "head.weight"
    assert finding.evidence["widths of the first pair"] == [16, 32, 10]
    assert not found("missing-nonlinearity", bare(network("first", RELU, "head"), "first", "head"))


def test_a_bias_that_is_added_is_no_skip():
    plus = operation("Add", [32, 32])
    seen = network("first", plus, "head")
    at = place(seen, "first") - 1
    seen.graph.append(operation("Parameter", [32], parameter="bias"))
    seen.graph[at].inputs.append(len(seen.graph) - 1)
    assert found("missing-nonlinearity", seen)
    seen.graph[-1].shape = [32, 32]
    assert found("missing-nonlinearity", seen) == []


def test_a_code_between_two_parts_is_fine():
    sizes = {"encoder.0": (64, 64), "encoder.2": (64, 32), "head.0": (32, 32), "head.2": (32, 10)}
    names = list(sizes)
    seen = network(names[0], RELU, names[1], names[2], RELU, names[3], **sizes)
    assert not found("missing-nonlinearity", seen)
    # As wide as what it is made of, it is no code.
    sizes |= {"encoder.2": (64, 64), "head.0": (64, 32)}
    seen = network(names[0], RELU, names[1], names[2], RELU, names[3], **sizes)
    assert found("missing-nonlinearity", seen)


def test_a_code_laid_out_for_a_convolution_is_fine():
    wide = {"first": (12, 512)}
    seen = network(RELU, "first", operation("View", [32, 8, 8, 8]), "second", RELU, "head", **wide)
    assert found("missing-nonlinearity", seen)
    assert not found("missing-nonlinearity", as_convolution(seen, "second"))
