"""Operations that are not torch's own, and modules that are not what they are derived from."""

import pytest
import torch
from torch import nn

from thalweg._anatomy import Anatomy


@torch.library.custom_op("strangers::mm", mutates_args=())
def product(first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
    """An operation of another library, under the name of one of torch's."""
    return first @ second


@product.register_fake
def _(first, second):
    return first.new_empty(*first.shape[:-1], second.shape[-1])


class Call(nn.Module):
    def __init__(self, function) -> None:
        super().__init__()
        self.function = function

    def forward(self, inputs):
        return self.function(inputs)


def test_an_operation_of_another_library_is_named_with_its_library():
    model = Call(lambda inputs: torch.ops.strangers.mm(inputs, inputs.mT))
    found = Anatomy(model, (3, 5))
    assert found.layers[0].macs is None
    assert found.layers[0].not_priced == ("strangers::mm",)
    assert found.not_followed == {"": "strangers::mm"}


class Spectrum(nn.Dropout):
    def forward(self, input):  # noqa: A002
        return torch.fft.fft(input).real


class Chain(nn.Sequential):
    def forward(self, input):  # noqa: A002
        return super().forward(torch.fft.fft(input).real)


@pytest.mark.parametrize(("model", "macs"), [(Spectrum(), 0), (Chain(nn.Linear(5, 4)), 3 * 5 * 4)])
def test_what_is_derived_from_a_layer_without_cost_is_not_free_for_that(model, macs):
    found = Anatomy(model, (3, 5))
    assert found.layer("").not_priced == ("_fft_r2c",)
    assert found.macs == macs


class Silenced(nn.Dropout):
    """Does nothing that its base does not do."""


def test_a_name_alone_costs_nothing():
    assert not Anatomy(Silenced(), (3, 5)).not_priced


def test_sequences_packed_by_the_lengths_of_their_words_are_priced():
    class Reader(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.table = nn.Embedding(9, 5, padding_idx=0)
            self.reader = nn.LSTM(5, 11, batch_first=True)

        def forward(self, words):
            packed = nn.utils.rnn.pack_padded_sequence(
                self.table(words), (words != 0).sum(1).cpu(), True, enforce_sorted=False
            )
            return self.reader(packed)[1][0]

    found = Anatomy(Reader(), torch.ones(2, 7, dtype=torch.long))
    assert not found.not_priced
    # Four gates, each of the input and of the state before.
    assert found.macs == 7 * 4 * 11 * (5 + 11)


def into_nothing(inputs: torch.Tensor) -> torch.Tensor:
    found = torch.empty(0, device=inputs.device)
    return torch.mm(inputs[0], inputs[0].mT, out=found)[None]


@pytest.mark.parametrize(
    ("model", "macs"), [(nn.CrossMapLRN2d(3), 0), (Call(into_nothing), 4 * 4 * 6)]
)
def test_tensors_that_get_their_size_when_they_are_filled_are_followed(model, macs):
    shape = (4, 6, 6) if macs == 0 else (4, 6)
    found = Anatomy(model, shape)
    assert found.macs == macs
    assert not found.not_followed
