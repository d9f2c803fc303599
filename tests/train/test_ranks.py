"""Training in several processes against training in one, by the same program."""

import json
import runpy
from pathlib import Path

import pytest
import torch

import thalweg as tw
from thalweg._core import launch

PROGRAM = Path(__file__).with_name("together.py")
TOGETHER = runpy.run_path(str(PROGRAM))
VARIANTS = TOGETHER["VARIANTS"]
# Each process sums a part of the batch: the order of additions differs, and nothing else.
LOSSES = {"rtol": 2e-6, "atol": 2e-6}
WEIGHTS = {"rtol": 2e-5, "atol": 2e-6}
# Batch normalization takes its statistics of each process's own share, and what is random is
# drawn by each process for itself.
OWN = {"normalized", "noisy"}
REFUSED = list(TOGETHER["REFUSED"])
IN_PARTS = ["plain", "in pieces", "weighted", "weighted in pieces", "a last batch of one"]
IN_PARTS += ["clipped and penalized", "averaged", "normalized", "watched"]
CASES = [("ddp", name) for name in VARIANTS] + [("fsdp", name) for name in IN_PARTS]


@pytest.fixture(scope="module")
def trained(torchrun, tmp_path_factory):
    """What two processes made of a variant: for each of them, plain data."""
    folder = tmp_path_factory.mktemp("trained")
    started = torchrun(PROGRAM, folder, "ddp", *VARIANTS, *REFUSED, "fsdp", *IN_PARTS)
    assert started.wait() == 0, started.said

    def of(parallel: str, name: str) -> list[dict]:
        paths = [folder / f"{parallel} {name} {rank}.json" for rank in range(2)]
        return [json.loads(path.read_text()) for path in paths]

    of.folder = folder
    return of


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    """What one process makes of a variant."""
    found = {}

    def of(name: str) -> dict:
        if name not in found:
            found[name] = TOGETHER["train"](name, tmp_path_factory.mktemp("alone"))
        return found[name]

    return of


@pytest.mark.parametrize(("parallel", "name"), [each for each in CASES if each[1] not in OWN])
def test_two_processes_have_the_losses_and_weights_of_one(trained, alone, parallel, name):
    ours, expected = trained(parallel, name)[0], alone(name)
    assert len(ours["losses"]) == len(expected["losses"])
    for part, rounding in (("losses", LOSSES), ("valid", LOSSES), ("weights", WEIGHTS)):
        torch.testing.assert_close(
            torch.tensor(ours[part]), torch.tensor(expected[part]), **rounding
        )
    assert ours["accuracy"] == expected["accuracy"]
    assert ours["test"] == pytest.approx(expected["test"], rel=1e-5)


@pytest.mark.parametrize(("parallel", "name"), CASES)
def test_all_processes_end_with_the_same_bits(trained, parallel, name):
    first, second = trained(parallel, name)
    for part in ("losses", "valid", "weights", "test", "findings"):
        assert first[part] == second[part], part


@pytest.mark.parametrize("names", [("plain", "in pieces"), ("weighted", "weighted in pieces")])
def test_pieces_and_processes_take_the_same_steps(trained, alone, names):
    found = [each for name in names for each in (alone(name), trained("ddp", name)[0])]
    first, *others = [torch.tensor(each["weights"]) for each in found]
    for other in others:
        torch.testing.assert_close(other, first, **WEIGHTS)


def test_each_process_draws_its_own_numbers(trained):
    first, second = trained("ddp", "noisy")
    assert len(first["drawn"]) == len(second["drawn"]) == 8
    assert not set(first["drawn"]) & set(second["drawn"])


def test_the_doctor_looks_on_in_the_first_process_and_changes_nothing(trained):
    for parallel, findings in (("ddp", []), ("fsdp", None)):
        watched, plain = trained(parallel, "watched")[0], trained(parallel, "plain")[0]
        assert watched["weights"] == plain["weights"]
        assert watched["findings"] == findings
    assert watched["choices"]["doctor"] == "off"


@pytest.mark.parametrize("parallel", ["ddp", "fsdp"])
def test_the_run_is_one_folder_that_a_single_process_reads(trained, parallel):
    found = trained(parallel, "plain")[0]
    folder = trained.folder / parallel / "plain"
    run = tw.Run.load(folder, model=TOGETHER["network"]())
    weights = torch.cat([each.flatten() for each in run.model.state_dict().values()])
    assert weights.tolist() == found["weights"]
    assert run.scores["test"] == found["test"]
    assert (run.settings.train.parallel, run.settings.train.batch_size) == (parallel, 29)


@pytest.mark.parametrize(
    ("name", "needed"),
    [
        ("lbfgs", "several processes cannot do together"),
        ("muon", "parallel='ddp'"),
        ("channels last", "Leave channels_last out"),
        ("small batches", "on 2 processes. Use batch_size=4 or more"),
        ("changing", "Use all in each step"),
        ("other data", "have loaded different data"),
    ],
)
def test_what_cannot_be_had_together_is_refused_in_a_line(trained, name, needed):
    for found in trained("ddp", name):
        assert found["error"] in ("SettingError", "RunMismatchError")
        assert needed in found["message"]
        assert "\n" not in found["message"]
    begun = (trained.folder / "ddp" / name / "config.toml").exists()
    assert begun == (name == "changing")  # Which nobody can know before.


def test_one_process_needs_no_group(monkeypatch):
    monkeypatch.delenv("RANK", raising=False)
    with tw.train.joined() as ranks:
        assert ranks is None
    assert launch.size() == 1
    assert launch.is_first()
    assert launch.may_say("anything", is_consequence=True)
    assert launch.remembered("run 0") is None
    assert not torch.distributed.is_initialized()


def test_the_processes_are_counted_as_torchrun_says(monkeypatch):
    said = {"RANK": "3", "WORLD_SIZE": "4", "MASTER_ADDR": "localhost", "MASTER_PORT": "1"}
    for variable, value in said.items():
        monkeypatch.setenv(variable, value)
    assert (launch.size(), launch.rank(), launch.is_first()) == (4, 3, False)
    monkeypatch.delenv("MASTER_ADDR")  # Without it they could not meet.
    assert (launch.size(), launch.rank(), launch.is_first()) == (1, 0, True)
