"""Receptive fields against gradients, on odd geometries: borders, gaps, branches, any rank."""

import itertools
import random

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from thalweg._anatomy import Anatomy


class Then(nn.Module):
    """A function as a module."""

    def __init__(self, function, *inner: nn.Module) -> None:
        super().__init__()
        self.function, self.inner = function, nn.ModuleList(inner)

    def forward(self, inputs):
        return self.function(inputs, *self.inner)


def made_positive(model: nn.Module) -> nn.Module:
    """Return the network with nothing in it that could cancel a gradient."""
    model = model.double().eval()
    for parameter in model.parameters():
        nn.init.uniform_(parameter, 0.5, 1.5)
    return model


def boxes_by_gradient(model: nn.Module, shape, axes) -> dict:
    """Return, for every position of the output, the box of inputs with a gradient."""
    example = torch.rand(1, *shape, dtype=torch.double, requires_grad=True)
    output = model(example)
    places = output[0].sum(0) if output.ndim > 2 else output[0]
    found = {}
    for position in itertools.product(*(range(size) for size in places.shape)):
        (gradient,) = torch.autograd.grad(places[position], example, retain_graph=True)
        touched = gradient[0].nonzero()
        found[position] = (
            tuple((int(touched[:, a].min()), int(touched[:, a].max())) for a in axes)
            if len(touched)
            else None
        )
    return found


def boxes_by_poison(model: nn.Module, shape, axes) -> dict:
    """Return the same by what becomes NaN: a maximum has a gradient at one place only."""
    reached = {}
    for axis in axes:
        for at in range(shape[axis]):
            example = torch.rand(1, *shape, dtype=torch.double)
            example.select(axis + 1, at).fill_(torch.nan)
            output = model(example)[0].isnan().any(0)
            for position in itertools.product(*(range(size) for size in output.shape)):
                if output[position]:
                    reached.setdefault(position, {}).setdefault(axis, []).append(at)
    sizes = model(torch.rand(1, *shape, dtype=torch.double)).shape[2:]
    return {
        position: tuple((min(seen[a]), max(seen[a])) for a in axes)
        if (seen := reached.get(position))
        else None
        for position in itertools.product(*(range(size) for size in sizes))
    }


def check(model: nn.Module, shape, measure=boxes_by_gradient) -> Anatomy:
    """Hold every unit of the last layer to what is measured."""
    whole = Then(lambda inputs, model: model(inputs) * 1, made_positive(model))
    whole.macs = 0  # one row: what comes out
    anatomy = Anatomy(whole, shape)
    assert not anatomy.not_followed
    measured = measure(whole, shape, anatomy.axes)
    assert {at: anatomy.sees("", *at) for at in measured} == measured
    return anatomy


