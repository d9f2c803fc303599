"""However a step is computed, it is the same step; whatever the layout, the same network."""

import copy
import itertools

import pytest
import torch
from torch import nn

import thalweg as tw
from thalweg.nn import AtLeast, BatchNorm1d, BatchNorm2d, activations
from thalweg.train import make_optimizer, optimizers
from thalweg.train._optimizers import constants_of

SETTINGS = {"batch_size": 32, "learning_rate": 0.01, "progress": False, "doctor": False}
KERNELS = [
    (entry.name, {kernel: True})
    for entry in optimizers
    for kernel in ("foreach", "fused")
    if kernel in constants_of(entry.name)
]


def bits(model: nn.Module) -> torch.Tensor:
    return torch.cat([value.flatten() for value in model.state_dict().values()])


def steps_of(name: str, options: dict, number: int = 10) -> torch.Tensor:
    """Return the weights after some steps on gradients of very different sizes."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 3))
    optimizer = make_optimizer(model, name, learning_rate=0.01, options=options)
    draw = torch.Generator().manual_seed(1)
    for _ in range(number):
        for size, each in zip((1e-6, 1.0, 1e3, 1e-3), model.parameters(), strict=True):
            each.grad = size * torch.randn(each.shape, generator=draw)
        optimizer.step()
    return bits(model)


@pytest.mark.parametrize(("name", "options"), KERNELS, ids=str)
def test_one_kernel_for_all_parameters_takes_the_step_of_a_loop_over_them(name, options):
    plain = {kernel: False for kernel in ("foreach", "fused") if kernel in constants_of(name)}
    loop = steps_of(name, plain)
    assert loop.isfinite().all()
    torch.testing.assert_close(steps_of(name, {**plain, **options}), loop, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("name", ["convnet", "lenet", "lenet_caffe"])
def test_channels_innermost_train_the_network_that_contiguous_ones_do(name):
    data = tw.load("digits", valid=0.8, test=0.1)
    losses, ends = [], []
    for channels_last in (False, True):
        # Plain descent: Adam divides by the root of tiny squares, and so magnifies roundings.
        settings = {**SETTINGS, "optimizer": "sgd", "channels_last": channels_last}
        model = tw.build(name, data)
        run = tw.fit(model, data, epochs=2, out=f"{channels_last}", **settings)
        losses.append([row["loss"] for row in run.history.steps])
        ends.append(bits(model))
    assert losses[1] == pytest.approx(losses[0], rel=1e-5)
    torch.testing.assert_close(ends[1], ends[0], rtol=1e-4, atol=1e-4)


class Turned(nn.Module):
    """A linear layer whose weight lies in memory column by column, or as torch has it."""

    def __init__(self, is_turned: bool) -> None:
        super().__init__()
        draw = torch.Generator().manual_seed(0)
        weight = torch.randn(3, 4, generator=draw)
        self.weight = nn.Parameter(weight.t().contiguous().t() if is_turned else weight)
        self.bias = nn.Parameter(torch.zeros(3))

    def forward(self, x):
        return nn.functional.linear(x, self.weight, self.bias)


@pytest.mark.parametrize("fused", [True, False])
def test_weights_that_are_not_contiguous_train_and_are_kept_as_any(three_classes, fused):
    ends = []
    for is_turned in (False, True):
        model = Turned(is_turned)
        assert model.weight.is_contiguous() != is_turned
        run = tw.fit(
            model, three_classes, epochs=4, fused=fused, out=f"run-{is_turned}", **SETTINGS
        )
        again = tw.Run.load(f"run-{is_turned}", model=Turned(is_turned)).model
        assert torch.equal(bits(again), bits(run.model))
        ends.append(bits(model))
    torch.testing.assert_close(ends[1], ends[0])


class Tied(nn.Module):
    """Two layers with one weight."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(3)
        self.first, self.second = nn.Linear(4, 4), nn.Linear(4, 4, bias=False)
        self.second.weight = self.first.weight
        self.last = nn.Linear(4, 3)

    def forward(self, x):
        return self.last(self.second(torch.tanh(self.first(x))))


class CutError(Exception):
    """The end, in the middle of training."""


