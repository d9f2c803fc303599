import copy

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.checkpoint import checkpoint
from torch.utils.flop_counter import FlopCounterMode

import thalweg as tw
from thalweg._anatomy import Anatomy, Layer
from thalweg.errors import SettingError, ShapeError
from thalweg.models import build, networks, sketch


class Attention(nn.Module):
    """Attention as users write it: products of its own between layers of torch."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.project = nn.Linear(width, 3 * width)
        self.output = nn.Linear(width, width)

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        query, key, value = self.project(inputs).chunk(3, dim=-1)
        return self.output((query @ key.mT).softmax(dim=-1) @ value)


class Scale(nn.Module):
    """Learns, but multiplies no matrices."""

    def __init__(self) -> None:
        super().__init__()
        self.factor = nn.Parameter(torch.ones(1))

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        return inputs * self.factor


class Product(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(4, 5))

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        return inputs @ self.weight


class First(nn.Module):
    """Gives the first of the outputs of a layer that gives several."""

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        if isinstance(self.layer, nn.MultiheadAttention):
            return self.layer(inputs, inputs, inputs)[0]
        if isinstance(self.layer, nn.Bilinear):
            return self.layer(inputs[..., :3], inputs[..., 3:])
        output = self.layer(inputs)
        return output[0] if isinstance(output, tuple) else output


def counted_by_torch(model: nn.Module, shape: tuple[int, ...]) -> int:
    counter = FlopCounterMode(display=False)
    with counter:  # with gradients: without them torch runs fused kernels it cannot count
        model.eval()(torch.zeros(1, *shape, device=next(model.parameters()).device))
    return counter.get_total_flops() // 2


MODELS = [
    (nn.Conv1d(4, 6, 3, stride=2, padding=1), (4, 11)),
    (nn.Conv2d(4, 8, (3, 5), groups=4, dilation=2), (4, 13, 14)),
    (nn.Conv3d(2, 3, 2), (2, 4, 5, 6)),
    (nn.ConvTranspose1d(4, 6, 3, stride=2), (4, 7)),
    (nn.ConvTranspose2d(4, 8, 3, stride=2, groups=2), (4, 5, 6)),
    (nn.Linear(5, 7), (5,)),
    (nn.Linear(5, 7), (3, 2, 5)),
    (Attention(8), (6, 8)),
    (nn.Sequential(Product(), nn.ReLU(), nn.Linear(5, 2)), (4,)),
    (build("lenet", classes=10, channels=1, size=28), (1, 28, 28)),
    (build("convnet", classes=10, channels=3, size=65), (3, 65, 65)),
    (First(nn.RNN(5, 7, 2, batch_first=True)), (6, 5)),
    (First(nn.GRU(5, 7, bidirectional=True, batch_first=True)), (6, 5)),
    (First(nn.LSTMCell(5, 7)), (5,)),
    (First(nn.MultiheadAttention(8, 2, batch_first=True)), (6, 8)),
]


@pytest.mark.parametrize(("model", "shape"), MODELS, ids=lambda value: type(value).__name__)
def test_macs_agree_with_torch(model, shape):
    anatomy = Anatomy(model, shape)
    assert anatomy.not_priced == []
    assert anatomy.macs == counted_by_torch(model, shape) > 0
    assert anatomy.flops == 2 * anatomy.macs


# oneDNN, whose kernels torch cannot count, says that it leaves projections to others.
@pytest.mark.filterwarnings("ignore:LSTM with projections:UserWarning")
@pytest.mark.parametrize("projection", [0, 3])
def test_an_lstm_multiplies_each_of_its_matrices_once_a_step(projection):
    layer = nn.LSTM(5, 7, 2, bidirectional=True, proj_size=projection, batch_first=True)
    matrices = sum(each.numel() for name, each in layer.named_parameters() if "weight" in name)
    assert Anatomy(First(layer), (6, 5)).macs == 6 * matrices


def test_a_bilinear_layer_sums_over_both_inputs():
    # 4 outputs, each over 3 times (2 products, then one with the first input).
    assert Anatomy(First(nn.Bilinear(3, 2, 4)), (5,)).macs == 4 * 3 * (2 + 1)


@pytest.mark.parametrize("name", networks.names())
def test_every_registered_network_is_priced_to_the_last_layer(name):
    model = sketch(name, outputs=1, channels=3, size=96)
    anatomy = Anatomy(model, (3, 96, 96))
    assert anatomy.not_priced == []
    assert anatomy.not_followed == {}
    assert anatomy.parameters == sum(each.numel() for each in model.parameters())
    assert anatomy.macs == counted_by_torch(model, (3, 96, 96))


def test_the_table_is_that_of_the_course():
    table = Anatomy(build("lenet", classes=10, channels=1, size=32), (1, 32, 32)).layers
    priced = [(each.output_shape, each.parameters, each.macs) for each in table if each.macs]
    assert priced == [
        ((6, 28, 28), 156, 117_600),
        ((16, 10, 10), 2_416, 240_000),
        ((120,), 48_120, 48_000),
        ((84,), 10_164, 10_080),
        ((10,), 850, 840),
    ]


def test_what_cannot_be_priced_is_not_called_free():
    anatomy = Anatomy(nn.Sequential(nn.Linear(4, 4), Scale(), nn.ReLU()), (4,))
    assert [layer.macs for layer in anatomy.layers] == [16, None, 0]
    assert anatomy.not_priced == ["1"]
    assert anatomy.macs == 16


def test_a_module_may_say_itself_what_it_costs():
    model = nn.Sequential(Scale())
    model[0].macs = 4
    assert [layer.macs for layer in Anatomy(model, (4,)).layers] == [4]


def test_products_between_layers_are_a_row_of_their_own():
    table = Anatomy(Attention(8), (6, 8)).layers
    assert [(layer.name, layer.macs) for layer in table] == [
        ("", 2 * 6 * 6 * 8),
        ("project", 6 * 8 * 24),
        ("output", 6 * 8 * 8),
    ]


def test_shared_parameters_count_once_and_shared_layers_cost_each_time():
    layer = nn.Linear(4, 4)
    tied = nn.Linear(4, 4)
    tied.weight = layer.weight
    anatomy = Anatomy(nn.Sequential(layer, nn.ReLU(), layer, tied), (4,))
    assert [each.parameters for each in anatomy.layers] == [20, 0, 4]
    assert [each.macs for each in anatomy.layers] == [32, 0, 16]
    assert tied.weight is layer.weight


def test_a_layer_that_is_not_used_has_no_shape_and_no_cost():
    class Spare(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.used, self.spare = nn.Linear(2, 2), nn.Linear(2, 3)

        def forward(self, inputs: torch.Tensor) -> torch.Tensor:
            return self.used(inputs)

    assert Anatomy(Spare(), (2,)).layers[1] == Layer("spare", "Linear", None, 9, 0)


def test_time_first_layers_show_their_shape_without_the_batch():
    class TimeFirst(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.recurrent = nn.GRU(5, 7)

        def forward(self, inputs: torch.Tensor) -> torch.Tensor:
            return self.recurrent(inputs.transpose(0, 1))[0]

    assert Anatomy(TimeFirst(), (6, 5)).layers[0].output_shape == (6, 7)


def test_the_model_its_modes_and_the_random_state_are_left_alone():
    model = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Dropout(), nn.Linear(4, 2))
    model.train()
    model[1].eval()

    class Counting(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.register_buffer("calls", torch.zeros(()))

        def forward(self, inputs: torch.Tensor) -> torch.Tensor:
            self.calls += 1
            return inputs + torch.rand(1)

    model.append(Counting())
    before, modes = copy.deepcopy(model.state_dict()), [each.training for each in model.modules()]
    state = torch.get_rng_state()
    Anatomy(model, (3,))
    assert all(torch.equal(before[name], each) for name, each in model.state_dict().items())
    assert [each.training for each in model.modules()] == modes
    assert torch.equal(torch.get_rng_state(), state)
    assert not any(each._forward_hooks or each._forward_pre_hooks for each in model.modules())


def test_the_model_is_left_alone_when_the_shape_does_not_fit_too():
    model = nn.Sequential(nn.Linear(3, 4)).train()
    with pytest.raises(ShapeError, match=r"cannot take inputs of shape \(1, 5\)"):
        Anatomy(model, (5,))
    assert model.training
    assert not model[0]._forward_hooks


def test_whole_numbers_are_looked_up_for_nothing():
    model = nn.Sequential(nn.Embedding(10, 4), nn.Linear(4, 2))
    table = Anatomy(model, (6,), dtype=torch.long).layers
    assert [(layer.output_shape, layer.macs) for layer in table] == [((6, 4), 0), ((6, 2), 48)]


def test_lazy_layers_are_refused_before_they_take_a_shape():
    model = nn.Sequential(nn.LazyLinear(3))
    with pytest.raises(ShapeError, match="lazy layers"):
        Anatomy(model, (4,))


class Call(nn.Module):
    """A function of the inputs and of layers, as a module."""

    def __init__(self, function, *layers: nn.Module) -> None:
        super().__init__()
        self.function, self.layers = function, nn.ModuleList(layers)

    def forward(self, *inputs):
        return self.function(*inputs, *self.layers)


def attended(inputs, project, is_causal=False):
    heads = project(inputs).unflatten(-1, (3, 2, 4)).permute(2, 0, 3, 1, 4)
    return F.scaled_dot_product_attention(*heads, is_causal=is_causal)


def test_attention_by_torchs_function_is_two_products_of_the_length_squared():
    # FlopCounterMode leaves out the CPU's kernel for it.
    model = Call(attended, nn.Linear(8, 24))
    assert Anatomy(model, (6, 8)).macs == 6 * 8 * 24 + 2 * 6 * 6 * 8


@pytest.mark.parametrize("extra", [{}, {"add_bias_kv": True, "add_zero_attn": True}])
def test_attention_with_added_keys_attends_to_them_too(extra):
    layer = nn.MultiheadAttention(8, 2, batch_first=True, **extra)
    keys = 6 + len(extra)
    found = Anatomy(Call(lambda x, layer: layer(x, x, x)[0], layer), (6, 8))
    assert found.macs == 3 * 6 * 8 * 8 + 2 * 6 * keys * 8 + 6 * 8 * 8


def test_an_encoder_layer_is_priced_in_evaluation_too_where_torch_runs_it_as_one():
    model = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
    assert Anatomy(model, (6, 8)).macs == 6 * 8 * (4 * 8 + 2 * 16) + 2 * 6 * 6 * 8


FUNCTIONS = {
    "convolution": lambda x, layer: F.conv1d(input=x, weight=layer.weight, padding=1),
    "einsum": lambda x, layer: torch.einsum("btf,bsf->bts", x, x),
    "matmul": lambda x, layer: x @ x.mT,
    "in inference mode": lambda x, layer: torch.inference_mode()(layer)(x),
    "checkpointed": lambda x, layer: checkpoint(layer, x, use_reentrant=False),
    "positions added": lambda x, layer: layer(x + torch.arange(8, device=x.device)),
    "a dictionary": lambda x, layer: {"given": x, "found": layer(x)},
    "twice": lambda x, layer: layer(layer(x) @ torch.ones(8, 8)),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_products_are_counted_wherever_they_are_called(name):
    model = Call(FUNCTIONS[name], nn.Conv1d(6, 6, 3, padding=1))
    anatomy = Anatomy(model, (6, 8))
    assert anatomy.macs == counted_by_torch(model, (6, 8)) > 0
    assert not anatomy.not_priced
    assert not anatomy.not_followed


UNKNOWN = {
    "_fft_r2c": lambda x: torch.fft.fft(x).real,
    "_cdist_forward": lambda x: torch.cdist(x, x),
    "numbers computed outside torch": lambda x: torch.from_numpy(np.sin(x.detach().numpy())),
}


@pytest.mark.parametrize("operation", UNKNOWN)
def test_what_nobody_can_price_or_follow_is_named(operation):
    model = nn.Sequential(nn.Linear(8, 8), Call(UNKNOWN[operation]), nn.ReLU())
    anatomy = Anatomy(model, (8, 8))
    assert anatomy.not_priced == ["1"]
    assert anatomy.layer("1").not_priced == (operation,)
    assert anatomy.layer("1").macs is None
    assert anatomy.macs == 8 * 8 * 8
    assert anatomy.not_followed == {"1": operation, "2": operation}
    assert anatomy.layer("2").receptive_field is None
    assert "not priced   1" in str(anatomy)
    with pytest.raises(ShapeError, match=operation):
        anatomy.sees("2", 0, 0)


def test_a_network_that_looks_at_numbers_gets_some():
    model = Call(lambda x, one, two: one(x) if x.sum().item() <= 0 else two(x))
    model.layers.extend([nn.Linear(8, 3), nn.Linear(8, 5)])
    assert Anatomy(model, (8,)).macs == 8 * 3
    assert Anatomy(model, torch.ones(4, 8)).macs == 8 * 5


def test_several_inputs_are_shapes_or_tensors():
    model = Call(lambda a, b, layer: layer(a) + b, nn.Linear(8, 3))
    for given in (((6, 8), (6, 3)), (torch.zeros(2, 6, 8), torch.zeros(2, 6, 3))):
        found = Anatomy(model, given)
        assert found.macs == 6 * 8 * 3
        assert [tuple(each.shape) for each in found.inputs] == [(1, 6, 8), (1, 6, 3)]


def test_a_table_of_words_takes_whole_numbers():
    model = nn.Sequential(nn.Embedding(10, 4), nn.Linear(4, 2))
    for given in ((6,), torch.zeros(3, 6, dtype=torch.long)):
        assert [layer.output_shape for layer in Anatomy(model, given).layers] == [(6, 4), (6, 2)]


def test_normalized_weights_are_followed():
    model = nn.utils.parametrizations.weight_norm(nn.Conv1d(6, 4, 3))
    before = {name: each.clone() for name, each in model.state_dict().items()}
    assert Anatomy(model, (6, 8)).macs == 4 * 6 * 6 * 3
    assert all(torch.equal(before[name], each) for name, each in model.state_dict().items())


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_compiled_network_is_the_one_inside():
    assert Anatomy(torch.compile(nn.Sequential(nn.Linear(8, 3))), (8,)).layers[0].name == "0"


def test_the_table_has_a_line_per_layer_and_the_totals():
    lines = str(Anatomy(nn.Sequential(nn.Conv2d(1, 6, 5), nn.ReLU()), (1, 32, 32))).splitlines()
    assert lines[0].split() == [
        "name",
        "kind",
        "output",
        "shape",
        "parameters",
        "MACs",
        "memory",
        "field",
    ]
    assert lines[1].split() == ["0", "Conv2d", "6×28×28", "156", "117,600", "18.4", "KiB", "5×5"]
    assert lines[2].split() == ["1", "ReLU", "6×28×28", "–", "–", "18.4", "KiB", "5×5"]
    assert "MACs         117,600 for one example" in lines
    assert max(map(len, lines)) < 80


@pytest.mark.parametrize(
    "wrong", [None, "big", (0, 3), (-1,), (2.5, 3), True, (10**9, 10**9), torch.tensor(3.0)]
)
def test_an_input_that_is_none_is_refused(wrong):
    with pytest.raises(SettingError, match="example"):
        tw.anatomy(nn.Linear(3, 3), wrong)


def test_a_wrong_number_of_channels_is_said_in_a_line():
    with pytest.raises(ShapeError, match="to have 3 channels, but got 1 channels instead") as told:
        tw.anatomy(nn.Conv2d(3, 8, 3), (1, 32, 32))
    assert "\n" not in str(told.value)


def test_data_and_runs_bring_their_shape():
    data = tw.load("iris")
    assert tw.anatomy(nn.Linear(4, 3), data).macs == 12


def test_options_are_for_networks_by_name():
    with pytest.raises(SettingError, match="built already"):
        tw.anatomy(nn.Linear(4, 3), (4,), hidden=3)
