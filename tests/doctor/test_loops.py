"""The watch goes with whatever a loop does: compiling, scaling, accumulating, other optimizers."""

from pathlib import Path

import pytest
import torch
import torch.multiprocessing as multiprocessing
from torch import nn
from torch.nn import functional as F

import thalweg as tw


def classes(number: int = 40, seed: int = 1):
    """Batches of points whose largest coordinate is their class."""
    draw = torch.Generator().manual_seed(seed)
    for _ in range(number):
        x = torch.randn(32, 6, generator=draw)
        yield x, x[:, :3].argmax(1)


def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(6, 24), nn.ReLU(), nn.Linear(24, 3))


def same_bits(train, *arguments) -> tw.doctor.Watch:
    """Train with and without the watch; return the watch if the weights are the same."""
    plain, watched = network(), network()
    train(plain, *arguments)
    with tw.watch(watched) as doctor:
        train(watched, *arguments)
    for ours, theirs in zip(watched.parameters(), plain.parameters(), strict=True):
        assert ours.equal(theirs)
    assert "all" not in doctor.record.limits, doctor.record.limits
    return doctor


@pytest.mark.parametrize("backend", ["eager", "aot_eager"])
def test_a_compiled_network(backend):
    def train(model):
        torch._dynamo.reset()
        compiled = torch.compile(model, backend=backend)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        for x, y in classes():
            optimizer.zero_grad()
            F.cross_entropy(compiled(x), y).backward()
            optimizer.step()

    assert same_bits(train).diagnosis.healthy


def test_a_compiled_network_that_is_watched_itself_says_what_it_hides():
    torch._dynamo.reset()
    model = torch.compile(network(), backend="eager")
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with tw.watch(model, optimizer) as doctor:
        for x, y in classes():
            optimizer.zero_grad()
            F.cross_entropy(model(x), y).backward()
            optimizer.step()
    assert doctor.diagnosis.healthy
    assert doctor.record.limits["modules"] == "it is compiled"
    assert all("f" in row.events for row in doctor.record.steps[1:])


def test_autocast_and_a_gradient_scaler():
    def train(model):
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        scaler = torch.amp.GradScaler("cpu")
        for x, y in classes():
            optimizer.zero_grad()
            with torch.autocast("cpu", dtype=torch.bfloat16):
                loss = F.cross_entropy(model(x), y)
            scaler.scale(loss).backward()
            scaler.step(optimizer)
            scaler.update()

    doctor = same_bits(train)
    assert doctor.diagnosis.healthy
    # The loss is the one before it was scaled by 65,536.
    assert 0.3 < doctor.record.steps[0].loss < 3


def test_accumulation():
    def train(model):
        optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)
        for number, (x, y) in enumerate(classes(80), start=1):
            (F.cross_entropy(model(x), y) / 4).backward()
            if number % 4 == 0:
                optimizer.step()
                optimizer.zero_grad()

    doctor = same_bits(train)
    assert doctor.diagnosis.healthy
    assert {row.backwards for row in doctor.record.steps} == {4}


def test_two_optimizers_of_one_network():
    def train(model):
        first = torch.optim.SGD(model[0].parameters(), lr=0.1)
        second = torch.optim.Adam(model[2].parameters(), lr=0.01)
        for x, y in classes():
            first.zero_grad()
            second.zero_grad()
            F.cross_entropy(model(x), y).backward()
            first.step()
            second.step()

    doctor = same_bits(train)
    assert doctor.diagnosis.healthy
    assert [each.kind for each in doctor.record.optimizers] == ["SGD", "Adam"]


def test_a_network_against_another():
    torch.manual_seed(0)
    maker = nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 2))
    judge = nn.Sequential(nn.Linear(2, 16), nn.LeakyReLU(0.2), nn.Linear(16, 1))
    making = torch.optim.Adam(maker.parameters(), lr=2e-3, betas=(0.5, 0.9))
    judging = torch.optim.Adam(judge.parameters(), lr=2e-3, betas=(0.5, 0.9))
    one, zero = torch.ones(64, 1), torch.zeros(64, 1)
    with tw.watch([maker, judge], [making, judging]) as doctor:
        for _ in range(60):
            true, made = torch.randn(64, 2) + 1, maker(torch.randn(64, 4))
            judging.zero_grad()
            loss = F.binary_cross_entropy_with_logits(judge(true), one)
            loss = loss + F.binary_cross_entropy_with_logits(judge(made.detach()), zero)
            loss.backward()
            judging.step()
            making.zero_grad()
            F.binary_cross_entropy_with_logits(judge(made), one).backward()
            making.step()
    assert "missing-zero-grad" not in [each.fault for each in doctor.diagnosis.findings]


def test_tied_weights_and_a_frozen_trunk():
    class Tied(nn.Module):
        def __init__(self):
            super().__init__()
            self.trunk = nn.Linear(6, 12).requires_grad_(False)
            self.there = nn.Linear(12, 12)
            self.back = nn.Linear(12, 12)
            self.back.weight = self.there.weight
            self.head = nn.Linear(12, 3)

        def forward(self, x):
            return self.head(self.back(self.there(self.trunk(x)).relu()).relu())

    torch.manual_seed(0)
    model = Tied()
    optimizer = torch.optim.Adam([p for p in model.parameters() if p.requires_grad], lr=0.01)
    with tw.watch(model, optimizer) as doctor:
        for x, y in classes(80):
            optimizer.zero_grad()
            F.cross_entropy(model(x), y).backward()
            optimizer.step()
    assert doctor.diagnosis.healthy, str(doctor.diagnosis)


def test_a_loop_that_never_steps_and_one_that_never_runs():
    model = network()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with tw.watch(model, optimizer) as doctor:
        pass
    assert doctor.diagnosis.healthy
    with tw.watch(model, optimizer) as doctor:
        for x, y in classes():
            F.cross_entropy(model(x), y).backward()
    assert [each.fault for each in doctor.diagnosis.findings] == ["missing-step"]


def test_a_loss_that_is_no_single_number_is_pytorchs_error():
    model = network()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    x, y = next(classes())
    with pytest.raises(RuntimeError, match="scalar outputs"), tw.watch(model, optimizer):
        F.cross_entropy(model(x), y, reduction="none").backward()


def _train_in_parallel(rank: int, meeting: Path, results) -> None:
    torch.set_num_threads(1)
    torch.distributed.init_process_group(
        "gloo", init_method=meeting.as_uri(), rank=rank, world_size=2
    )
    model = nn.parallel.DistributedDataParallel(network())
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with tw.watch(model, optimizer) as doctor:
        for x, y in classes(20, seed=rank):
            optimizer.zero_grad()
            F.cross_entropy(model(x), y).backward()
            optimizer.step()
    found = doctor.record
    results.put((rank, len(found.steps), dict(found.limits), doctor.diagnosis.healthy))
    torch.distributed.destroy_process_group()


@pytest.mark.slow
def test_two_processes_in_parallel(tmp_path):
    context = multiprocessing.get_context("spawn")
    results = context.Queue()
    workers = [
        context.Process(target=_train_in_parallel, args=(rank, tmp_path / "meeting", results))
        for rank in range(2)
    ]
    for worker in workers:
        worker.start()
    found = sorted(results.get(timeout=600) for _ in workers)
    for worker in workers:
        worker.join()
    assert found == [(0, 20, {}, True), (1, 20, {}, True)]
