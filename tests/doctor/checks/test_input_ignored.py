"""Where the question is lost."""

import pytest
from _made import classes, found, inputs, record, sample, unchecked

from thalweg.doctor.record import (
    Activation,
    Activity,
    Evaluation,
    ModuleFacts,
    Motion,
    Node,
    OptimizerFacts,
    ParameterFacts,
)

EQUAL, OTHER = 6e-5, 0.5


def layer(order, family="linear", kind="Linear", **options):
    weights = [f"{'abcd'[order]}.weight"] if family == "linear" else []
    return ModuleFacts(kind, family, weights, True, {"inputs": 8.0, "outputs": 8.0}, order=order)


def asked(spreads, answer, count=3, graph=(), **facts):
    """Return a record of layers a, b, … in a row.

    Args:
        spreads: How far examples differ in what comes into each.
        answer: How far the network's answers differ.
        count: Samples.
        graph: Of the loss.
        facts: Of each sample.
    """
    names = "abcd"[: len(spreads)]
    did = {
        name: Activity(True, None, None, input_spread=each)
        for name, each in zip(names, spreads, strict=True)
    }
    did[""] = Activity(True, None, None, input_spread=OTHER, output_spread=answer)
    modules = {"": ModuleFacts("Net", "container", [], True, order=9)}
    modules |= {name: layer(order) for order, name in enumerate(names)}
    parameters = {f"{name}.weight": ParameterFacts([8, 8], True, 0, 8) for name in names}
    samples = [sample(step, modules=did, **facts) for step in range(1, count + 1)]
    return record(samples, modules=modules, parameters=parameters, graph=[*graph])


def test_names_the_first_layer_that_gets_the_same_for_every_example():
    (finding,) = found("input-ignored", asked([OTHER, EQUAL, EQUAL], EQUAL))
    assert (finding.where, finding.severity) == ("b", "error")
    assert finding.evidence["difference of the answers"] == EQUAL


def test_names_the_first_layer_of_all_where_it_never_got_the_input():
    (finding,) = found("input-ignored", asked([EQUAL, EQUAL], EQUAL))
    assert finding.where == "a"


def test_names_the_last_layer_where_its_answer_is_lost_after_it():
    (finding,) = found("input-ignored", asked([OTHER, OTHER], EQUAL))
    assert finding.where == "b"


def test_layers_whose_input_is_unknown_are_passed_over():
    (finding,) = found("input-ignored", asked([OTHER, None, EQUAL], EQUAL))
    assert finding.where == "c"


def test_answers_that_differ_are_fine():
    assert not found("input-ignored", asked([OTHER, EQUAL], 1.5e-4))


def test_a_signal_that_dies_out_layer_by_layer_is_another_matter():
    assert not found("input-ignored", asked([1e-1, 5e-3, 5e-4, 5e-5], 5e-6))
    assert not found("input-ignored", asked([0.06, 9e-5], 9e-5))
    assert found("input-ignored", asked([0.1, 9e-5], 9e-5))


def test_a_difference_that_was_tiny_from_the_start_is_not_lost_after_the_layers():
    assert not found("input-ignored", asked([2e-2, 2e-3], 5e-5))


def test_the_network_itself_is_no_place_where_it_is_lost():
    seen = asked([None, None], EQUAL)
    seen.samples[0].modules[""].input_spread = EQUAL
    assert not found("input-ignored", seen)


@pytest.mark.parametrize("units", [8, 1])
def test_dead_units_ignore_the_input_in_their_own_way(units):
    dead = [Activation("relu", "a", 1.0, 0.0, units, units)]
    seen = asked([OTHER, EQUAL], EQUAL, activations=dead)
    assert bool(found("input-ignored", seen)) is (units == 1)
    dead[0].dead -= 1
    assert found("input-ignored", seen)


@pytest.mark.parametrize("name", ["a.weight", "a.bias"])
def test_weights_of_zero_ignore_the_input_in_their_own_way(name):
    seen = asked([OTHER, EQUAL], EQUAL, parameters={name: Motion(0.0, 0.1, 0.0, 0)})
    assert bool(found("input-ignored", seen)) is (name == "a.bias")


