"""Tensors of a file that a network cannot take."""

import re
from pathlib import Path

import pytest
import torch

from thalweg.errors import WeightsError
from thalweg.models.pretrained._fitting import put_in


def network() -> torch.nn.Module:
    return torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.BatchNorm2d(4))


@pytest.mark.parametrize(
    ("spoil", "fault"),
    [
        (lambda weight: weight.to(torch.complex64), "torch.float32, and has torch.complex64"),
        (lambda weight: (weight * 99).to(torch.int8), "torch.float32, and has torch.int8"),
        (lambda weight: weight.to_sparse(), "is sparse, quantized or empty"),
        (lambda weight: weight.to("meta"), "is sparse, quantized or empty"),
        (lambda weight: weight.double() + 1e300, "not finite"),
    ],
)
def test_numbers_of_another_kind_are_refused(spoil, fault):
    state = network().state_dict()
    state["0.weight"] = spoil(state["0.weight"])
    with pytest.raises(WeightsError, match=rf"'0\.weight' .*{re.escape(fault)}"):
        put_in(network(), state, Path("spoilt.pth"), frozenset())


def test_variances_below_zero_are_refused():
    state = network().state_dict()
    state["1.running_var"][3] = -0.5
    with pytest.raises(WeightsError, match="variances below zero"):
        put_in(network(), state, Path("spoilt.pth"), frozenset())
