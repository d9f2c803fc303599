"""Optimizers against their papers, a few lines of arithmetic each."""

import copy

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

import thalweg as tw
from thalweg.errors import SettingError, UnknownNameError
from thalweg.train import make_optimizer, optimizers
from thalweg.train._optimizers import (
    LEARNING_RATES,
    VARIANTS,
    canonical,
    constants_of,
    decayed,
    default_weight_decay,
    has_fused,
    searches,
)

CURVATURE = np.array([[1.0, 10.0, 0.1, 3.0]])
START = np.array([[1.0, -2.0, 3.0, 0.5]])
STEPS = 5
# So small that they matter to none of the rules, but as the papers and Z9 of the course want,
# there is one in each denominator.
EPS = 1e-8


def gradient(w):
    """Return the gradient of ½ Σ curvature · w²."""
    return CURVATURE * w


def sgd(w, lr):
    for _ in range(STEPS):
        w = w - lr * gradient(w)
    return w


def sgd_with_decay(w, lr, decay):
    for _ in range(STEPS):
        w = w - lr * (gradient(w) + decay * w)
    return w


def momentum(w, lr, mu):
    """Polyak (1964)."""
    v = 0
    for _ in range(STEPS):
        v = mu * v - lr * gradient(w)
        w = w + v
    return w


def nesterov(w, lr, mu):
    """Sutskever et al. (2013): the gradient is taken at w + μv, which is what torch keeps."""
    v = 0
    for _ in range(STEPS):
        v_next = mu * v - lr * gradient(w + mu * v)
        w, v = w + v_next, v_next
    return w + mu * v


def adagrad(w, lr):
    """Duchi et al. (2011)."""
    s = 0
    for _ in range(STEPS):
        g = gradient(w)
        s = s + g**2
        w = w - lr * g / (np.sqrt(s) + EPS)
    return w


def adadelta(w, lr, rho):
    """Zeiler (2012), algorithm 1; the paper's rate is 1."""
    s = d = 0
    for _ in range(STEPS):
        g = gradient(w)
        s = rho * s + (1 - rho) * g**2
        step = -np.sqrt(d + EPS) / np.sqrt(s + EPS) * g
        d = rho * d + (1 - rho) * step**2
        w = w + lr * step
    return w


def rmsprop(w, lr, alpha, mu=0.0):
    """Hinton (2012), and with momentum of the scaled gradient."""
    s = v = 0
    for _ in range(STEPS):
        g = gradient(w)
        s = alpha * s + (1 - alpha) * g**2
        v = mu * v + g / (np.sqrt(s) + EPS)
        w = w - lr * v
    return w


def adam(w, lr, beta1, beta2, decay=0.0):
    """Kingma and Ba (2015), algorithm 1; decay as in Loshchilov and Hutter (2019)."""
    m = v = 0
    for t in range(1, STEPS + 1):
        g = gradient(w)
        m = beta1 * m + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * g**2
        corrected = (m / (1 - beta1**t)) / (np.sqrt(v / (1 - beta2**t)) + EPS)
        w = w - lr * corrected - lr * decay * w
    return w


RULES = [
    ("sgd", {}, {}, lambda: sgd(START, 0.1)),
    ("sgd", {"weight_decay": 0.3}, {}, lambda: sgd_with_decay(START, 0.1, 0.3)),
    ("momentum", {}, {}, lambda: momentum(START, 0.1, 0.9)),
    ("momentum", {}, {"momentum": 0.5}, lambda: momentum(START, 0.1, 0.5)),
    ("nesterov", {}, {}, lambda: nesterov(START, 0.1, 0.9)),
    ("adagrad", {}, {"eps": EPS}, lambda: adagrad(START, 0.1)),
    ("adadelta", {}, {"rho": 0.9, "eps": EPS}, lambda: adadelta(START, 0.1, 0.9)),
    ("rmsprop", {}, {"alpha": 0.9}, lambda: rmsprop(START, 0.1, 0.9)),
    ("rmsprop", {}, {"alpha": 0.9, "momentum": 0.8}, lambda: rmsprop(START, 0.1, 0.9, 0.8)),
    ("adam", {}, {}, lambda: adam(START, 0.1, 0.9, 0.999)),
    ("adam", {}, {"betas": (0.8, 0.95)}, lambda: adam(START, 0.1, 0.8, 0.95)),
    ("adamw", {"weight_decay": 0.2}, {}, lambda: adam(START, 0.1, 0.9, 0.999, 0.2)),
]


@pytest.mark.parametrize(("name", "arguments", "options", "rule"), RULES)
def test_takes_the_steps_of_the_paper(name, arguments, options, rule):
    kernels = [{}]
    if has_fused(canonical(name, {})[0], torch.device("cpu")):
        kernels.append({"fused": True})
    for kernel in kernels:
        model = nn.Module()
        model.weight = nn.Parameter(torch.tensor(START))
        constants = {**options, **kernel}
        optimizer = make_optimizer(model, name, learning_rate=0.1, options=constants, **arguments)
        for _ in range(STEPS):
            optimizer.zero_grad()
            (0.5 * torch.tensor(CURVATURE) * model.weight**2).sum().backward()
            optimizer.step()
        found = model.weight.detach().numpy()
        np.testing.assert_allclose(found, rule(), rtol=1e-6, atol=1e-9)