def leading_to_b(*names):
    """Return a graph in which the layer b takes its input from a through these operations."""
    last = len(names) + 4
    return [
        Node("Mean", [1], []),
        Node("Addmm", [2, 3], [32, 8]),
        Node("Parameter", [], [8, 8], parameter="b.weight"),
        *(Node(name, [place + 4], [32, 8]) for place, name in enumerate(names)),
        Node("Addmm", [last], [32, 8]),
        Node("Parameter", [], [8, 8], parameter="a.weight"),
    ]


@pytest.mark.parametrize("names", [["Relu"], ["View", "Threshold"]])
def test_a_layer_that_an_activation_gives_nothing_has_dead_units_above_it(names):
    assert not found("input-ignored", asked([OTHER, EQUAL], EQUAL, graph=leading_to_b(*names)))


def test_what_is_lost_in_one_layer_is_not_silenced_before_another():
    seen = asked([EQUAL, EQUAL], EQUAL, graph=leading_to_b("Relu"))
    (finding,) = found("input-ignored", seen)
    assert finding.where == "a"


def test_an_activation_that_always_answers_silences_nothing():
    (finding,) = found("input-ignored", asked([OTHER, EQUAL], EQUAL, graph=leading_to_b("Tanh")))
    assert finding.where == "b"


def dropping(spreads, answer):
    """Return a record of a layer, dropout and a layer."""
    seen = asked(spreads, answer)
    seen.modules["b"] = layer(1, "dropout", "Dropout")
    return seen


def test_finds_an_input_that_is_lost_before_the_noise_of_dropout():
    (finding,) = found("input-ignored", dropping([OTHER, EQUAL, OTHER], OTHER))
    assert finding.where == "b"
    assert finding.evidence["difference of the answers"] == OTHER


def test_dropout_of_what_differs_is_fine():
    assert not found("input-ignored", dropping([OTHER, OTHER, OTHER], OTHER))
    once = dropping([OTHER, EQUAL, OTHER], OTHER)
    once.samples[1].modules = dropping([OTHER] * 3, OTHER).samples[1].modules
    assert not found("input-ignored", once)
    for each in once.samples:
        each.modules = {name: did for name, did in each.modules.items() if name != "b"}
    assert not found("input-ignored", once)


def test_dropout_far_from_the_answer_is_no_place_for_its_noise():
    assert not found("input-ignored", dropping([OTHER, EQUAL, OTHER, OTHER], OTHER))


def test_other_layers_than_dropout_make_no_noise():
    assert not found("input-ignored", asked([OTHER, EQUAL, OTHER], OTHER))


def test_without_noise_validation_tells_that_answers_are_equal():
    seen = dropping([EQUAL, OTHER, OTHER], OTHER)
    assert not found("input-ignored", seen)
    seen.evaluations = [Evaluation(step, output_spread=EQUAL) for step in (10, 20)]
    (finding,) = found("input-ignored", seen)
    assert finding.where == "a"
    seen.evaluations.append(Evaluation(30))
    assert found("input-ignored", seen)
    seen.evaluations[0].output_spread = OTHER
    assert not found("input-ignored", seen)


def test_validation_tells_nothing_new_of_a_network_without_noise():
    seen = asked([EQUAL, OTHER], OTHER)
    seen.evaluations = [Evaluation(step, output_spread=EQUAL) for step in (10, 20)]
    assert not found("input-ignored", seen)


def test_equal_examples_get_equal_answers():
    seen = asked([EQUAL, EQUAL], EQUAL, inputs=[inputs([1.0] * 32)])
    assert not found("input-ignored", seen)
    assert unchecked("input-ignored", seen)


def test_samples_whose_answers_are_unknown_do_not_count():
    seen = asked([OTHER, EQUAL], EQUAL, count=4)
    seen.samples[0].modules = {}
    assert found("input-ignored", seen)
    seen.samples[1].modules = {}
    assert unchecked("input-ignored", seen)


def test_few_samples_tell_nothing():
    assert unchecked("input-ignored", asked([OTHER, EQUAL], EQUAL, count=2))


