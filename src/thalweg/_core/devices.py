"""Where the numbers are computed."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from thalweg._core import formats
from thalweg._core.choices import Choice
from thalweg.errors import SettingError


def choose(wanted: str | None) -> tuple[torch.device, Choice | None]:
    """Return the device to train on and, where nobody asked for one, why it was chosen.

    Raises:
        SettingError: The device does not exist on this machine.
    """
    if wanted is not None:
        return check(wanted), None
    if torch.cuda.is_available():
        name = torch.cuda.get_device_name(0)
        return torch.device("cuda"), Choice("device", "cuda", f"{name} is present")
    if torch.backends.mps.is_available():
        return torch.device("mps"), Choice("device", "mps", "an Apple GPU is present")
    threads = formats.several(torch.get_num_threads(), "thread")
    return torch.device("cpu"), Choice("device", "cpu", f"no GPU was found; {threads}")


def check(name: str) -> torch.device:
    """Return the device of that name.

    Raises:
        SettingError: torch does not know the name, or this machine lacks the device.
    """
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise SettingError(
            f"device must be a torch device such as 'cpu', 'cuda' or 'cuda:1', got {name!r}."
        ) from error
    present = {
        "cpu": True,
        "meta": False,
        "cuda": torch.cuda.is_available() and (device.index or 0) < torch.cuda.device_count(),
        "mps": torch.backends.mps.is_available(),
    }.get(device.type, False)
    if not present:
        raise SettingError(f"device {name!r} is not on this machine. Use device='cpu'.")
    return device


@contextmanager
def threads(number: int | None) -> Iterator[None]:
    """Compute with so many threads of the processor inside the block; None keeps those there are.

    Example:
        >>> with threads(1):
        ...     torch.get_num_threads()
        1
    """
    before = torch.get_num_threads()
    if number is not None and number != before:
        torch.set_num_threads(number)
    try:
        yield
    finally:
        if torch.get_num_threads() != before:
            torch.set_num_threads(before)