def network(bias: bool = True) -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(4, 16, bias), nn.Tanh(), nn.Linear(16, 3, bias))


def data() -> tuple[torch.Tensor, torch.Tensor]:
    draw = torch.Generator().manual_seed(1)
    targets = torch.randint(3, (90,), generator=draw)
    centres = torch.randn(3, 4, generator=draw)
    inputs = centres[targets] + 0.3 * torch.randn(90, 4, generator=draw)
    return (inputs - inputs.mean(0)) / inputs.std(0), targets


@pytest.mark.parametrize("name", [*optimizers.names(), *VARIANTS])
def test_every_optimizer_trains_a_network_at_its_usual_rate(name):
    model = network(bias=name != "muon")
    inputs, targets = data()
    rate = LEARNING_RATES.get(canonical(name, {})[0], 1e-3)
    optimizer = make_optimizer(model, name, learning_rate=rate)

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        loss = F.cross_entropy(model(inputs), targets)
        loss.backward()
        return loss

    first = closure().item()
    for _ in range(300):
        optimizer.step(closure)
    assert closure().item() < 0.7 * first


def test_muon_says_in_one_line_that_it_takes_matrices_only():
    with pytest.raises(SettingError) as caught:
        make_optimizer(network(), "muon", learning_rate=0.02)
    assert str(caught.value) == (
        "optimizer 'muon' updates matrices only, but '0.bias' has shape (16,). Use 'adamw', or "
        "freeze the rest."
    )


def test_muon_takes_a_network_whose_other_parameters_are_frozen():
    model = network()
    for name, parameter in model.named_parameters():
        parameter.requires_grad = not name.endswith("bias")
    make_optimizer(model, "muon", learning_rate=0.02)


def test_every_optimizer_of_torch_is_there_but_the_one_for_sparse_gradients():
    own = {
        name.lower()
        for name, kind in vars(torch.optim).items()
        if isinstance(kind, type) and issubclass(kind, torch.optim.Optimizer)
    }
    assert set(optimizers.names()) == own - {"optimizer", "sparseadam"}
    for entry in optimizers:
        assert entry.summary, entry.name
        assert not entry.summary.endswith("."), entry.name


def test_biases_and_normalizations_are_not_shrunk():
    model = nn.ModuleDict(
        {
            "convolution": nn.Conv2d(3, 4, 3),
            "batch": nn.BatchNorm2d(4),
            "group": nn.GroupNorm(2, 4),
            "layer": nn.LayerNorm([4, 6, 6]),  # A scale with three axes.
            "root": nn.RMSNorm([6, 6]),
            "attention": nn.MultiheadAttention(8, 2, add_bias_kv=True),  # Biases with three axes.
            "slope": nn.PReLU(),
            "memory": nn.LSTM(8, 8),
            "words": nn.Embedding(10, 8),
            "frozen": nn.Linear(8, 8).requires_grad_(False),
            "head": nn.Linear(8, 2),
        }
    )
    names = {parameter: name for name, parameter in model.named_parameters()}
    shrunk, spared = decayed(model)
    assert [names[each] for each in shrunk] == [
        "convolution.weight",
        "attention.in_proj_weight",
        "attention.out_proj.weight",
        "memory.weight_ih_l0",
        "memory.weight_hh_l0",
        "words.weight",
        "head.weight",
    ]
    assert {names[each] for each in spared} == {
        "convolution.bias",
        *(f"{norm}.{part}" for norm in ("batch", "group", "layer") for part in ("weight", "bias")),
        "root.weight",
        "attention.in_proj_bias",
        "attention.out_proj.bias",
        "attention.bias_k",
        "attention.bias_v",
        "slope.weight",
        "memory.bias_ih_l0",
        "memory.bias_hh_l0",
        "head.bias",
    }


def test_a_shared_weight_is_decayed_once():
    model = nn.ModuleDict({"into": nn.Embedding(5, 3), "out": nn.Linear(3, 5, bias=False)})
    model["out"].weight = model["into"].weight
    shrunk, spared = decayed(model)
    assert len(shrunk) == 1
    assert not spared


def test_decay_moves_weights_and_nothing_else():
    """With a zero gradient, what AdamW changes is its decay alone."""
    model = network()
    before = copy.deepcopy(model.state_dict())
    optimizer = make_optimizer(model, "adamw", learning_rate=0.1, weight_decay=0.5)
    for parameter in model.parameters():
        parameter.grad = torch.zeros_like(parameter)
    optimizer.step()
    for name, value in model.state_dict().items():
        factor = 1.0 if name.endswith("bias") else 1 - 0.1 * 0.5
        torch.testing.assert_close(value, factor * before[name])


