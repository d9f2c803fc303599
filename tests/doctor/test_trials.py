"""Experiments on copies: what they find, and that the loop's own things stay as they are."""

import random

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import thalweg as tw
from thalweg._core import seeds
from thalweg.doctor.record import Record
from thalweg.doctor.trials import _specimen
from thalweg.doctor.trials._ahead import sees_ahead
from thalweg.doctor.trials._memory import memory
from thalweg.doctor.trials._mixing import mixing
from thalweg.doctor.trials._on_copies import try_on_copies


class Does(nn.Module):
    """A network that does what a function says to the output of its layers."""

    def __init__(self, function, *layers: nn.Module) -> None:
        super().__init__()
        self.layers = nn.Sequential(*layers)
        self.function = function
        self.draw = np.random.default_rng(0)

    def forward(self, inputs: Tensor, *rest, **named) -> Tensor:
        return self.function(self, self.layers(inputs))


@pytest.fixture(autouse=True)
def _seeded():
    torch.manual_seed(0)


def examples(*shape: int) -> tuple[tuple[Tensor, ...], dict]:
    return (torch.randn(*shape),), {}


def plain(*after: nn.Module) -> nn.Sequential:
    return nn.Sequential(nn.Linear(6, 8), nn.Tanh(), *after, nn.Linear(8, 3))


def over_the_batch(model, values):
    return values * values.softmax(0)


def tell(model: nn.Module, given, trial) -> float:
    """Return what a trial finds, where it finds anything."""
    found = trial(model, given)
    assert found is not None
    return found


# Mixing


def test_examples_of_a_plain_network_are_their_own():
    assert tell(plain(), examples(8, 6), mixing) < 1e-5


def test_a_table_may_be_square():
    assert tell(plain(), examples(6, 6), mixing) < 1e-5


def test_examples_that_share_a_softmax_mix():
    assert tell(Does(over_the_batch, plain()), examples(8, 6), mixing) > 0.01


def test_a_view_across_the_batch_mixes():
    wrong = Does(lambda model, values: values.view(3, -1).T, plain())
    assert tell(wrong, examples(8, 6), mixing) > 0.1


def test_batch_normalization_does_not_mix_in_evaluation():
    assert tell(plain(nn.BatchNorm1d(8)).train(), examples(8, 6), mixing) < 1e-5


def test_noise_of_the_global_generators_is_the_same_each_time():
    def noisy(model, values):
        return values + torch.rand_like(values) + random.random() + np.random.rand()

    assert tell(Does(noisy, plain()), examples(8, 6), mixing) < 1e-5


def test_a_network_with_noise_of_its_own_is_not_told_to_mix():
    noisy = Does(lambda model, values: values + model.draw.normal(), plain())
    assert mixing(noisy, examples(8, 6)) is None


def test_where_the_axis_of_examples_is_unknown_mixing_is_too():
    summed = Does(lambda model, values: values.mean(0), plain())
    assert mixing(summed, examples(8, 6)) is None
    scalar = Does(lambda model, values: values.sum(), plain())
    assert mixing(scalar, examples(8, 6)) is None
    # Of sequences, either axis may count time.
    assert mixing(plain(), examples(8, 5, 6)) is None


def test_a_sequence_with_one_answer_tells_which_axis_counts_the_examples():
    last = Does(lambda model, values: values[:, -1], plain())
    assert tell(last, examples(8, 5, 6), mixing) < 1e-5
    over_time = Does(lambda model, values: over_the_batch(model, values)[:, -1], plain())
    assert tell(over_time, examples(8, 5, 6), mixing) > 0.01
    assert mixing(last, examples(5, 5, 6)) is None


def test_symbols_are_sequences():
    last = Does(lambda model, values: values[:, -1], nn.Embedding(9, 4))
    assert tell(last, ((torch.arange(40).view(8, 5) % 9,), {}), mixing) < 1e-5
    assert mixing(last, ((torch.arange(25).view(5, 5) % 9,), {})) is None


@pytest.mark.parametrize(
    "given",
    [
        ((), {"inputs": torch.randn(8, 6)}),
        ((torch.randn(6),), {}),
        ((torch.randn(2, 6),), {}),
        ((torch.ones(8, 6),), {}),
    ],
    ids=["named", "one example", "two examples", "equal examples"],
)
def test_too_little_to_replace_tells_nothing(given):
    assert mixing(plain(), given) is None


def test_a_row_of_symbols_may_be_one_sequence():
    assert mixing(nn.Embedding(9, 3), ((torch.arange(8),), {})) is None


def test_answers_that_are_all_the_same_tell_nothing():
    flat = Does(lambda model, values: values * 0, plain())
    assert mixing(flat, examples(8, 6)) is None


# Memory


