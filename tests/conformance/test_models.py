"""Every network keeps every promise; each check fails on a network that breaks its own."""

import os
import threading

import pytest
import torch
import torch.nn.functional as F
from torch import nn

import thalweg as tw
from thalweg.conformance.models import MODEL
from thalweg.errors import SettingError, ShapeError
from thalweg.models import networks
from thalweg.models._registry import Recipe

IMAGES_ONLY = ("lenet", "lenet_caffe", "convnet")
# Of each family of large networks the smallest stands for all, on images of this side.
LARGE = {
    "googlenet": 32,
    "googlenet_3x3": 24,
    "resnet18": 12,
    "mobilenet_v2": 32,
}
BY_NUMBERS = ("linear", "logistic", "perceptron", "mlp", "residual_mlp", "highway")
NAMES = (*BY_NUMBERS, *IMAGES_ONLY, *LARGE)
OPTIONS = {
    "mlp": {"hidden": [16, 8], "dropout": 0.2, "normalization": "batch"},
    "convnet": {"widths": [4, 8], "dropout": 0.2},
}


def test_no_small_network_is_forgotten():
    large = [name for name in networks.names() if name not in NAMES]
    families = ("alexnet", "zfnet", "vgg", "googlenet", "inception", "resnet", "mobilenet")
    assert all(name.startswith(families) for name in large)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("options", ["as it is", "with options"])
def test_every_network_keeps_every_promise(name, options):
    if options == "with options" and name not in OPTIONS:
        pytest.skip("it has none")
    shape = (5,) if name in BY_NUMBERS else (2, LARGE.get(name, 12), LARGE.get(name, 11))
    chosen = OPTIONS[name] if options == "with options" else {}
    network = Recipe(name, shape, 1 if name == "perceptron" else 3, 0, chosen).build()
    report = tw.check_model(network, torch.randn(8, *shape))
    assert report.passed, report


@pytest.mark.parametrize(
    ("name", "data"),
    [("linear", "iris"), ("mlp", "diabetes"), ("perceptron", "moons"), ("mlp", "breast-cancer")]
    + [(name, "digits") for name in IMAGES_ONLY],
)
def test_every_network_suits_its_data_and_the_doctor_finds_nothing(name, data):
    report = tw.check_model(name, data)
    assert report.passed, report
    assert report["output-suits-task"].outcome == report["doctor"].outcome == "passed"


# Compiling nine modules of four branches takes a minute; one network of them is enough.
@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in NAMES if name != "googlenet"])
def test_every_network_can_be_compiled_and_exported(name, unchecked):
    side = LARGE.get(name, 12)
    network = Recipe(name, (1, side, side), 1 if name == "perceptron" else 3, 0, {}).build()
    report = tw.check_model(network, torch.randn(8, 1, side, side), thorough=True)
    assert report.passed, report
    assert report["exported"].outcome == "passed"


class Sound(nn.Module):
    """A network that keeps every promise, to be spoilt in one way."""

    def __init__(self):
        super().__init__()
        self.first, self.last = nn.Linear(4, 16), nn.Linear(16, 3)

    def forward(self, x):
        return self.last(torch.tanh(self.first(x)))


class Embedding(nn.Module):
    """A language model with tied weights, whose inputs are whole numbers."""

    def __init__(self):
        super().__init__()
        self.tokens, self.last = nn.Embedding(20, 8), nn.Linear(8, 20, bias=False)
        self.mixing = nn.LSTM(8, 8, batch_first=True)
        self.last.weight = self.tokens.weight

    def forward(self, x):
        return self.last(self.mixing(self.tokens(x))[0])


class Helped(Sound):
    """A network with an auxiliary head."""

    def __init__(self):
        super().__init__()
        self.head = nn.Linear(4, 3)

    def forward(self, x):
        main = super().forward(x)
        return tw.nn.Auxiliary(main, (self.head(x),)) if self.training else main


def test_the_sound_one_is():
    assert tw.check_model(Sound(), torch.randn(8, 4)).passed


def test_one_with_auxiliary_heads_is_too_and_the_doctor_takes_the_loss_of_training(three_classes):
    report = tw.check_model(Helped(), three_classes)
    assert report.passed, report
    assert report["doctor"].outcome == "passed"


def test_whole_numbers_sequences_and_tied_weights_are_examined_too():
    report = tw.check_model(Embedding(), torch.randint(20, (8, 6)))
    assert report.passed, report
    assert report["tied-weights"].outcome == "passed"
    assert report["double"].outcome == "not applicable"


def test_a_lazy_network_is_examined_with_the_shapes_that_it_takes():
    network = nn.Sequential(nn.LazyLinear(8), nn.Tanh(), nn.LazyLinear(3))
    report = tw.check_model(network, torch.randn(8, 4))
    assert report.passed, report
    assert nn.parameter.is_lazy(network[0].weight)


# Each is wrong in the way of its name; what follows from that is not counted.
WRONG: dict[str, type[nn.Module] | nn.Module] = {}
INPUTS = {"channels-last": torch.randn(8, 2, 6, 6), "tied-weights": torch.randint(20, (8, 6))}
FOR_DATA = ("output-suits-task", "doctor")


