import inspect
import math

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from thalweg.autodiff import check_gradients
from thalweg.errors import SettingError


@pytest.fixture(autouse=True)
def drawn():
    torch.manual_seed(0)


class Scaled(torch.autograd.Function):
    """x·w, whose gradient for one entry of w is half as large again as it should be."""

    @staticmethod
    def forward(ctx, x, w, wrong):
        ctx.save_for_backward(x, w)
        ctx.wrong = wrong
        return x * w

    @staticmethod
    def backward(ctx, gradient):
        x, w = ctx.saved_tensors
        of_w = (gradient * x).sum(0)
        if ctx.wrong is not None:
            of_w[ctx.wrong] *= 1.5
        return gradient * w, of_w, None


class Scale(nn.Module):
    def __init__(self, size, wrong):
        super().__init__()
        self.scale = nn.Parameter(torch.linspace(1, 2, size))
        self.wrong = wrong

    def forward(self, x):
        return Scaled.apply(x, self.scale, self.wrong)


def network(size=12, wrong=None):
    return nn.Sequential(
        nn.Linear(4, size),
        nn.BatchNorm1d(size),
        nn.Dropout(0.3),
        nn.Tanh(),
        Scale(size, wrong),
        nn.Linear(size, 3),
    )


INPUTS = torch.linspace(-2, 2, 32).reshape(8, 4).sin()


@pytest.mark.parametrize(
    ("module", "inputs"),
    [
        (nn.Conv2d(2, 3, 3, padding=1), torch.randn(2, 2, 5, 5)),
        (nn.LSTM(3, 4), torch.randn(5, 2, 3)),
        (nn.MultiheadAttention(4, 2), [torch.randn(3, 2, 4) for _ in range(3)]),
        (nn.Embedding(7, 3), torch.tensor([[1, 2], [2, 6]])),
        (nn.GroupNorm(2, 4), torch.randn(3, 4, 5)),
        (network(), INPUTS),
    ],
    ids=lambda each: type(each).__name__ if isinstance(each, nn.Module) else "",
)
def test_networks_of_torch_pass(module, inputs):
    report = check_gradients(module, inputs)
    assert report.passed, report
    assert {name for name, _ in module.named_parameters()} <= {each.name for each in report.results}


def test_losses_pass_and_whole_numbers_are_no_input():
    report = check_gradients(nn.CrossEntropyLoss(), (torch.randn(4, 3), torch.tensor([0, 2, 1, 1])))
    assert report.passed
    assert [each.name for each in report.results] == ["input"]
    report = check_gradients(F.mse_loss, (torch.randn(3), torch.randn(3)))
    assert [each.name for each in report.results] == ["input 0", "input 1"]


def test_the_loss_of_a_network_is_differentiated_to_its_parameters():
    layer, targets = nn.Linear(3, 2), torch.tensor([1, 0, 1])
    weight = torch.tensor([1.0, 2.0]).double()
    inputs = torch.randn(3, 3)

    def loss(output):
        return F.cross_entropy(output, targets, weight=weight)

    report = check_gradients(layer, inputs, loss=loss, entries=6)
    layer.double()
    loss(layer(inputs.double())).backward()
    for entry in report["weight"].entries:
        expected = float(layer.weight.grad[entry.index])
        assert entry.autograd == pytest.approx(expected)
        assert entry.difference == pytest.approx(expected, rel=1e-4)


def test_it_works_where_the_caller_has_switched_gradients_off():
    with torch.no_grad():
        assert check_gradients(network(), INPUTS).passed


def test_both_values_are_those_of_the_derivative():
    report = check_gradients(lambda x: (x**3).sum(), torch.tensor([2.0, -1.0]))
    for entry in report["input"].entries:
        expected = 3 * [2.0, -1.0][entry.index[0]] ** 2
        assert entry.autograd == pytest.approx(expected)
        assert entry.difference == pytest.approx(expected, rel=1e-8)


def test_a_wrong_entry_is_named_with_both_values():
    report = check_gradients(network(wrong=5), INPUTS, entries=12)
    assert [each.name for each in report.failures] == ["4.scale"]
    (entry,) = report["4.scale"].wrong
    assert entry.index == (5,)
    assert entry.autograd / entry.difference == pytest.approx(1.5, rel=1e-4)
    assert entry.error == pytest.approx(1 / 3, rel=1e-3)
    line = str(report).splitlines()[2]
    assert line.split()[:2] == ["FAILED", "4.scale"]
    assert "[5]" in line
    assert f"{entry.difference:.6g}" in line


def test_one_wrong_entry_among_thousands_is_found_though_few_are_drawn():
    report = check_gradients(Scale(5000, 3217), torch.linspace(1, 2, 5000)[None], entries=3)
    assert [each.index for each in report["scale"].wrong] == [(3217,)]
    assert len(report["scale"].entries) == 4
    assert check_gradients(Scale(5000, None), torch.ones(1, 5000), entries=3).passed


def test_a_gradient_that_was_cut_off_is_wrong():
    report = check_gradients(lambda x: (x * x.detach()).sum(), torch.tensor([3.0]))
    entry = report["input"].worst
    assert (entry.verdict, entry.autograd) == ("wrong", 3.0)
    assert entry.difference == pytest.approx(6.0)


@pytest.mark.parametrize(
    ("function", "inputs"),
    [
        (F.relu, torch.zeros(3)),
        (nn.MaxPool2d(2), torch.ones(1, 1, 4, 4)),
        (lambda x: x.amax(), torch.ones(4)),
    ],
)
def test_at_a_kink_a_slope_between_those_of_both_sides_passes(function, inputs):
    report = check_gradients(function, inputs)
    assert report.passed, report
    assert report["input"].count("kink") == len(report["input"].entries)
    assert "at a kink" in str(report)
    assert "0 of 1 gradients passed, to 1e-04; 1 unclear." in str(report)


