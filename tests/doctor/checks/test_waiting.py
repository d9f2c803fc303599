"""Time lost between steps: for data, and for numbers from the device."""

from _made import found, record, row, unchecked

from thalweg.doctor.record import LoaderFacts


def loading(waiting, begun=1, **facts):
    loader = LoaderFacts(1000, 32, True, 0, iterators=begun)
    steps = [row(step + 1, 1.0, waiting=waiting, **facts) for step in range(100)]
    return record([], steps=steps, loaders=[loader])


def test_finds_a_slow_loader():
    (finding,) = found("slow-input", loading(0.008))
    assert finding.evidence["share of time waiting"] > 0.7


def test_a_quick_loader_is_fine():
    assert not found("slow-input", loading(0.001))


def test_toy_networks_may_wait_for_memory():
    assert not found("slow-input", loading(0.008, examples=512))


def test_workers_that_start_are_fine():
    seen = loading(0.0005, begun=5)
    for each in seen.steps[::20]:
        each.waiting = each.seconds = 2.0
    assert not found("slow-input", seen)


def test_the_way_from_another_process_takes_its_time():
    seen = loading(0.004)
    for each in seen.steps:
        each.seconds = 0.005
    assert found("slow-input", seen)
    seen.loaders[0].workers = 2
    assert not found("slow-input", seen)
    for each in seen.steps:
        each.waiting, each.seconds = 0.04, 0.05
    assert found("slow-input", seen)


def test_batches_made_by_hand_cannot_be_timed():
    assert unchecked("slow-input", record([]))


def syncing(every, device="cuda"):
    steps = [row(step, 1.0, syncs=int(step % every == 0)) for step in range(1, 101)]
    return record([], steps=steps, device=device)


def test_finds_a_wait_in_every_step():
    (finding,) = found("sync-every-step", syncing(1))
    assert finding.evidence["waits per step"] == 1.0


def test_a_wait_now_and_then_is_fine():
    assert not found("sync-every-step", syncing(10))


def test_there_is_nothing_to_wait_for_on_a_cpu():
    assert unchecked("sync-every-step", syncing(1, "cpu"))
