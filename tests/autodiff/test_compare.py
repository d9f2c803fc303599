import math

import numpy as np
import pytest
import torch
from torch import nn

import thalweg as tw
from thalweg.autodiff import compare, cos, exp, like, log, maximum, relu, sigmoid, sin, sqrt, tanh
from thalweg.autodiff import ways as registered
from thalweg.errors import SettingError, ShapeError, UnknownNameError

POINT = [0.7, 1.3]
# What central differences, forward differences and the exact ways may be off by.
EXPECTED = {"forward-difference": 1e-6, "central-difference": 1e-9}


def everything(x):
    return [
        sin(x[0]) * exp(x[1]) + cos(x[0]) / x[1],
        log(x[0]) - sqrt(x[1]) + x[0] ** 3 - 2 / x[1],
        tanh(x[0] * x[1]) + sigmoid(x[0] - x[1]),
        maximum(x[0], x[1]) + 3 * relu(x[0]) + abs(-x[1]),
    ]


def by_hand(x, y):
    bell = 1 - math.tanh(x * y) ** 2
    logistic = 1 / (1 + math.exp(y - x))
    slope = logistic * (1 - logistic)
    return np.array(
        [
            [
                math.cos(x) * math.exp(y) - math.sin(x) / y,
                math.sin(x) * math.exp(y) - math.cos(x) / y**2,
            ],
            [1 / x + 3 * x**2, -0.5 / math.sqrt(y) + 2 / y**2],
            [y * bell + slope, x * bell - slope],
            [3.0, 2.0],
        ]
    )


@pytest.mark.parametrize("way", registered.names())
def test_every_way_finds_the_derivatives_of_the_table(way):
    found = compare(everything, POINT, [way])[way]
    np.testing.assert_allclose(found.jacobian, by_hand(*POINT), atol=EXPECTED.get(way, 1e-14))


def test_errors_are_those_of_each_way():
    found = compare(everything, POINT)
    assert found.reference == "symbolic, evaluated to 40 digits"
    assert 1e-10 < found["forward-difference"].error < 1e-6
    assert found["central-difference"].error < 1e-9
    assert max(found[way].error for way in ("symbolic", "dual", "jvp", "reverse")) < 1e-14


def test_evaluations_grow_with_inputs_and_passes_back_with_outputs():
    weights = np.random.default_rng(0).normal(size=(3, 5))
    found = compare(lambda x: tanh(like(weights, x) @ x), np.linspace(-1, 1, 5))
    counted = {each.way: (each.evaluations, each.backward_passes) for each in found.results}
    assert counted == {
        "forward-difference": (6, 0),
        "central-difference": (10, 0),
        "symbolic": (0, 0),  # its expression was built before
        "dual": (5, 0),
        "jvp": (5, 0),
        "reverse": (1, 3),
    }


def test_a_network_is_differentiated_in_the_ways_of_tensors():
    network = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2)).double()
    found = compare(network, [0.1, -0.2, 0.3])
    expected = torch.func.jacrev(network)(torch.tensor([0.1, -0.2, 0.3], dtype=torch.float64))
    for way in ("central-difference", "jvp", "reverse"):
        np.testing.assert_allclose(found[way].jacobian, expected.detach(), atol=1e-9)
    assert "must be Tensor" in found["symbolic"].reason
    assert found["dual"].jacobian is None
    assert found.reference == "reverse, in double precision"


def test_a_program_that_branches_is_no_expression():
    found = compare(lambda x: x[0] * x[1] if x[0] > 0 else x[1], [2.0, 5.0])
    assert "truth value" in found["symbolic"].reason
    for way in ("dual", "reverse", "jvp"):
        np.testing.assert_array_equal(found[way].jacobian, [[5.0, 2.0]])


def test_outputs_that_depend_on_nothing_have_no_slope():
    for each in compare(lambda x: [x[0], 7.0], [2.0, 3.0]).results:
        np.testing.assert_allclose(each.jacobian, [[1.0, 0.0], [0.0, 0.0]], atol=1e-7)


def test_the_table_names_each_way_once_and_says_what_the_errors_are_against():
    printed = str(compare(lambda x: x[0] * x[0], 3.0))
    assert [line.split()[0] for line in printed.splitlines()[1:-1]] == registered.names()
    assert printed.endswith("errors: against symbolic, evaluated to 40 digits")


def test_the_comparison_is_plain_data():
    data = compare(lambda x: x[0] * x[1], [3.0, 4.0], ["dual", "reverse"]).to_json()
    assert data["reference"] == "reverse, in double precision"
    assert [each["jacobian"] for each in data["results"]] == [[[4.0, 3.0]]] * 2


def test_a_function_that_nothing_can_run_raises_its_own_error():
    with pytest.raises(TypeError, match="my own"):
        compare(broken, [1.0])


def broken(x):
    raise TypeError("my own mistake")


def test_bad_points_and_names_are_told():
    with pytest.raises(ShapeError, match=r"a row of at least one number, got shape \(2, 2\)"):
        tw.autodiff.compare(everything, np.ones((2, 2)))
    with pytest.raises(SettingError, match="finite"):
        compare(everything, [math.nan, 1.0])
    with pytest.raises(UnknownNameError, match="Did you mean 'reverse'"):
        compare(everything, POINT, ["revers"])


@pytest.mark.parametrize("leaving", [math.sin, lambda x: x.item() if hasattr(x, "item") else x])
def test_a_function_that_leaves_torch_is_refused_instead_of_having_slope_zero(leaving):
    found = compare(lambda x: x[0] ** 2 + leaving(x[0]), [1.0])
    for way in ("jvp", "reverse"):
        assert found[way].jacobian is None
        assert "makes a plain number of a tensor" in found[way].reason
    assert found.reference != "reverse, in double precision"
    assert max(each.error for each in found.results if each.error is not None) < 1e-6


def test_a_slope_that_divides_by_zero_is_told_of_the_ways_that_cannot_have_it():
    found = compare(lambda x: x[0] + sqrt(x[1]), [1.0, 0.0])
    assert "zero" in found["dual"].reason
    assert not np.isfinite(found["reverse"].jacobian).all()


def test_a_function_of_several_arguments_is_told_how_to_take_one():
    with pytest.raises(SettingError, match=r"takes 2 arguments\. Write lambda x: function\(x\[0\]"):
        compare(lambda x, y: x * y, [2.0, 3.0])
