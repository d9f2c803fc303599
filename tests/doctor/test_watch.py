"""A watched loop trains to the same bits, and nothing of the watch is left behind."""

import copy
import dataclasses
import os
import threading
import time

import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torch.optim.lr_scheduler import LRScheduler
from torch.utils.data import DataLoader, dataloader

import thalweg as tw
from thalweg.errors import SettingError

PATCHED = [
    (torch.autograd, "backward"),
    (F, "cross_entropy"),
    (F, "mse_loss"),
    (DataLoader, "__iter__"),
    (dataloader._BaseDataLoaderIter, "__next__"),
    (LRScheduler, "step"),
]


def network(seed: int = 0) -> nn.Module:
    torch.manual_seed(seed)
    return nn.Sequential(
        nn.Linear(4, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Dropout(0.3), nn.Linear(16, 3)
    )


def batches(number: int = 30):
    draw = torch.Generator().manual_seed(1)
    for _ in range(number):
        x = torch.randn(24, 4, generator=draw)
        yield x, x[:, :3].argmax(1)


def train(model, optimizer, number: int = 30) -> None:
    for x, y in batches(number):
        model.train()
        optimizer.zero_grad()
        F.cross_entropy(model(x), y).backward()
        optimizer.step()
        model.eval()
        with torch.no_grad():
            F.cross_entropy(model(x), y)


def weights(model: nn.Module) -> list[torch.Tensor]:
    return [value.clone() for value in model.state_dict().values()]


OPTIMIZERS = {
    "sgd": lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9),
    "adamw": lambda p: torch.optim.AdamW(p, lr=0.01, fused=True),
    "rprop": lambda p: torch.optim.Rprop(p),
}


@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize("every", [None, 1])
def test_the_weights_are_the_same_bits_with_and_without_the_watch(name, every):
    plain, watched = network(), network()
    torch.manual_seed(3)
    train(plain, OPTIMIZERS[name](plain.parameters()))
    torch.manual_seed(3)
    optimizer = OPTIMIZERS[name](watched.parameters())
    with tw.watch(watched, optimizer, every=every) as doctor:
        train(watched, optimizer)
    assert "all" not in doctor.record.limits
    for ours, theirs in zip(weights(watched), weights(plain), strict=True):
        assert ours.equal(theirs)


def test_a_closure_is_watched(request):
    plain, watched = network(), network()

    def fit(model):
        optimizer = torch.optim.LBFGS(model.parameters(), max_iter=4)
        (x, y) = next(batches())
        yield optimizer
        for _ in range(5):

            def closure():
                optimizer.zero_grad()
                loss = F.cross_entropy(model(x), y)
                loss.backward()
                return loss

            optimizer.step(closure)

    torch.manual_seed(0)
    list(fit(plain))
    torch.manual_seed(0)
    training = fit(watched)
    with tw.watch(watched, next(training)) as doctor:
        list(training)
    assert len(doctor.record.steps) == 5
    assert "all" not in doctor.record.limits
    assert doctor.diagnosis.unchecked.get("missing-zero-grad") is None
    for ours, theirs in zip(weights(watched), weights(plain), strict=True):
        assert ours.equal(theirs)


@pytest.mark.parametrize("fails", [False, True])
def test_nothing_is_left_behind(fails):
    before = [getattr(owner, name) for owner, name in PATCHED]
    model = network()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)

    def loop():
        with tw.watch(model, optimizer):
            assert torch.autograd.backward is not before[0]
            train(model, optimizer, number=3)
            if fails:
                raise ZeroDivisionError

    if fails:
        with pytest.raises(ZeroDivisionError):
            loop()
    else:
        loop()
    assert [getattr(owner, name) for owner, name in PATCHED] == before
    for module in model.modules():
        assert not module._forward_hooks and not module._forward_pre_hooks
    assert not optimizer._optimizer_step_pre_hooks and not optimizer._optimizer_step_post_hooks


def test_the_error_of_a_forward_pass_is_the_one_that_surfaces():
    class Failing(nn.Linear):
        def forward(self, inputs):
            raise ArithmeticError("the user's own")

    model = Failing(4, 3)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with pytest.raises(ArithmeticError, match="the user's own"), tw.watch(model, optimizer):
        train(model, optimizer)


def test_an_error_of_the_doctor_is_noted_and_reaches_nobody(monkeypatch):
    def failing(*arguments):
        raise KeyError("ours")

    monkeypatch.setattr(tw.doctor.observer._closeup._inputs, "facts", failing)
    model = network()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with tw.watch(model, optimizer) as doctor:
        train(model, optimizer)
    assert doctor.diagnosis.healthy
    assert "the doctor failed" in doctor.diagnosis.unchecked["missing-zero-grad"]


def test_watches_may_be_nested():
    model = network()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    original = torch.autograd.backward
    with tw.watch(model, optimizer) as outer:
        train(model, optimizer, number=3)
        with tw.watch(model, optimizer) as inner:
            train(model, optimizer, number=4)
        train(model, optimizer, number=5)
    assert (len(outer.record.steps), len(inner.record.steps)) == (12, 4)
    assert torch.autograd.backward is original


