"""The types in which a network computes, against numbers rounded by hand."""

import pytest
import torch

import thalweg as tw
from thalweg.errors import SettingError
from thalweg.train import _precision
from thalweg.train._precision import check_precision, forward, has_units, products

CPU = torch.device("cpu")


def rounded(tensor):
    return tensor.bfloat16().double()


@pytest.fixture
def matrices():
    torch.manual_seed(0)
    return torch.randn(96, 64), torch.randn(64, 80, requires_grad=True), torch.randn(96, 80)


@pytest.mark.skipif(not has_units(CPU), reason="this processor has no units for bfloat16")
def test_factors_are_rounded_in_both_passes_and_sums_are_not(matrices):
    left, right, gradient = matrices
    with products("bfloat16-matmul"):
        product = left @ right
        product.backward(gradient)
    torch.testing.assert_close(
        product.double(), rounded(left) @ rounded(right), rtol=1e-5, atol=1e-5
    )
    torch.testing.assert_close(
        right.grad.double(), rounded(left).T @ rounded(gradient), rtol=1e-5, atol=1e-5
    )
    assert (product - left @ right).abs().max() > 1e-3


@pytest.mark.parametrize("precision", [None, "float32", "bfloat16"])
def test_other_types_leave_products_alone(matrices, precision):
    left, right, _ = matrices
    usual = left @ right
    with products(precision):
        assert torch.equal(left @ right, usual)


@pytest.fixture
def switch():
    switch = torch.backends.mkldnn.matmul
    before = switch.fp32_precision
    yield switch
    switch.fp32_precision = before


@pytest.mark.parametrize("before", ["none", "ieee", "bf16"])
def test_the_switch_is_put_back_even_after_an_error(before, switch):
    switch.fp32_precision = before
    with pytest.raises(ZeroDivisionError), products("bfloat16-matmul"):
        assert switch.fp32_precision == "bf16"
        _ = 1 / 0
    assert switch.fp32_precision == before


def test_a_training_leaves_the_switch_as_it_was(tmp_path, switch):
    seen = []
    model = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.Linear(8, 3))
    model[1].register_forward_hook(
        lambda module, *_: seen.append((module.training, switch.fp32_precision))
    )
    tw.fit(
        model, "iris", precision="bfloat16-matmul", epochs=1, out=tmp_path / "run",
        progress=False, doctor=False,
    )  # fmt: skip
    assert (True, "bf16") in seen
    assert (False, "none") in seen  # Validation is in float32.
    assert (True, "none") not in seen
    assert switch.fp32_precision == "none"


def test_only_bfloat16_casts_the_forward_pass(matrices):
    left, right, _ = matrices
    for precision in (None, "float32", "bfloat16-matmul"):
        with forward(precision, CPU):
            assert (left @ right).dtype == torch.float32
    with forward("bfloat16", CPU):
        assert (left @ right).dtype == torch.bfloat16


def test_a_device_without_that_switch_is_refused():
    check_precision("bfloat16-matmul", CPU)
    check_precision("bfloat16", torch.device("cuda"))
    with pytest.raises(SettingError, match=r"'bfloat16-matmul' is for processors.* on cuda\. Use"):
        check_precision("bfloat16-matmul", torch.device("cuda"))


@pytest.mark.parametrize(
    ("known", "has_them"),
    [
        ({"avx512_bf16": True, "amx_bf16": False}, True),
        ({"bf16": True, "sve_max_length": 256}, True),
        ({"avx512_bf16": False, "avx2": True}, False),
        ({}, False),
    ],
)
def test_units_are_those_the_processor_names(monkeypatch, known, has_them):
    monkeypatch.setattr(_precision.torch.cpu, "get_capabilities", lambda: known, raising=False)
    assert has_units(CPU) is has_them
    assert not has_units(torch.device("cuda"))