C = nn.Conv2d
BRANCHES = {
    "inception": Then(
        lambda x, a, b, c: torch.cat([a(x), b(x), c(x)], 1),
        C(2, 2, 1),
        C(2, 2, 5, padding=2),
        nn.Sequential(C(2, 2, (1, 7), padding=(0, 3)), C(2, 2, (7, 1), padding=(3, 0))),
    ),
    "residual": Then(lambda x, a: x[:, :, ::2, ::2] + a(x), C(2, 2, 3, 2, 1)),
    "gate": Then(lambda x, a: x * a(x.mean((2, 3), keepdim=True)).sigmoid(), C(2, 2, 1)),
    "own channels": nn.Sequential(
        Then(lambda x, a: torch.cat([x, a(x)], 1), C(2, 2, 3, padding=1)),
        C(4, 4, 3, padding=1, groups=4),
    ),
    "asymmetric padding": Then(lambda x, a: a(F.pad(x, (3, 0, 1, 2))), C(2, 2, 3, 2)),
    "negative padding": Then(lambda x, a: a(F.pad(x, (-2, 1, 0, -3))), C(2, 2, 3)),
    "padding seen by nobody": Then(
        lambda x, a, b: b(a(x)) + a(x), *(C(2, 2, 1, padding=each) for each in (2, 0))
    ),
    "mirrored": C(2, 2, 5, padding=2, padding_mode="reflect"),
    "repeated": C(2, 2, 3, padding=1, padding_mode="replicate"),
    "around": C(2, 2, 3, padding=1, padding_mode="circular"),
    "transposed": nn.ConvTranspose2d(2, 2, 3, stride=2, padding=1, output_padding=1),
    "with gaps": nn.Sequential(nn.ConvTranspose2d(2, 2, 2, stride=4, dilation=2), C(2, 2, 2)),
    "resized": nn.Sequential(
        C(2, 2, 3), nn.Upsample(scale_factor=1.7, mode="bilinear"), C(2, 2, 3)
    ),
    "resized by copies": nn.Sequential(C(2, 2, 3), nn.Upsample((17, 29)), C(2, 2, 2)),
    "resized smoothly": nn.Upsample(scale_factor=0.5, mode="bicubic"),
    "resized without aliases": Then(
        lambda x: F.interpolate(x, size=(3, 5), mode="bilinear", antialias=True)
    ),
    "folded": Then(
        lambda x, a: a(F.fold(F.unfold(x, 3, stride=2), (13, 12), 3, stride=2)), C(2, 2, 2)
    ),
    "adaptive": nn.Sequential(C(2, 2, 3), nn.AdaptiveAvgPool2d((4, 3))),
    "u-net": Then(
        lambda x, down, up, end: end(x[:, :, 1:] + up(down(x))),
        C(2, 2, 2, 2),
        nn.ConvTranspose2d(2, 2, 2, 2),
        C(2, 2, 3, padding=1),
    ),
    "written in place": Then(
        lambda x, a: (lambda y: (y[:, :, 1:, :].add_(a(x)[:, :, :-1]), y)[1])(x.clone()),
        C(2, 2, 3, padding=1),
    ),
    "put into zeros": Then(
        lambda x, a: (lambda y: (y[..., 2:].copy_(a(x)[..., 2:]), a(y))[1])(torch.zeros_like(x)),
        C(2, 2, 3, padding=1),
    ),
    "picked": Then(lambda x, a: a(x[:, :, [3, 1, 7]]), C(2, 2, (2, 3))),
    "picked by position": Then(
        lambda x, a: a(x)[..., torch.arange(3, device=x.device) * 2], C(2, 2, 3)
    ),
    "shuffled": nn.Sequential(
        C(2, 8, 3), nn.PixelShuffle(2), C(2, 2, 3, 1, 1), nn.PixelUnshuffle(2)
    ),
    "flipped": Then(lambda x, a: a(x.flip(-1)) + a(x), C(2, 2, 3, padding=(1, 0))),
    "rolled": Then(lambda x, a: a(x.roll((2, -1), (2, 3))), C(2, 2, 3)),
    "transposed picture": Then(lambda x, a: a(x.mT).mT, C(2, 2, (3, 1))),
    "unfolded": Then(
        lambda x, a: a(F.unfold(x, 3, padding=1, stride=2).unflatten(2, (7, 6))), C(18, 2, 2)
    ),
    "locally normalized": nn.Sequential(C(2, 4, 3), nn.LocalResponseNorm(3)),
    "group normalized": nn.Sequential(C(2, 4, 3), nn.GroupNorm(2, 4)),
    "normalized by rows": nn.Sequential(C(2, 2, 3), nn.LayerNorm(10)),
    "chosen by a mask": Then(
        lambda x, a: torch.where(torch.arange(12, device=x.device) > 7, a(x), x),
        C(2, 2, 3, padding=1),
    ),
    "filled by a mask": Then(
        lambda x, a: a(x.masked_fill(torch.arange(12, device=x.device) % 3 == 1, 1.0)), C(2, 2, 2)
    ),
    "gated by half the channels": nn.Sequential(C(2, 4, 3), nn.GLU(1)),
    "attended to by squeeze and excitation": Then(
        lambda x, a, b: x * b(a(x.mean((2, 3)))).sigmoid()[:, :, None, None],
        nn.Linear(2, 3),
        nn.Linear(3, 2),
    ),
    "cut into windows": Then(
        lambda x, a: a(x[:, :, :12].unflatten(3, (3, 4)).unflatten(2, (3, 4)).mean((2, 4))),
        C(2, 2, 2),
    ),
    "running sums": Then(lambda x, a: a(x.cumsum(-1)), C(2, 2, 3)),
    "a window of patches": Then(lambda x, a: a(x.unfold(2, 3, 2).mean(-1)), C(2, 2, 2)),
}


@pytest.mark.parametrize("name", BRANCHES)
def test_every_unit_sees_what_its_gradient_says(name):
    check(BRANCHES[name], (2, 13, 12))


def attended(x, project, mask=None, is_causal=False):
    query, key, value = project(x).chunk(3, -1)
    return F.scaled_dot_product_attention(query, key, value, mask, is_causal=is_causal)


def by_hand(x, project):
    query, key, value = project(x).chunk(3, -1)
    positions = torch.arange(x.shape[1], device=x.device)
    is_far = (positions[:, None] - positions).abs() > 2
    return (query @ key.mT).masked_fill(is_far, -torch.inf).softmax(-1) @ value


def by_layer(x, layer):
    mask = nn.Transformer.generate_square_subsequent_mask(x.shape[1], x.device, x.dtype)
    return layer(x, x, x, attn_mask=mask)[0]


class Banded(nn.Module):
    """Sees its own place and the one before, by a mask that it keeps."""

    def __init__(self) -> None:
        super().__init__()
        self.project = nn.Linear(4, 12)
        mask = torch.ones(20, 20).tril().triu(-1)
        self.register_buffer("mask", mask.bool())

    def forward(self, x):
        size = x.shape[1]
        return attended(x, self.project, self.mask[:size, :size])