def recurrent(batch_first: bool = True, size: float = 1.0) -> nn.Module:
    """Return a recurrent network that answers with its last state.

    Args:
        batch_first: Whether time comes second.
        size: By which the weights from state to state are scaled.
    """
    layer = nn.RNN(6, 16, batch_first=batch_first)
    layer.get_parameter("weight_hh_l0").data.mul_(size)
    return Does(lambda model, values: values[0].movedim(int(batch_first), 0)[-1], layer)


@pytest.mark.parametrize(("batch_first", "shape"), [(True, (4, 48, 6)), (False, (48, 4, 6))])
def test_small_recurrent_weights_forget(batch_first, shape):
    assert tell(recurrent(batch_first, 0.1), examples(*shape), memory) < 1e-6


@pytest.mark.parametrize(("batch_first", "shape"), [(True, (4, 48, 6)), (False, (48, 4, 6))])
def test_recurrent_weights_of_length_one_remember(batch_first, shape):
    layer = nn.RNN(6, 16, nonlinearity="relu", batch_first=batch_first)
    nn.init.eye_(layer.get_parameter("weight_hh_l0"))
    last = Does(lambda model, values: values[0].movedim(int(batch_first), 0)[-1], layer)
    assert tell(last, examples(*shape), memory) > 0.1


def test_a_mean_over_all_states_remembers():
    layer = nn.RNN(6, 16, batch_first=True)
    mean = Does(lambda model, values: values[0].mean(1), layer)
    assert tell(mean, examples(4, 48, 6), memory) > 0.1


@pytest.mark.parametrize(("time", "is_early"), [(5, True), (6, False)])
def test_early_is_the_first_eighth(time, is_early):
    layer = nn.RNN(6, 16, batch_first=True)
    layer.get_parameter("weight_hh_l0").data.zero_()
    glimpse = Does(lambda model, values: values[0][:, time], layer)
    assert tell(glimpse, examples(4, 48, 6), memory) == float(is_early)


def test_a_layer_that_is_called_twice_is_followed_from_its_first_call():
    layer = nn.RNN(6, 6, batch_first=True)
    twice = Does(lambda model, values: model.layers(values[0])[0].mean(1), layer)
    assert tell(twice, examples(4, 48, 6), memory) > 0.1


def test_one_sequence_without_a_batch_tells_nothing():
    assert memory(nn.RNN(6, 8), examples(48, 6)) is None


def test_symbols_are_followed_from_where_they_become_numbers():
    layers = nn.Embedding(9, 6), nn.GRU(6, 8, batch_first=True)
    last = Does(lambda model, values: values[0][:, -1], *layers)
    assert 0 < tell(last, ((torch.arange(192).view(4, 48) % 9,), {}), memory) < 0.1


def test_there_is_no_memory_without_a_recurrent_layer_or_a_long_sequence():
    assert memory(plain(), examples(4, 48, 6)) is None
    assert memory(recurrent(), examples(4, 19, 6)) is None
    assert memory(recurrent(), examples(4, 20, 6)) is not None


def test_an_answer_that_no_gradient_comes_from_tells_nothing():
    cut = Does(lambda model, values: values[0].detach(), nn.RNN(6, 8, batch_first=True))
    assert memory(cut, examples(4, 48, 6)) is None
    unused = Does(lambda model, values: values, nn.Linear(6, 2))
    unused.spare = nn.RNN(2, 2)
    assert memory(unused, examples(4, 48, 6)) is None


# Ahead


def text(*shape: int) -> tuple[tuple[Tensor], dict]:
    return (torch.randint(9, shape),), {}


def to_the_end(model, values):
    return values + values.mean(1, keepdim=True)


def so_far(model, values):
    return values.cumsum(1)


def test_a_network_that_reads_to_the_end_sees_ahead():
    found = sees_ahead(Does(to_the_end, nn.Embedding(9, 4)), text(4, 12), 1)
    assert found is not None
    assert found > 0.05


def test_a_network_that_reads_up_to_the_present_does_not_see_ahead():
    assert sees_ahead(Does(so_far, nn.Embedding(9, 4)), text(4, 12), 1) == 0


def test_the_axis_of_time_may_come_first():
    model = Does(to_the_end, nn.Embedding(9, 4))  # Along the batch, here.
    given = text(12, 4)
    assert sees_ahead(Does(so_far, nn.Embedding(9, 4)), given, 0) == 0
    assert sees_ahead(model, given, 0) == 0
    ahead = Does(lambda model, values: values + values.mean(0), nn.Embedding(9, 4))
    found = sees_ahead(ahead, given, 0)
    assert found is not None
    assert found > 0.05


def test_answers_in_one_long_row_are_told_apart():
    flat = Does(lambda model, values: to_the_end(model, values).flatten(0, 1), nn.Embedding(9, 4))
    found = sees_ahead(flat, text(4, 12), 1)
    assert found is not None
    assert found > 0.05


