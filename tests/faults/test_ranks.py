"""Several processes, of which one dies, fails, is asked to stop or answers no more."""

import os
import signal
from pathlib import Path

import pytest

import thalweg as tw
from thalweg.cli import main
from thalweg.errors import RunMismatchError
from thalweg.train import _checkpoint

PROGRAM = Path(__file__).with_name("launched.py")
TRAIN = ["-m", "thalweg", "train", "digits", "--model", "mlp", "--out", "run", "--no-report"]
WORDS = ["--epochs", "100", "checkpoint_every=20"]


def newest(run: Path) -> Path:
    return _checkpoint.checkpoints(run / "checkpoint")[0]


# Sums of three and more depend on the order of the additions, which two never show.
@pytest.mark.parametrize(("processes", "parallel"), [(3, "ddp"), (2, "fsdp")])
def test_killed_and_started_again_all_go_on_to_the_same_bits(
    torchrun, tmp_path, processes, parallel
):
    started = torchrun(PROGRAM, "killed", parallel, processes=processes, restarts=2)
    assert started.wait() == 0, started.said
    (run,) = (tmp_path / "runs").iterdir()
    for name in ("model.safetensors", "history.jsonl", "status.json"):
        assert (run / name).read_bytes() == (tmp_path / "calm" / name).read_bytes(), name
    assert not list(run.rglob("*.partial"))


def test_a_signal_to_one_stops_all_at_one_step_with_one_checkpoint(torchrun, tmp_path):
    started = torchrun(*TRAIN, *WORDS)
    started.wait_for(tmp_path / "run" / "checkpoint" / _checkpoint.checkpoint_name(20))
    os.kill(started.rank(1), signal.SIGTERM)
    assert started.wait() == 1  # torchrun's own, which tells those of the processes.
    assert started.said.count("exitcode  : 143") == 2, started.said
    status = tw.Run.peek("run").status
    assert status.state == "interrupted"
    assert newest(tmp_path / "run").name == _checkpoint.checkpoint_name(status.steps)
    assert started.said.count(f"Interrupted at step {status.steps}. Go on with: ") == 1
    assert started.said.count("task           classification") == 1  # One of them speaks.
    # As few processes as one would go on to other bits.
    with pytest.raises(RunMismatchError, match="is 1 now: `torchrun --nproc-per-node 2`"):
        tw.resume("run", progress=False)


def test_one_killed_ends_all_and_what_was_saved_is_whole(torchrun, tmp_path):
    started = torchrun(*TRAIN, *WORDS, "--quiet")
    started.wait_for(tmp_path / "run" / "checkpoint" / _checkpoint.checkpoint_name(20))
    os.kill(started.rank(1), signal.SIGKILL)
    assert started.wait() == 1
    assert started.said.count("error: another process of this training has ended") <= 1
    assert "Error:" not in started.said.split("elastic/multiprocessing")[0]
    assert _checkpoint._read(newest(tmp_path / "run")).step % 20 == 0
    assert tw.Run.peek("run").status.state == "running"


def test_an_error_that_all_meet_is_printed_once(torchrun):
    started = torchrun(*TRAIN, "clip_norm=-1")
    assert started.wait() == 1
    assert started.said.count("error: clip_norm must be") == 1, started.said


def test_an_error_in_one_ends_the_training_of_all(torchrun, tmp_path):
    started = torchrun(PROGRAM, "alone")
    assert started.wait() == 1
    assert started.said.count("ZeroDivisionError: in process 1 alone") == 1
    assert (tmp_path / "caught-0").read_text() == "True"
    assert newest(tmp_path / "failed").name == _checkpoint.checkpoint_name(4)


def test_one_that_answers_no_more_is_not_waited_for_longer_than_the_group_says(torchrun, tmp_path):
    started = torchrun(PROGRAM, "silent")
    assert started.wait() == 1
    assert "exitcode  : 7" in started.said
    assert (tmp_path / "caught-0").exists()


def test_other_commands_run_in_the_first_process_alone(monkeypatch, capsys):
    said = {"RANK": "1", "WORLD_SIZE": "2", "MASTER_ADDR": "localhost", "MASTER_PORT": "1"}
    for variable, value in said.items():
        monkeypatch.setenv(variable, value)
    assert main(["models"]) == 0
    assert capsys.readouterr().out == ""
    monkeypatch.setenv("RANK", "0")
    assert main(["verify", "run"]) == 2
    assert "without torchrun" in capsys.readouterr().err