def wrong(name):
    def file(kind):
        WRONG[name] = kind
        return kind

    return file


@wrong("copies")
class HoldsALock(Sound):
    def __init__(self):
        super().__init__()
        self.lock = threading.Lock()


@wrong("runs")
class GivesTwo(Sound):
    def forward(self, x):
        return super().forward(x), x


@wrong("modes")
class ReturnsNothing(Sound):
    def train(self, mode=True):
        super().train(mode)


@wrong("trains")
class NarrowerWhileTraining(Sound):
    def forward(self, x):
        return super().forward(x)[:, : 2 if self.training else 3]


@wrong("batch-of-one")
class Squeezes(Sound):
    def forward(self, x):
        return super().forward(x).squeeze()


@wrong("last-batch")
class CountsOnEight(Sound):
    def forward(self, x):
        return super().forward(x.reshape(8, 4) if self.training else x)


@wrong("examples-apart")
class TakesTheMean(Sound):
    def forward(self, x):
        return super().forward(x - x.mean(0))


@wrong("order")
class CountsTheRows(Sound):
    def forward(self, x):
        return super().forward(x) + torch.arange(len(x)).to(x)[:, None]


@wrong("inputs-untouched")
class WorksInPlace(Sound):
    def forward(self, x):
        return super().forward(F.relu_(x))


@wrong("strided-inputs")
class Views(Sound):
    def forward(self, x):
        return super().forward(x.view(-1).view(len(x), 4))