def test_what_other_threads_train_is_not_seen():
    model, other = network(), network(1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with tw.watch(model, optimizer) as doctor:
        thread = threading.Thread(
            target=train, args=(other, torch.optim.SGD(other.parameters(), lr=0.1), 5)
        )
        thread.start()
        thread.join()
        train(model, optimizer, number=4)
    assert len(doctor.record.steps) == 4
    assert doctor.record.backwards == 4


def test_optimizers_are_found_where_none_is_named():
    model = network()
    with tw.watch(model) as doctor:
        train(model, torch.optim.Adam(model.parameters()), number=6)
    assert [each.kind for each in doctor.record.optimizers] == ["Adam"]
    assert len(doctor.record.steps) == 6


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ((nn.ReLU(), None), "has none"),
        ((nn.Linear, None), "needs a torch.nn.Module, got type"),
        (("model", None), "needs a torch.nn.Module, got str"),
        ((nn.Linear(2, 2), "adam"), "needs a torch optimizer, got str"),
    ],
)
def test_what_cannot_be_watched_is_refused(arguments, told):
    with pytest.raises((SettingError, TypeError)) as error:
        tw.watch(*arguments)
    assert told in str(error.value) or isinstance(error.value, TypeError)


def test_the_record_survives_json():
    import json

    model = network()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with tw.watch(model, optimizer, every=1) as doctor:
        train(model, optimizer)
    record = doctor.record
    again = tw.doctor.Record.from_json(json.loads(json.dumps(record.to_json())))
    assert again == record
    assert record.samples and record.graph and record.evaluations


def test_copies_and_files_of_a_watched_network_are_not_watched(tmp_path):
    model = network()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with tw.watch(model, optimizer, every=1) as doctor:
        train(model, optimizer, number=3)
        double = copy.deepcopy(model)
        torch.save(model, tmp_path / "model.pt")
        again = torch.load(tmp_path / "model.pt", weights_only=False)
        for other in (double, again):
            train(other, torch.optim.SGD(other.parameters(), lr=0.1), number=2)
    assert len(doctor.record.steps) == 3
    assert sum("f" in row.events for row in doctor.record.steps) == 3


def test_a_trial_confirms_on_a_copy_that_steps_are_too_short():
    from thalweg.doctor.trials._confirm import TRIALS
    from thalweg.doctor.trials._specimen import Specimen

    model = network()
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-4)
    with tw.watch(model, optimizer, trials=True) as doctor:
        before, state = weights(model), torch.get_rng_state()
        x, y = next(batches())
        F.cross_entropy(model(x), y).backward()
        specimen = doctor.observer.closeup.specimen
    assert isinstance(specimen, Specimen)
    assert TRIALS["lr-too-low"](specimen) is True
    assert TRIALS["lr-too-high"](specimen) is False
    assert TRIALS["underfitting"](dataclasses.replace(specimen, options={"lr": 0.5})) is False
    assert not (torch.get_rng_state() == state).all()  # dropout drew, as it does anyway
    for ours, theirs in zip(weights(model)[:1], before[:1], strict=True):
        assert ours.equal(theirs)


def test_a_finding_is_told_once_while_training_goes_on():
    model = network()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    told: list[tuple[str, int]] = []
    with tw.watch(
        model, optimizer, on_finding=lambda found: told.append((found.fault, len(told)))
    ) as doctor:
        for x, y in batches(160):
            F.cross_entropy(model(x), y).backward()
            optimizer.step()
    assert ("missing-zero-grad", 0) in told
    assert len(told) == len({number for _, number in told})
    assert doctor.diagnosis.findings[0].fault == "missing-zero-grad"


def test_a_watch_is_for_one_block():
    model = network()
    with tw.watch(model) as doctor:
        pass
    assert str(doctor.diagnosis).startswith("No training was seen")
    with pytest.raises(SettingError, match="make another"), doctor:
        pass
    assert not model._forward_pre_hooks


def test_what_a_forked_process_does_is_not_seen():
    model = network()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with tw.watch(model, optimizer) as doctor:
        child = os.fork()
        if child == 0:
            optimizer.step()
            os._exit(doctor.record.count)
        _, status = os.waitpid(child, 0)
        train(model, optimizer)
    assert os.waitstatus_to_exitcode(status) == 0
    assert doctor.record.count == 30


def test_tells_a_state_of_zeros_from_one_of_steps_made():
    model = nn.Linear(4, 2)
    optimizer = torch.optim.Adagrad(model.parameters())
    for had_stepped in (False, True):
        with tw.watch(model, optimizer) as doctor:
            model(torch.randn(8, 4)).square().mean().backward()
            optimizer.step()
        assert doctor.record.optimizers[0].has_state is had_stepped


def test_nothing_is_seen_and_no_time_counted_while_paused(monkeypatch):
    clock = time.perf_counter
    model, other = network(), network()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with tw.watch(model, optimizer) as doctor:
        train(model, optimizer)
        with doctor.paused():
            assert not model._forward_pre_hooks
            model(torch.randn(4, 4))
            F.cross_entropy(other(torch.randn(4, 4)), torch.zeros(4).long()).backward()
            monkeypatch.setattr(time, "perf_counter", lambda: clock() + 1e6)
        train(model, optimizer)
    assert doctor.record.count == doctor.record.backwards == 60
    assert all(row.events.replace("e", "") == "fbs" for row in doctor.record.steps)
    assert doctor.record.steps[30].seconds < 1e5
    assert not model._forward_pre_hooks


def test_a_loss_that_leaps_is_looked_at_out_of_turn():
    model = nn.Linear(4, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-4)
    draw = torch.Generator().manual_seed(0)
    with tw.watch(model, optimizer) as doctor:
        for step in range(1, 60):
            x = torch.randn(16, 4, generator=draw)
            optimizer.zero_grad()
            F.mse_loss(model(x), x[:, :1] + (50.0 if step == 44 else 0.0)).backward()
            optimizer.step()
    assert 45 in [sample.step for sample in doctor.record.samples]
