import inspect

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from thalweg.autodiff import FlatLoss, hessian_vector_product, newton_step, top_eigenvalue
from thalweg.errors import SettingError, ShapeError


def rosenbrock(x):
    return (1 - x[0]) ** 2 + 100 * (x[1] - x[0] ** 2) ** 2


def network_loss():
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(3, 5), nn.Tanh(), nn.Dropout(0.2), nn.Linear(5, 2)).double()
    inputs = torch.randn(20, 3, dtype=torch.float64)
    return FlatLoss(network, inputs, torch.randint(2, (20,)), nn.CrossEntropyLoss())


def hessian(function, point):
    return torch.autograd.functional.hessian(function, point)


@pytest.mark.parametrize("make", [lambda: (rosenbrock, torch.tensor([-1.2, 1.0]).double()), None])
def test_products_agree_with_the_whole_hessian(make):
    function, point = make() if make else (network_loss(), network_loss().point)
    vector = torch.linspace(-1, 1, len(point), dtype=torch.float64)
    expected = hessian(function, point) @ vector
    torch.testing.assert_close(hessian_vector_product(function, point, vector), expected)


def test_what_is_linear_has_no_curvature():
    for linear in (lambda x: 3 * x.sum(), lambda x: x.relu().sum()):
        assert not hessian_vector_product(linear, torch.ones(3), torch.ones(3)).any()


@pytest.mark.parametrize("method", ["lanczos", "power"])
def test_the_top_eigenvalue_is_that_of_the_whole_hessian(method):
    loss = network_loss()
    values, vectors = torch.linalg.eigh(hessian(loss, loss.point))
    found = top_eigenvalue(loss, loss.point, method=method, most=5000)
    assert found.value == pytest.approx(float(values[-1]), rel=1e-5)
    assert abs(float(found.vector @ vectors[:, -1])) == pytest.approx(1, abs=1e-4)
    assert found.residual < 1e-4 * found.value


@pytest.mark.parametrize("method", ["lanczos", "power"])
def test_a_negative_eigenvalue_of_larger_size_is_not_the_top(method):
    curvatures = torch.tensor([-9.0, -2.0, 1.0, 4.0]).double()
    found = top_eigenvalue(
        lambda x: (curvatures * x * x).sum() / 2, torch.zeros(4).double(), method=method
    )
    assert found.value == pytest.approx(4)


def test_lanczos_needs_fewer_products_than_the_power_method():
    curvatures = torch.linspace(0, 1, 60).double()
    spent = {
        method: top_eigenvalue(
            lambda x: (curvatures * x * x).sum() / 2,
            torch.zeros(60).double(),
            method=method,
            tolerance=1e-4,
            most=5000,
        ).products
        for method in ("lanczos", "power")
    }
    assert spent["lanczos"] < spent["power"]


def test_a_single_number_is_its_own_direction():
    assert top_eigenvalue(lambda x: 3 * x[0] ** 2, torch.ones(1)).value == pytest.approx(6)


def test_what_does_not_converge_is_told():
    loss = network_loss()
    with pytest.raises(SettingError, match="after 2 products"):
        top_eigenvalue(loss, loss.point, method="power", most=2)


def test_newton_finds_the_minimum_of_a_quadratic_in_one_step():
    matrix = torch.tensor([[3.0, 1.0], [1.0, 2.0]]).double()
    goal = torch.tensor([5.0, -7.0]).double()
    found = newton_step(lambda x: (x - goal) @ matrix @ (x - goal), torch.zeros(2).double())
    torch.testing.assert_close(found.step, goal)
    assert found.gain == pytest.approx(float(goal @ matrix @ goal))
    assert not found.is_repaired


def test_newton_follows_the_valley_of_rosenbrock():
    point = torch.tensor([-1.2, 1.0]).double()
    for _ in range(10):
        point = point + newton_step(rosenbrock, point, repair="shift").step
    torch.testing.assert_close(point, torch.ones(2).double())


def test_logistic_regression_is_fitted_as_by_many_steps_of_descent():
    torch.manual_seed(1)
    inputs = torch.randn(40, 2).double()
    targets = (inputs[:, :1] + 0.5 * torch.randn(40, 1) > 0).double()
    network = nn.Linear(2, 1).double()
    loss = FlatLoss(network, inputs, targets, F.binary_cross_entropy_with_logits)
    for _ in range(8):
        loss.load(loss.point + newton_step(loss, loss.point).step)
    loss(torch.cat([each.flatten() for each in network.parameters()])).backward()
    assert max(float(each.grad.abs().max()) for each in network.parameters()) < 1e-12


