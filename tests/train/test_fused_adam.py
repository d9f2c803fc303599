"""Adam and AdamW in one kernel give torch's own numbers, bit for bit."""

import copy

import pytest
import torch
from torch import nn

from thalweg.train import make_optimizer
from thalweg.train._fused_adam import FUSED, Adam, AdamW
from thalweg.train._optimizers import searches

TORCHS: dict[str, type[torch.optim.Adam]] = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}
STEPS = 5


def network():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(6, 5), nn.Tanh(), nn.Linear(5, 3))


def groups(model):
    return [
        {"params": [model[0].weight, model[2].weight], "weight_decay": 0.1},
        {"params": [model[0].bias, model[2].bias], "lr": 0.003},
    ]


def take_steps(model, optimizer, steps=STEPS, leaves_out=()):
    """Train on batches that are the same for every network."""
    draw = torch.Generator().manual_seed(1)
    for step in range(steps):
        optimizer.zero_grad()
        inputs = torch.randn(4, 6, generator=draw).to(model[0].weight)
        model(inputs).square().sum().backward()
        if step in leaves_out:
            model[0].bias.grad = None
        optimizer.step()


def bits(model, optimizer):
    kept = [value for each in optimizer.state.values() for value in each.values()]
    return [*model.state_dict().values(), *kept]


def assert_same_bits(first, second):
    for one, other in zip(bits(*first), bits(*second), strict=True):
        assert torch.equal(one, other)


def pair(name, dtype=torch.float32, **options):
    """Return the same training by us and by torch's class."""
    both = []
    for kind in (FUSED[name], TORCHS[name]):
        model = network().to(dtype)
        both.append((model, kind(groups(model), lr=0.01, fused=True, **options)))
    return both


@pytest.mark.parametrize("name", list(FUSED))
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
@pytest.mark.parametrize(
    "options", [{}, {"amsgrad": True}, {"maximize": True}, {"betas": (0.5, 0.9), "eps": 1e-3}]
)
def test_the_numbers_are_torchs(name, dtype, options):
    ours, torchs = pair(name, dtype, **options)
    for each in (ours, torchs):
        take_steps(*each)
    assert_same_bits(ours, torchs)


@pytest.mark.parametrize("name", list(FUSED))
def test_torch_is_asked_for_the_first_step_alone(name, monkeypatch):
    (model, optimizer), _ = pair(name)
    asked = []
    own = torch.optim.Adam.step

    def step(optimizer, closure=None):
        asked.append(1)
        return own(optimizer, closure)

    monkeypatch.setattr(torch.optim.Adam, "step", step)
    take_steps(model, optimizer)
    assert len(asked) == 1


@pytest.mark.parametrize("name", list(FUSED))
def test_a_parameter_without_a_gradient_stays_as_it_is(name):
    ours, torchs = pair(name)
    for each in (ours, torchs):
        take_steps(*each, leaves_out=(0, 3))
    assert_same_bits(ours, torchs)


def test_rates_and_decay_may_change_between_steps():
    ours, torchs = pair("adamw")
    for model, optimizer in (ours, torchs):
        take_steps(model, optimizer)
        for group in optimizer.param_groups:
            group.update(lr=0.5 * group["lr"], weight_decay=0.3, betas=(0.8, 0.99))
        take_steps(model, optimizer)
    assert_same_bits(ours, torchs)


def test_what_is_loaded_is_stepped_on():
    (model, optimizer), torchs = pair("adamw")
    take_steps(model, optimizer)
    weights, averages = copy.deepcopy((model.state_dict(), optimizer.state_dict()))
    take_steps(model, optimizer, 2)
    model.load_state_dict(weights)
    optimizer.load_state_dict(averages)
    take_steps(model, optimizer, 3)
    take_steps(*torchs)
    take_steps(*torchs, 3)
    assert_same_bits((model, optimizer), torchs)


def test_a_copy_steps_on_its_own_tensors():
    ours, torchs = pair("adamw")
    take_steps(*ours)
    before = [each.clone() for each in bits(*ours)]
    twin = copy.deepcopy(ours)
    take_steps(*twin)
    assert all(map(torch.equal, bits(*ours), before))
    take_steps(*torchs)
    take_steps(*torchs)
    assert_same_bits(twin, torchs)


def test_a_group_may_be_added():
    ours, torchs = pair("adamw")
    for model, optimizer in (ours, torchs):
        take_steps(model, optimizer)
        model.append(nn.Linear(3, 2))
        with torch.no_grad():
            model[3].weight.fill_(0.5)
            model[3].bias.fill_(0.1)
        optimizer.add_param_group({"params": model[3].parameters()})
        take_steps(model, optimizer)
    assert_same_bits(ours, torchs)


def test_parameters_of_two_types_go_torchs_own_way():
    ours, torchs = pair("adamw")
    for model, optimizer in (ours, torchs):
        model[2].double()
        model.insert(2, nn.Identity().double())
        draw = torch.Generator().manual_seed(1)
        for _ in range(STEPS):
            for parameter in model.parameters():
                noise = torch.randn(parameter.shape, generator=draw)
                parameter.grad = noise.to(parameter.dtype)
            optimizer.step()
    assert_same_bits(ours, torchs)


def test_a_closure_is_called_with_gradients_on():
    (model, optimizer), _ = pair("adam")
    inputs = torch.ones(2, 6)

    def closure():
        optimizer.zero_grad()
        loss = model(inputs).square().sum()
        loss.backward()
        return loss.detach()

    losses = [float(optimizer.step(closure)) for _ in range(3)]
    assert losses[2] < losses[0]


@pytest.mark.parametrize("first", [None, torch.optim.Adam, torch.optim.AdamW])
@pytest.mark.parametrize("name", list(FUSED))
def test_hooks_of_a_step_are_called_once_a_step(name, first):
    if first is not None:  # Makes torch wrap the step of its own class.
        first(network().parameters())
    (model, optimizer), _ = pair(name)
    called = []
    optimizer.register_step_pre_hook(lambda *given: called.append("before"))
    optimizer.register_step_post_hook(lambda *given: called.append("after"))
    take_steps(model, optimizer, leaves_out=(2,))
    assert called == ["before", "after"] * STEPS


@pytest.mark.parametrize("name", list(FUSED))
def test_it_is_made_where_the_kernel_is_asked_for(name):
    fused = make_optimizer(network(), name, learning_rate=0.01, options={"fused": True})
    plain = make_optimizer(network(), name, learning_rate=0.01)
    assert type(fused) is {"adam": Adam, "adamw": AdamW}[name]
    assert type(plain) is TORCHS[name]
    assert not searches(fused)
    assert isinstance(fused, TORCHS[name])