@wrong("channels-last")
class ReadsTheStorage(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.last = nn.Conv2d(2, 3, 3), nn.Linear(48, 3)

    def forward(self, x):
        x = self.first(x)
        return self.last(x.as_strided((len(x), 48), (48, 1)))


@wrong("evaluation-repeats")
class AlwaysDrops(Sound):
    def forward(self, x):
        return super().forward(F.dropout(x, 0.5, training=True))


@wrong("calls-apart")
class Remembers(Sound):
    last_sum = None

    def forward(self, x):
        before, self.last_sum = self.last_sum, float(x.sum()) if not x.is_meta else 0.0
        return super().forward(x) + (self.last_sum if before is None else before)


@wrong("outputs-stay")
class FillsOneBuffer(Sound):
    def forward(self, x):
        output = super().forward(x)
        if torch.is_grad_enabled() or self.training:
            return output
        if getattr(self, "kept", None) is None or self.kept.shape != output.shape:
            self.kept = output.clone()
        return self.kept.copy_(output)


@wrong("keeps-buffers")
class CountsCalls(Sound):
    def __init__(self):
        super().__init__()
        self.register_buffer("calls", torch.zeros(()))

    def forward(self, x):
        self.calls += 1
        return super().forward(x)


@wrong("leaves-the-world-alone")
class Seeds(Sound):
    def forward(self, x):
        torch.manual_seed(0)
        return super().forward(x)


@wrong("without-gradients")
class AsksForGradients(Sound):
    def forward(self, x):
        return super().forward(x if torch.is_grad_enabled() else 2 * x)


@wrong("registered")
class KeepsALayerInAList(Sound):
    def __init__(self):
        super().__init__()
        self.layers = [nn.Linear(4, 4)]

    def forward(self, x):
        return super().forward(self.layers[0](x))


@wrong("state-dict")
class CountsSteps(Sound):
    steps = 0

    def forward(self, x):
        self.steps += self.training
        return super().forward(x) * (1 + self.steps)


class TiedFromOutside(Embedding):
    def __init__(self):
        super().__init__()
        self.last.weight = nn.Parameter(self.last.weight.detach().clone())

    def __deepcopy__(self, memo):
        double = type(self)()
        double.load_state_dict(self.state_dict())
        return double


WRONG["tied-weights"] = TiedFromOutside()
WRONG["tied-weights"].last.weight = WRONG["tied-weights"].tokens.weight


@wrong("stays-on-device")
class MakesTensorsOnTheCPU(Sound):
    def forward(self, x):
        return super().forward(x + torch.ones(4, dtype=x.dtype))


@wrong("gradients")
class LeavesALayerOut(Sound):
    def __init__(self):
        super().__init__()
        self.unused = nn.Linear(3, 3)


class Doubled(torch.autograd.Function):
    @staticmethod
    def forward(context, x):
        return x.clone()

    @staticmethod
    def backward(context, gradient):
        return 2 * gradient


@wrong("gradient-is-the-slope")
class HasAWrongBackward(Sound):
    def forward(self, x):
        return self.last(Doubled.apply(torch.tanh(self.first(x))))


@wrong("same-seed-same-step")
class DrawsFromTheSystem(Sound):
    def forward(self, x):
        if not self.training:
            return super().forward(x)
        drawn = torch.tensor(list(os.urandom(x.numel())), dtype=x.dtype).view(x.shape)
        return super().forward(x + drawn / 255)


@wrong("pieces-add-up")
class CentresTheBatch(Sound):
    def forward(self, x):
        return super().forward(x - x.mean(0) if self.training else x)


@wrong("double")
class ComputesInSingle(Sound):
    def forward(self, x):
        return super().forward(x.float())


@wrong("half")
class NeedsManyDigits(Sound):
    def forward(self, x):
        return super().forward((x + 1000) - 1000)


@wrong("autocast")
class AddsByIndex(Sound):
    def forward(self, x):
        rows = torch.arange(len(x), device=x.device)
        return torch.zeros(len(x), 3).to(x).index_add(0, rows, super().forward(x))


@wrong("output-suits-task")
class GivesTooMany(Sound):
    def forward(self, x):
        return torch.cat([super().forward(x)] * 2, dim=1)


@wrong("doctor")
class EndsInSoftmax(Sound):
    def forward(self, x):
        return super().forward(x).softmax(dim=1)


@wrong("compiled")
class KnowsThatItIsCompiled(Sound):
    def forward(self, x):
        return super().forward(2 * x if torch.compiler.is_compiling() else x)


@wrong("exported")
class Branches(Sound):
    def forward(self, x):
        return super().forward(x if x.is_meta or x.sum() > 0 else 2 * x)


def test_there_is_a_wrong_network_for_every_check():
    assert set(WRONG) == set(MODEL.names())


def report_on(name: str, thorough: bool = False) -> tw.conformance.Conformance:
    kind = WRONG[name]
    network = kind if isinstance(kind, nn.Module) else kind()
    given = INPUTS.get(name, torch.randn(8, 4, generator=torch.Generator().manual_seed(0)))
    data = tw.load("iris") if name in FOR_DATA else given
    return tw.check_model(network, data, thorough=thorough)


@pytest.mark.parametrize("name", [name for name in WRONG if name not in ("compiled", "exported")])
def test_a_check_fails_on_a_network_that_breaks_its_promise(name):
    torch.manual_seed(0)
    report = report_on(name)
    assert report[name].outcome == "failed", report
    assert report[name].came
    assert report[name].remedy


@pytest.mark.slow
@pytest.mark.parametrize("name", ["compiled", "exported"])
def test_a_slow_check_fails_on_a_network_that_breaks_its_promise(name, unchecked):
    torch.manual_seed(0)
    assert report_on(name, thorough=True)[name].outcome == "failed"


def test_a_tensor_that_is_no_buffer_is_named_by_its_place():
    network = nn.Sequential(Sound())
    network[0].table = {"scales": [torch.ones(4)]}
    came = tw.check_model(network, torch.randn(8, 4))["registered"].came
    assert came == "'0.table' holds a tensor that is not."


def test_the_parameter_with_the_wrong_slope_is_named():
    came = report_on("gradient-is-the-slope")["gradient-is-the-slope"].came
    assert "'first." in came or "inputs" in came


def test_a_network_that_cannot_run_is_told_once_and_no_more():
    report = tw.check_model(nn.Linear(5, 3), torch.randn(8, 4))
    assert [each.name for each in report.failures] == ["runs"]
    assert "RuntimeError" in report["runs"].came


def test_nothing_of_the_network_or_the_world_changes():
    network = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Dropout(0.5), nn.Linear(8, 3))
    network.train()
    network[1].eval()
    network(torch.randn(6, 4)).sum().backward()
    inputs = torch.randn(8, 4)
    kept = inputs.clone()
    state = {name: value.clone() for name, value in network.state_dict().items()}
    gradients = [each.grad.clone() for each in network.parameters()]
    modes = [each.training for each in network.modules()]
    drawn = torch.get_rng_state()
    assert tw.check_model(network, inputs, thorough=False).passed
    assert torch.equal(inputs, kept)
    assert torch.equal(torch.get_rng_state(), drawn)
    assert modes == [each.training for each in network.modules()]
    assert all(torch.equal(value, state[name]) for name, value in network.state_dict().items())
    now = [each.grad for each in network.parameters()]
    assert all(map(torch.equal, now, gradients))
    assert torch.is_grad_enabled()


def test_it_works_where_the_caller_has_switched_gradients_off():
    with torch.no_grad():
        assert tw.check_model(Sound(), torch.randn(8, 4)).passed


def test_an_expected_failure_says_why():
    reason = "it compares the examples of a batch, which is its purpose"
    report = tw.check_model(
        TakesTheMean(),
        torch.randn(8, 4),
        expected_failures={"examples-apart": reason, "pieces-add-up": reason},
    )
    assert report.passed, report
    assert report["examples-apart"].came == reason


@pytest.mark.parametrize(
    ("model", "data", "error", "message"),
    [
        ("mlp", torch.randn(8, 4), SettingError, "by name needs data"),
        (Sound(), torch.randn(1, 4), ShapeError, "at least two examples"),
        (Sound(), torch.tensor(1.0), ShapeError, "at least two examples"),
    ],
)
def test_what_cannot_be_examined_is_told(model, data, error, message):
    with pytest.raises(error, match=message):
        tw.check_model(model, data)