OTHER_RANKS = {
    "a series": (nn.Upsample(scale_factor=1.5, mode="linear"), (2, 9)),
    "a causal series": (
        Then(lambda x, a: a(x)[..., :-4], nn.Conv1d(2, 2, 3, padding=4, dilation=2)),
        (2, 12),
    ),
    "a volume": (nn.Upsample(scale_factor=2, mode="trilinear"), (2, 3, 4, 3)),
    "numbers": (Then(lambda x: x[:, :, None] * x[:, None]), (6,)),
    "steps in time": (Then(lambda x, a: a(x)[0], nn.GRU(3, 4, batch_first=True)), (5, 3)),
}


@pytest.mark.parametrize("name", OTHER_RANKS)
def test_inputs_of_other_ranks_are_followed_too(name):
    model, shape = OTHER_RANKS[name]
    check(model, shape)


MASKED = {
    "by torch's function": Then(lambda x, a: attended(x, a, is_causal=True), nn.Linear(4, 12)),
    "by hand": Then(by_hand, nn.Linear(4, 12)),
    "by a layer": Then(by_layer, nn.MultiheadAttention(4, 2, batch_first=True)),
    "by a buffer": nn.Sequential(Banded(), Banded()),
    "by nothing": Then(attended, nn.Linear(4, 12)),
}


@pytest.mark.parametrize("name", MASKED)
def test_attention_sees_what_its_mask_lets_through(name):
    model = Then(lambda x, model: model(x) * 1, MASKED[name].double().eval())
    model.macs = 0
    anatomy = Anatomy(model, (7, 4))
    assert not anatomy.not_followed
    example = torch.randn(1, 7, 4, dtype=torch.double, requires_grad=True)
    output = model(example)
    for place in range(7):
        (gradient,) = torch.autograd.grad(output[0, place].sum(), example, retain_graph=True)
        touched = gradient[0].abs().amax(1).nonzero()
        assert anatomy.sees("", place, 0) == ((int(touched.min()), int(touched.max())),)


POOLS = {
    "ceil mode": nn.Sequential(C(2, 2, 3), nn.MaxPool2d(3, 2, ceil_mode=True)),
    "dilated": nn.MaxPool2d(3, 1, padding=1, dilation=2),
    "overlapping": nn.Sequential(nn.MaxPool2d((3, 2), (2, 1)), C(2, 2, 3, padding=1)),
    "adaptive": nn.Sequential(C(2, 2, 3), nn.AdaptiveMaxPool2d((4, 3))),
    "mean in ceil mode": nn.AvgPool2d(3, 2, padding=1, ceil_mode=True),
    "in a line": nn.Sequential(nn.Flatten(2), nn.MaxPool1d(5, 3), nn.Unflatten(2, (3, 17))),
}


@pytest.mark.parametrize("name", POOLS)
def test_every_unit_sees_what_reaches_it(name):
    check(POOLS[name], (2, 13, 12), boxes_by_poison)


def a_layer(draw: random.Random, dims: int) -> nn.Module:
    """Return a convolution or a pool of any legal geometry."""
    kinds = {
        1: (nn.Conv1d, nn.AvgPool1d, nn.ConvTranspose1d),
        2: (nn.Conv2d, nn.AvgPool2d, nn.ConvTranspose2d),
        3: (nn.Conv3d, nn.AvgPool3d, nn.ConvTranspose3d),
    }
    convolution, pool, transposed = kinds[dims]
    size = tuple(draw.randint(1, 4) for _ in range(dims))
    stride = tuple(draw.randint(1, 3) for _ in range(dims))
    padding = tuple(draw.randint(0, each // 2) for each in size)
    dilation = tuple(draw.randint(1, 2) for _ in range(dims))
    kind = draw.choice((convolution, convolution, pool, transposed))
    if kind is pool:
        return pool(size, stride, padding, ceil_mode=draw.random() < 0.5)
    if kind is transposed:
        return transposed(2, 2, size, stride, padding, dilation=dilation)
    groups = draw.choice((1, 2))
    wide = tuple(2 * each for each in padding)
    return convolution(2, 2, size, stride, wide, dilation=dilation, groups=groups)


@pytest.mark.parametrize("seed", range(30))
def test_any_stack_of_odd_geometries_sees_what_its_gradient_says(seed):
    draw = random.Random(seed)
    dims = draw.choice((1, 1, 2, 2, 2, 3))
    longest = {1: 29, 2: 13, 3: 7}[dims]
    shape = (2, *(draw.randint(longest // 2, longest) for _ in range(dims)))
    layers: list[nn.Module] = []
    while len(layers) < draw.randint(1, 5):
        layer = a_layer(draw, dims)
        try:
            sizes = nn.Sequential(*layers, layer)(torch.zeros(1, *shape)).shape[2:]
        except RuntimeError:
            continue
        if max(sizes) > 2 * longest:
            break
        layers.append(layer)
    check(nn.Sequential(*layers), shape)
