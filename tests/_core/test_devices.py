"""Where to compute: what was asked for, or the best there is."""

import pytest
import torch

from thalweg._core import devices
from thalweg.errors import SettingError


@pytest.fixture
def machine(monkeypatch):
    """Return a function that makes torch believe in these accelerators."""

    def pretend(cuda: int = 0, mps: bool = False) -> None:
        monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda > 0)
        monkeypatch.setattr(torch.cuda, "device_count", lambda: cuda)
        monkeypatch.setattr(torch.cuda, "get_device_name", lambda index: "Tesla Abacus")
        monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)

    return pretend


def test_what_was_asked_for_is_no_choice(machine):
    machine(cuda=1)
    assert devices.choose("cpu") == (torch.device("cpu"), None)


def test_a_graphics_card_is_preferred_and_named(machine):
    machine(cuda=1, mps=True)
    device, choice = devices.choose(None)
    assert device.type == "cuda"
    assert choice is not None
    assert (choice.setting, choice.value) == ("device", "cuda")
    assert "Tesla Abacus" in choice.reason


def test_an_apple_gpu_comes_next(machine):
    machine(mps=True)
    assert devices.choose(None)[0] == torch.device("mps")


@pytest.mark.parametrize(("threads", "told"), [(1, "1 thread"), (3, "3 threads")])
def test_without_any_the_processor_is_used_and_its_threads_told(
    machine, monkeypatch, threads, told
):
    machine()
    monkeypatch.setattr(torch, "get_num_threads", lambda: threads)
    device, choice = devices.choose(None)
    assert device == torch.device("cpu")
    assert choice is not None
    assert choice.reason == f"no GPU was found; {told}"


@pytest.mark.parametrize("name", ["cuda", "cuda:0", "cuda:2", "mps", "meta", "xpu"])
def test_a_device_that_is_not_there_is_refused(machine, name):
    machine()
    with pytest.raises(SettingError, match=f"device '{name}' is not on this machine"):
        devices.check(name)


def test_a_card_is_looked_up_by_its_number(machine):
    machine(cuda=2)
    assert devices.check("cuda:1").index == 1
    with pytest.raises(SettingError, match="'cuda:2' is not on this machine"):
        devices.check("cuda:2")


@pytest.mark.parametrize("name", ["gpu", "", "cuda:x", "graphics card"])
def test_a_name_that_torch_does_not_know_is_refused_with_an_example(name):
    with pytest.raises(SettingError, match=r"must be a torch device such as 'cpu'") as caught:
        devices.check(name)
    assert "\n" not in str(caught.value)
