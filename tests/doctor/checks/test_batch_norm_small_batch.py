"""Numbers that a channel is normalized by."""

from _made import UNIT, found, passes, record, sample

from thalweg.doctor.record import Activity, ModuleFacts


def of(rows, losses=None, **facts):
    modules = {"norm": ModuleFacts("BatchNorm2d", "batch norm", ["norm.weight"], True, order=0)}
    did = {"norm": Activity(True, UNIT, UNIT, rows=rows)}
    samples = [sample(step, modules=did) for step in (1, 2, 3)]
    return record(samples, losses, modules=modules, **facts)


def test_finds_batches_of_two():
    (finding,) = found("batch-norm-small-batch", of(2))
    assert finding.where == "norm"


def test_finds_few_numbers_that_validation_suffers_from():
    falling = [1.0 - step / 200 for step in range(100)]
    assert found("batch-norm-small-batch", of(8, falling, evaluations=passes(1.4, 1.6)))
    assert not found("batch-norm-small-batch", of(8, falling, evaluations=passes(0.8, 0.5)))


def test_many_numbers_are_fine():
    assert not found("batch-norm-small-batch", of(512, evaluations=passes(1.4, 1.6)))


def test_networks_without_it_are_fine():
    assert not found("batch-norm-small-batch", record([sample(1)]))