def test_at_a_saddle_no_step_is_taken_without_a_repair():
    def saddle(x):
        return x[0] ** 2 - x[1] ** 2

    point = torch.tensor([1.0, 0.1]).double()
    with pytest.raises(SettingError, match=r'smallest eigenvalue is -2\. Choose repair="shift"'):
        newton_step(saddle, point)
    for repair in ("shift", "absolute"):
        found = newton_step(saddle, point, repair=repair)
        assert found.is_repaired
        assert found.smallest_eigenvalue == pytest.approx(-2)
        assert saddle(point + found.step) < saddle(point)
    # Newton's own step would have led up to the saddle.
    torch.testing.assert_close(
        newton_step(saddle, point, repair="absolute").step.sign(),
        torch.tensor([-1.0, 1.0]).double(),
    )


def test_the_network_stays_as_it_is_until_weights_are_loaded():
    network = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3), nn.Dropout())
    before = {name: value.clone() for name, value in network.state_dict().items()}
    state = torch.get_rng_state()
    loss = FlatLoss(network, torch.randn(4, 2), torch.zeros(4, 3), nn.MSELoss())
    state = torch.get_rng_state()
    assert loss(loss.point) == loss(loss.point)
    hessian_vector_product(loss, loss.point, loss.point)
    assert torch.equal(torch.get_rng_state(), state)
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    loss.load(torch.zeros_like(loss.point))
    assert not any(each.any() for each in network.parameters())


def test_it_works_where_the_caller_has_switched_gradients_off():
    with torch.no_grad():
        found = newton_step(lambda x: (x - 2).square().sum(), torch.zeros(2))
    torch.testing.assert_close(found.step, torch.full((2,), 2.0))


def test_curvature_that_is_not_finite_is_told():
    with pytest.raises(SettingError, match="must be finite"):
        newton_step(lambda x: x.sqrt().sum(), torch.zeros(2))
    with pytest.raises(SettingError, match="must be finite"):
        top_eigenvalue(lambda x: x.sqrt().sum(), torch.zeros(2))


@pytest.mark.parametrize("method", ["lanczos", "power"])
def test_what_is_linear_has_the_top_eigenvalue_zero(method):
    found = top_eigenvalue(lambda x: 3 * x.sum(), torch.zeros(3), method=method)
    assert (found.value, found.residual, found.products) == (0.0, 0.0, 1)


def test_bad_input_is_told():
    with pytest.raises(ShapeError, match="a row of floats"):
        hessian_vector_product(rosenbrock, torch.ones(2, 2), torch.ones(2))
    with pytest.raises(ShapeError, match="must give one number"):
        newton_step(lambda x: x * x, torch.ones(2))
    with pytest.raises(ShapeError, match=r"the vector must be a tensor of 2 numbers, got \(3,\)"):
        hessian_vector_product(rosenbrock, torch.ones(2), torch.ones(3))
    with pytest.raises(SettingError, match="a tensor of one number, got float"):
        newton_step(lambda x: 3.0, torch.ones(2))


def test_bad_input_is_told_to_users_whose_types_nobody_checks():
    eigenvalue, newton = inspect.unwrap(top_eigenvalue), inspect.unwrap(newton_step)
    with pytest.raises(
        SettingError, match=r"repair must be None, 'shift' or 'absolute', got 'abs'"
    ):
        newton(rosenbrock, torch.zeros(2), repair="abs")
    with pytest.raises(SettingError, match=r"method must be 'lanczos' or 'power', got 'arnoldi'"):
        eigenvalue(rosenbrock, torch.zeros(2), method="arnoldi")
    for function in (eigenvalue, newton):
        with pytest.raises(ShapeError, match=r"a row of floats, got list\. Pass a tensor"):
            function(rosenbrock, [0.0, 1.0])
    with pytest.raises(SettingError, match="must depend on the point"):
        newton_step(lambda x: x.detach().sum(), torch.ones(2))
    with pytest.raises(SettingError, match="5000×5000"):
        newton_step(lambda x: x.sum(), torch.ones(5000))
    with pytest.raises(SettingError, match="Unfreeze"):
        FlatLoss(nn.ReLU(), torch.ones(1), torch.ones(1), nn.MSELoss())