def test_a_last_symbol_that_is_the_first_is_replaced_too():
    inputs = torch.randint(9, (4, 12))
    inputs[:, -1], inputs[0, 0], inputs[1, 1] = 3, 3, 8
    assert sees_ahead(Does(to_the_end, nn.Embedding(9, 4)), ((inputs,), {}), 1)


@pytest.mark.parametrize(
    "given",
    [
        ((), {"inputs": torch.zeros(4, 12, dtype=torch.long)}),
        ((torch.zeros(4, dtype=torch.long),), {}),
        ((torch.zeros(4, 12, dtype=torch.long),), {}),
    ],
    ids=["named", "no time", "one symbol only"],
)
def test_too_little_text_tells_nothing(given):
    assert sees_ahead(Does(so_far, nn.Embedding(9, 4)), given, 1) is None


def test_answers_without_time_tell_nothing():
    last = Does(lambda model, values: values[:, -1], nn.Embedding(9, 4))
    assert sees_ahead(last, text(4, 12), 1) is None
    # As many numbers as symbols, and yet no answer by time.
    turned = Does(lambda model, values: values.transpose(0, 1), nn.Embedding(9, 4))
    assert sees_ahead(turned, text(4, 12), 1) is None
    flat = Does(lambda model, values: values * 0, nn.Embedding(9, 4))
    assert sees_ahead(flat, text(4, 12), 1) is None


# All of them


def test_what_the_trials_find_is_written_down():
    record = Record()
    try_on_copies(record, Does(over_the_batch, plain()), examples(8, 6), None)
    assert record.trials["batch-mixing"] > 0.01
    assert set(record.trials) == {"batch-mixing"}
    assert not record.limits


def test_only_a_text_that_is_to_be_continued_is_tried_for_what_lies_ahead():
    model, given = Does(to_the_end, nn.Embedding(9, 4)), text(4, 12)
    without, along = Record(), Record()
    try_on_copies(without, model, given, None)
    try_on_copies(along, model, given, 1)
    assert "leakage" not in without.trials
    assert along.trials["leakage"] > 0.05


def test_a_network_that_refuses_is_noted_and_the_other_trials_go_on():
    def refuse(model, values):
        if not torch.is_grad_enabled():
            raise ValueError("not apart from my loop\nsecond line")
        return values[0][:, -1]

    record = Record()
    model = Does(refuse, nn.RNN(6, 8, batch_first=True))
    try_on_copies(record, model, examples(4, 48, 6), None)
    assert record.limits == {"trials": "a copy of the network failed: not apart from my loop"}
    assert set(record.trials) == {"vanishing-gradient"}


def test_the_loop_finds_its_network_and_its_random_numbers_as_they_were():
    layers = nn.Embedding(9, 6), nn.RNN(6, 8, batch_first=True)
    model = Does(lambda model, values: model.head(values[0] + torch.rand(1)), *layers)
    model.head = nn.Sequential(nn.Flatten(0, 1), nn.BatchNorm1d(8), nn.Dropout(0.5))
    model.train()
    layers[1].eval()
    given = text(4, 48)
    calls, modes = [], [each.training for each in model.modules()]
    model.register_forward_pre_hook(lambda *_: calls.append("before"))
    model.register_forward_hook(lambda *_: calls.append("after"))
    before = {name: each.clone() for name, each in model.state_dict().items()}
    symbols, drawn = given[0][0].clone(), torch.get_rng_state()
    numpy = seeds.state()[1]["numpy"]
    record = Record()
    try_on_copies(record, model, given, 1)
    assert set(record.trials) == {"vanishing-gradient", "leakage"}
    assert all(each.equal(before[name]) for name, each in model.state_dict().items())
    assert all(each.grad is None and each.requires_grad for each in model.parameters())
    assert [each.training for each in model.modules()] == modes
    assert given[0][0].equal(symbols)
    assert not calls
    assert torch.get_rng_state().equal(drawn)
    # Python's own generator cannot be looked at here: the types checked in tests draw from it.
    assert seeds.state()[1]["numpy"] == numpy
    assert model.draw.bit_generator.state == np.random.default_rng(0).bit_generator.state


def test_a_network_too_large_to_copy_is_noted(monkeypatch):
    monkeypatch.setattr(_specimen, "MOST_PARAMETERS", 3)
    record = Record()
    try_on_copies(record, nn.Linear(4, 4), ((torch.randn(8, 4),), {}), None)
    assert not record.trials
    assert "too large" in record.limits["trials"]


def test_trials_end_when_their_time_is_up(monkeypatch):
    monkeypatch.setattr(_specimen, "MOST_SECONDS", 0.0)
    model = nn.Linear(4, 2)
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-6)
    x = torch.randn(8, 4)
    y = x[:, 0] > 0
    with tw.watch(model, optimizer, trials=True) as doctor:
        for _ in range(150):
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(x), y.long()).backward()
            optimizer.step()
    [finding] = doctor.diagnosis.findings
    assert (finding.fault, finding.confirmed) == ("lr-too-low", None)