@pytest.mark.parametrize("name", ["sgd", "lbfgs"])
def test_frozen_parameters_stay_out(name):
    model = network()
    model[0].requires_grad_(False)
    optimizer = make_optimizer(model, name, learning_rate=0.1)
    held = [each for group in optimizer.param_groups for each in group["params"]]
    assert {id(each) for each in held} == {id(each) for each in model[2].parameters()}


def test_a_network_with_nothing_to_train_is_refused():
    with pytest.raises(SettingError, match="no trainable parameters"):
        make_optimizer(network().requires_grad_(False), "sgd", learning_rate=0.1)


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("sgd", {"options": {"momentun": 0.9}}, "no constant 'momentun'. Did you mean 'momentum'"),
        ("sgd", {"options": {"lr": 0.9}}, "no constant 'lr'"),
        ("sgd", {"options": {"momentum": -1.0}}, "'sgd' cannot be made: Invalid momentum"),
        ("sgd", {"options": {"momentum": "high"}}, "momentum of optimizer 'sgd' must be a number"),
        ("adam", {"options": {"betas": (2.0, 0.9)}}, "'adam' cannot be made: Invalid beta"),
        ("adam", {"options": {"betas": 0.9}}, "must be 2 numbers, such as 0.9,0.999, got 0.9"),
        ("adam", {"options": {"betas": ({},)}}, "must be 2 numbers"),
        ("adam", {"options": {"amsgrad": "abc"}}, "must be true or false, got 'abc'"),
        ("adam", {"options": {"foreach": 7}}, "must be true or false, got 7"),
        ("adam", {"options": {"differentiable": True}}, "no constant 'differentiable'"),
        ("adafactor", {"options": {"eps": 1}}, "must be 2 numbers, such as 0,0.001"),
        ("lbfgs", {"options": {"max_eval": "a"}}, "must be a number, got 'a'"),
        ("lbfgs", {"options": {"line_search_fn": "a"}}, "must be 'strong_wolfe', got 'a'"),
        ("adam", {"options": {"fused": True, "foreach": True}}, "'adam' cannot be made"),
        ("nesterov", {"options": {"momentum": 0}}, "'sgd' cannot be made: Nesterov momentum"),
        ("rprop", {"weight_decay": 0.1}, "'rprop' has no weight_decay. Use l2=0.1 instead"),
        ("lbfgs", {"weight_decay": 0.1}, "'lbfgs' has no weight_decay"),
    ],
)
def test_constants_that_cannot_work_are_refused_in_one_line(name, arguments, message):
    with pytest.raises(SettingError) as caught:
        make_optimizer(network(), name, learning_rate=0.1, **arguments)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_unknown_optimizer_comes_with_the_nearest():
    with pytest.raises(UnknownNameError, match="Did you mean 'adam'"):
        make_optimizer(network(), "adaam", learning_rate=0.1)


def test_names_are_found_in_any_case():
    assert canonical("AdamW", {"eps": 1e-6}) == ("adamw", {"eps": 1e-6})
    assert canonical("Nesterov", {"momentum": 0.8}) == ("sgd", {"momentum": 0.8, "nesterov": True})


def test_what_has_a_setting_of_its_own_is_no_constant():
    for name in [*optimizers.names(), *VARIANTS]:
        assert not {"lr", "weight_decay", "params", "self"} & set(constants_of(name))


def test_weight_decay_is_torchs_own_by_default():
    assert (
        default_weight_decay("adamw")
        == torch.optim.AdamW([nn.Parameter(torch.zeros(1))]).defaults["weight_decay"]
    )
    assert default_weight_decay("sgd") == 0.0


def test_lbfgs_trains_without_tuning():
    run = tw.fit("linear", tw.load("iris"), optimizer="lbfgs", epochs=5, out="run", progress=False)
    assert run.status.state == "finished"
    assert run.score("valid")["accuracy"] > 0.9


class TwoEvaluations(torch.optim.Optimizer):
    """A stranger's optimizer, which computes the gradient twice in a step."""

    def __init__(self, params, lr):
        super().__init__(params, {"lr": lr})

    def step(self, closure=None):
        assert closure is not None
        closure()
        return closure()


def test_only_optimizers_that_may_search_are_handed_the_loss():
    parameter = nn.Parameter(torch.zeros(2, 2))
    found = {name: searches(optimizers[name]([parameter], lr=0.1)) for name in optimizers.names()}
    assert [name for name, does in found.items() if does] == ["lbfgs"]
    assert searches(TwoEvaluations([parameter], 0.1))


def test_without_decay_all_parameters_are_one_group():
    model = nn.Sequential(nn.Linear(2, 2), nn.LayerNorm(2))
    whole = make_optimizer(model, "adamw", learning_rate=0.1)
    assert [len(group["params"]) for group in whole.param_groups] == [4]
    apart = make_optimizer(model, "adamw", learning_rate=0.1, weight_decay=0.01)
    assert [group["weight_decay"] for group in apart.param_groups] == [0.01, 0.0]