@pytest.mark.parametrize(("build", "kept"), [(Tied, 6), (lambda: Turned(True), 2)])
@pytest.mark.parametrize("fused", [True, False])
def test_tied_and_turned_weights_resume_to_the_same_bits(
    three_classes, monkeypatch, build, kept, fused
):
    settings = {**SETTINGS, "epochs": 4, "fused": fused, "checkpoint_every": 1}
    whole = build()
    tw.fit(whole, three_classes, out="whole", **settings)
    update = tw.train._loop.update

    def cut(plan, state, *rest):
        if state.step == 7:
            raise CutError
        return update(plan, state, *rest)

    with monkeypatch.context() as patch:
        patch.setattr(tw.train._loop, "update", cut)
        with pytest.raises(CutError):
            tw.fit(build(), three_classes, out="cut", **settings)
    run = tw.resume("cut", three_classes, build(), progress=False)
    assert torch.equal(bits(run.model), bits(whole))
    assert len(list(run.model.parameters())) == len(list(whole.parameters()))
    if isinstance(run.model, Tied):
        assert run.model.first.weight is run.model.second.weight


LAYERS = {
    "bordered": (AtLeast(8), (2, 1, 6, 7)),
    "enlarged": (AtLeast(9), (2, 1, 3, 4)),
    "as they are": (AtLeast(3), (2, 1, 4, 4)),
    "normalized features": (BatchNorm1d(3), (5, 3)),
    "a single row": (BatchNorm1d(3), (1, 3)),
    "normalized channels": (BatchNorm2d(2), (3, 2, 2, 2)),
    "a single pixel": (BatchNorm2d(2), (1, 2, 1, 1)),
    **{entry.name: (entry.value.make(), (3, 4)) for entry in activations},
}


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("name", LAYERS)
def test_every_layer_has_the_gradient_of_its_differences(name, training):
    layer, shape = copy.deepcopy(LAYERS[name])
    layer.double().train(training)
    inputs = torch.randn(shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    # gradcheck calls the layer many times; what it keeps must not move meanwhile.
    parameters = list(layer.parameters())

    def given(x, *values):
        names = [each for each, _ in layer.named_parameters()]
        state = {**dict(layer.named_buffers()), **dict(zip(names, values, strict=True))}
        kept = {each: value.clone() for each, value in state.items()}
        return torch.func.functional_call(layer, kept, (x,))

    assert torch.autograd.gradcheck(given, (inputs.requires_grad_(), *parameters))


NETWORKS = [
    ("linear", (4,), {}),
    ("perceptron", (4,), {}),
    ("mlp", (4,), {"activation": "tanh", "hidden": [5]}),
    ("mlp", (4,), {"activation": "gelu", "hidden": [5, 4], "normalization": "batch"}),
    ("mlp", (4,), {"activation": "elu", "hidden": [5], "normalization": "layer"}),
    ("lenet", (1, 32, 32), {"activation": "tanh"}),
    ("lenet_caffe", (1, 28, 28), {}),
    ("convnet", (2, 6, 5), {"widths": [3, 4]}),
]


def network(name: str, shape: tuple[int, ...], options: dict) -> nn.Module:
    recipe = tw.models.Recipe(name, shape, 1 if name == "perceptron" else 3, 0, options)
    return recipe.build()


@pytest.mark.parametrize(("name", "shape", "options"), NETWORKS, ids=str)
def test_every_network_has_the_gradient_of_its_differences(name, shape, options):
    model = network(name, shape, options).double().eval()
    draw = torch.Generator().manual_seed(0)
    inputs = torch.randn(2, *shape, generator=draw, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(model, (inputs,), fast_mode=True)


@pytest.mark.parametrize(("name", "shape", "options"), NETWORKS, ids=str)
@pytest.mark.parametrize(
    ("dtype", "batch", "training"),
    list(itertools.product([torch.float32, torch.float64, torch.bfloat16], [1, 7], [True, False])),
)
def test_every_network_takes_every_type_and_batch_in_either_mode(
    name, shape, options, dtype, batch, training
):
    model = network(name, shape, options).to(dtype).train(training)
    output = model(torch.ones(batch, *shape, dtype=dtype))
    assert output.dtype == dtype
    assert output.shape == (batch, 1 if name == "perceptron" else 3)
    assert output.isfinite().all()


def test_training_differs_from_evaluation_where_something_is_drawn_or_measured():
    inputs = torch.randn(8, 4, generator=torch.Generator().manual_seed(0))
    for options, differs in (
        ({}, False),
        ({"dropout": 0.5}, True),
        ({"normalization": "batch"}, True),
        ({"normalization": "layer"}, False),
    ):
        model = network("mlp", (4,), options)
        trained, evaluated = model.train()(inputs), model.eval()(inputs)
        assert torch.equal(trained, evaluated) != differs, options