def decoding(width=4.0, reader_is_used=False):
    """Return a record of a decoder of noise, beside an encoder whose output is only penalized."""
    graph = [
        Node("Add", [1, 2], []),
        Node("MseLoss", [3], []),
        Node("Mean", [5], [], options={"reduction": 1.0}),
        Node("Addmm", [4, 8] if reader_is_used else [4], [32, 10]),
        Node("Parameter", [], [10, 4], parameter="decoder.weight"),
        Node("Pow", [6], [32, 4], options={"exponent": 2.0}),
        Node("Addmm", [7], [32, 4]),
        Node("Parameter", [], [4, 10], parameter="encoder.weight"),
        Node("Addmm", [7], [32, 4]),
    ]
    sizes = {"encoder": (10.0, 4.0), "decoder": (width, 10.0)}
    modules = {
        name: ModuleFacts(
            "Linear",
            "linear",
            [f"{name}.weight"],
            True,
            {"inputs": taken, "outputs": given},
            order=order,
        )
        for order, (name, (taken, given)) in enumerate(sizes.items())
    }
    modules["spare"] = ModuleFacts("Linear", "linear", ["spare.weight"], True, order=-1)
    parameters = {f"{name}.weight": ParameterFacts([8, 8], True, 0, 8) for name in sizes}
    return record([sample(1)], modules=modules, parameters=parameters, graph=graph)


def test_finds_a_decoder_that_is_given_noise_in_place_of_the_code():
    (finding,) = found("input-ignored", decoding())
    assert finding.where == "decoder"
    assert finding.evidence["layer that reads the input"] == "encoder.weight"


def test_names_the_layer_of_the_decoder_that_is_given_the_noise():
    seen = decoding()
    seen.modules["hidden"] = seen.modules["decoder"]
    seen.parameters["hidden.weight"] = ParameterFacts([4, 4], True, 0, 4)
    seen.graph[3].inputs.append(9)
    seen.graph += [
        Node("Addmm", [10], [32, 4]),
        Node("Parameter", [], [4, 4], parameter="hidden.weight"),
    ]
    (finding,) = found("input-ignored", seen)
    assert finding.where == "hidden"


def test_a_decoder_that_gets_the_code_is_fine():
    seen = decoding(reader_is_used=True)
    assert not found("input-ignored", seen)
    # Also where the encoder reads some columns only.
    seen.samples[0].inputs[0].shape = [32, 12]
    assert not found("input-ignored", seen)


def test_a_second_layer_that_reads_the_input_is_fine():
    assert not found("input-ignored", decoding(width=10.0))


def test_a_reader_that_no_loss_has_is_a_part_that_gets_no_gradient():
    seen = decoding()
    seen.graph[7].parameter = "other.weight"
    assert not found("input-ignored", seen)


def test_noise_is_the_question_of_a_generator():
    seen = decoding()
    seen.optimizers.append(OptimizerFacts("Adam", {"lr": 1e-3}))
    assert not found("input-ignored", seen)


def test_an_answer_that_no_layer_gives_has_no_decoder():
    seen = decoding()
    seen.graph[3] = Node("Parameter", [], [32, 10], parameter="free")
    assert not found("input-ignored", seen)


def test_an_input_that_was_not_seen_has_no_width():
    seen = decoding()
    seen.samples[0].inputs = []
    assert not found("input-ignored", seen)


def test_symbols_have_no_width():
    seen = decoding()
    seen.samples[0].inputs[0].type = "int64"
    assert not found("input-ignored", seen)


def test_a_graph_that_hides_its_operations_does_not_tell():
    seen = decoding()
    seen.graph[2].name = "CompiledFunction"
    assert not found("input-ignored", seen)
    assert unchecked("input-ignored", seen)


def test_losses_of_torch_on_the_answers_are_no_excuse():
    seen = decoding()
    seen.samples[0].losses = [classes()]
    assert found("input-ignored", seen)


def test_a_relu_that_lets_a_constant_through_silences_nothing():
    seen = asked([OTHER, EQUAL], EQUAL, graph=leading_to_b("Relu"))
    for each in seen.samples:
        each.activations = [Activation("relu", "a", 0.5, 0.0, 8, 4)]
    assert found("input-ignored", seen)
    seen.samples[0].activations = [Activation("relu", "a", 1.0, 0.0, 8, 4)]
    assert not found("input-ignored", seen)


def test_a_start_from_zero_is_passed_over():
    seen = asked([OTHER, EQUAL], EQUAL, count=4)
    seen.samples[0].parameters = {"a.weight": Motion(0.0, 0.1, 0.0, 0)}
    assert found("input-ignored", seen)
    seen.samples[1].parameters = {"a.weight": Motion(0.0, 0.1, 0.0, 0)}
    assert not found("input-ignored", seen)


def test_equal_answers_are_surer_than_a_missing_gradient():
    (finding,) = found("input-ignored", asked([OTHER, EQUAL], EQUAL))
    assert finding.confidence > 0.99