def test_a_kink_excuses_no_slope_beyond_both_sides():
    class Leap(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x.relu()

        @staticmethod
        def backward(ctx, gradient):
            return 1.2 * gradient

    assert not check_gradients(Leap.apply, torch.zeros(2)).passed


def test_a_kink_nearby_is_no_matter():
    report = check_gradients(F.relu, torch.tensor([2e-6, -2e-6, 1.0]))
    assert report["input"].count("equal") == 3


def test_a_kink_nearby_on_a_curve_is_no_matter():
    # From 3e-7 away every difference but the finest looks across it, one side only in part.
    report = check_gradients(lambda x: (F.relu(x - 1) + x**3).sum(), torch.tensor([1.0]))
    assert report["input"].worst.verdict == "kink"
    near = torch.tensor([1 + 3e-7], dtype=torch.float64)
    entry = check_gradients(lambda x: (F.relu(x - 1) + x**3).sum(), near)["input"].worst
    assert (entry.verdict, entry.difference) == ("equal", pytest.approx(4.0, rel=1e-5))


def test_slopes_below_rounding_are_counted_and_prove_nothing():
    deep = nn.Sequential(*[each for _ in range(20) for each in (nn.Linear(4, 4), nn.Sigmoid())])
    report = check_gradients(deep, torch.randn(2, 4))
    assert report.passed
    assert not report["0.weight"].is_proved
    assert report["38.weight"].is_proved


def test_the_users_module_and_the_random_state_stay_as_they_are():
    module = network()
    module(INPUTS).sum().backward()
    before = {name: value.clone() for name, value in module.state_dict().items()}
    gradients = [each.grad.clone() for each in module.parameters()]
    state = torch.get_rng_state()
    inputs = INPUTS.clone()
    check_gradients(module, inputs)
    assert torch.equal(torch.get_rng_state(), state)
    assert all(torch.equal(value, before[name]) for name, value in module.state_dict().items())
    assert all(map(torch.equal, (each.grad for each in module.parameters()), gradients))
    assert torch.equal(inputs, INPUTS)
    assert not inputs.requires_grad
    assert module[0].weight.dtype == torch.float32


class Partly(nn.Module):
    """Uses one of three parameters, one of which is frozen."""

    def __init__(self):
        super().__init__()
        self.used, self.spare = nn.Parameter(torch.ones(2)), nn.Parameter(torch.ones(2))
        self.frozen = nn.Parameter(torch.ones(2), requires_grad=False)

    def forward(self, x):
        return x * self.used * self.frozen


def test_frozen_parameters_are_left_out_and_unused_ones_have_slope_zero():
    report = check_gradients(Partly(), torch.tensor([2.0, 3.0]))
    assert [each.name for each in report.results] == ["used", "spare", "input"]
    assert report.passed
    assert {(each.autograd, each.difference) for each in report["spare"].entries} == {(0.0, 0.0)}


def test_the_same_seed_draws_the_same_entries():
    first, second = (check_gradients(nn.Linear(40, 30), torch.ones(2, 40), seed=3) for _ in "ab")
    places = [[each.index for each in report["weight"].entries] for report in (first, second)]
    assert len(set(places[0])) == 10
    assert all(0 <= row < 30 and 0 <= column < 40 for row, column in places[0])


def test_the_report_is_plain_data():
    data = check_gradients(network(wrong=2), INPUTS, entries=12).to_json()
    assert data["passed"] is False
    (failed,) = [each for each in data["results"] if not each["passed"]]
    assert failed["name"] == "4.scale"
    assert failed["entries"][0]["index"] == (2,)


@pytest.mark.parametrize(
    ("function", "inputs", "message"),
    [
        (lambda x: x.detach(), torch.ones(2), "depends on nothing that has a gradient"),
        (lambda x: x.argmax(), torch.ones(2), "must return a tensor of floats"),
        (lambda x: x.log().sum(), -torch.ones(2), "must be finite"),
        (lambda x: x @ torch.ones(2), torch.ones(2), r"double precision: .* by \.to\(input\)"),
        (nn.MSELoss(), torch.ones(2), r"these inputs .* 'target'\. Give it .* several in a tuple"),
        (nn.LazyLinear(3), torch.ones(2, 2), "Run it on one batch first"),
    ],
)
def test_what_cannot_be_checked_is_told(function, inputs, message):
    with pytest.raises(SettingError, match=message):
        check_gradients(function, inputs)


def test_a_function_that_changes_from_call_to_call_is_told():
    draw = torch.Generator().manual_seed(0)
    with pytest.raises(SettingError, match="another value each time"):
        check_gradients(lambda x: x * torch.randn(3, generator=draw), torch.ones(3))


def test_what_is_no_function_is_told_and_a_number_is_an_argument():
    check = inspect.unwrap(check_gradients)
    with pytest.raises(SettingError, match="needed is a module or a function of tensors, got str"):
        check("resnet18", torch.ones(2))
    with pytest.raises(SettingError, match="must return a tensor of floats"):
        check(lambda x: 2 * x, 3.0)


def test_settings_out_of_range_are_told():
    for wrong in ({"entries": 0}, {"tolerance": 0.0}, {"tolerance": math.nan}):
        with pytest.raises(SettingError, match="at least 1"):
            check_gradients(F.relu, torch.ones(1), **wrong)
