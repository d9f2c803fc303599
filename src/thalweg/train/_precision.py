"""The types in which a network computes."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import torch

from thalweg.errors import SettingError

PRECISIONS = ("float32", "bfloat16", "bfloat16-matmul")


def check_precision(precision: str | None, device: torch.device) -> None:
    """Check that a device can compute so.

    Raises:
        SettingError: It cannot.
    """
    if precision == "bfloat16-matmul" and device.type != "cpu":
        raise SettingError(
            f"precision 'bfloat16-matmul' is for processors, and this trains on {device.type}. Use "
            "'bfloat16', or torch.set_float32_matmul_precision('high') for TF32."
        )


def has_units(device: torch.device) -> bool:
    """Return whether a processor multiplies numbers of bfloat16 faster than those of float32."""
    known = getattr(torch.cpu, "get_capabilities", dict)()  # Newer than the oldest torch we take.
    has_any = any(value is True and name.endswith("bf16") for name, value in known.items())
    return device.type == "cpu" and has_any


def forward(precision: str | None, device: torch.device) -> AbstractContextManager[object]:
    """Compute the network's output in this type inside the block."""
    if precision != "bfloat16":
        return nullcontext()
    return torch.autocast(device.type, dtype=torch.bfloat16)


def products(precision: str | None) -> AbstractContextManager[object]:
    """Multiply matrices in this type inside the block, in forward and backward passes."""
    return _rounded_factors() if precision == "bfloat16-matmul" else nullcontext()


@contextmanager
def _rounded_factors() -> Iterator[None]:
    """Let torch round the factors of a product of float32 matrices to bfloat16; it adds in float32.

    The switch is torch's, for the whole process.
    """
    backend: Any = torch.backends.mkldnn  # torch declares not all that it has.
    switch = backend.matmul
    before = switch.fp32_precision
    switch.fp32_precision = "bf16"
    try:
        yield
    finally:
        switch.fp32_precision = before
