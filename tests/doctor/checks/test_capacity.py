"""Where a network is too narrow."""

import pytest

from thalweg.doctor.checks.reading._capacity import shortage
from thalweg.doctor.record import ModuleFacts, Node, ParameterFacts, Record


def network(graph, frozen=()):
    """Return a record of `body` (10 to 8), `score` (8 to 1) and `head` (1 or 8 to 4)."""
    widths = {"body": (10, 8), "score": (8, 1), "head": (8, 4)}
    modules = {
        name: ModuleFacts(
            "Linear",
            "linear",
            [f"{name}.weight"],
            name not in frozen,
            {"inputs": inputs, "outputs": outputs},
            order=place,
        )
        for place, (name, (inputs, outputs)) in enumerate(widths.items())
    }
    parameters = {
        f"{name}.weight": ParameterFacts([outputs, inputs], True, 0, inputs)
        for name, (inputs, outputs) in widths.items()
    }
    return Record(modules=modules, parameters=parameters, graph=graph)


def layer(name, inputs, weight):
    return Node("Addmm", [*inputs, weight], [], name)


def weight(name):
    return Node("Parameter", [], [], None, f"{name}.weight")


WEIGHTS = [weight("body"), weight("score"), weight("head")]
LOSS = Node("NllLoss", [1], [])
IN_A_ROW = [LOSS, layer("head", [2], 6), layer("score", [3], 5), layer("body", [], 4), *WEIGHTS]
SIDE_BY_SIDE = [
    Node("Add", [1, 2], []),
    layer("head", [3], 6),
    layer("score", [3], 5),
    layer("body", [], 4),
    *WEIGHTS,
]


def test_what_all_must_pass_is_a_bottleneck():
    assert shortage(network(IN_A_ROW)) == {"numbers that pass": 1, "layer": "score"}


@pytest.mark.parametrize("name", ["Cat", "Stack"])
def test_what_is_joined_with_something_else_is_none(name):
    joined = [
        LOSS,
        layer("head", [7], 6),
        *IN_A_ROW[2:],
        Node(name, [2], []),
    ]
    assert shortage(network(joined)) is None


def test_a_head_beside_another_is_none():
    assert shortage(network(SIDE_BY_SIDE)) is None


def test_ways_around_are_not_seen_beside_frozen_layers():
    assert shortage(network(IN_A_ROW, frozen=("body",))) is None


def test_without_a_graph_the_order_of_calls_has_to_do():
    assert shortage(network([])) == {"numbers that pass": 1, "layer": "score"}


def test_a_layer_that_the_graph_does_not_name_is_not_judged():
    hidden = [LOSS, *IN_A_ROW[1:2], Node("Addmm", [3, 5], []), *IN_A_ROW[3:]]
    assert shortage(network(hidden)) is None
