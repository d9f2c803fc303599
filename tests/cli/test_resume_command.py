import json
import shutil
import signal
import subprocess
import sys

import pytest

import thalweg as tw
from thalweg.train import _loop


@pytest.fixture
def copy(trained, tmp_path):
    return shutil.copytree(trained, tmp_path / "copy")


def test_a_run_that_ended_is_left_alone(call, copy):
    before = (copy / "model.safetensors").read_bytes()
    ended = call("resume", copy, "--quiet", "--no-report")
    assert ended.code == 0
    assert "had ended already" in ended.err
    assert "accuracy" in ended.out
    assert (copy / "model.safetensors").read_bytes() == before


@pytest.mark.parametrize("words", [["resume", "nope"], ["resume", "."]])
def test_what_is_no_run_is_told(call, words):
    failed = call(*words)
    assert failed.code == 1
    assert "is not a run" in failed.err
    assert failed.err.count("\n") == 1


WORDS = ("train", "digits", "--model", "linear", "--quiet", "--no-report", "--epochs", "25")
# The command, with Ctrl-C in the midst of training.
INTERRUPTED = """
import signal, sys
from thalweg.cli import main
from thalweg.train import _loop

update = _loop.update
def updating(plan, state, *rest):
    if state.step == 120:
        signal.raise_signal(signal.SIGINT)
    return update(plan, state, *rest)
_loop.update = updating
sys.exit(main(sys.argv[1:]))
"""


def test_ctrl_c_says_how_to_go_on_and_resuming_does(call, tmp_path):
    folder = tmp_path / "my run"
    interrupted = subprocess.run(
        [sys.executable, "-c", INTERRUPTED, *WORDS, "--out", folder],
        capture_output=True,
        text=True,
        check=False,
    )
    status = tw.train.Run.peek(folder).status
    assert (interrupted.returncode, status.state, status.steps) == (130, "interrupted", 121)
    assert interrupted.stdout == ""
    told = f"Interrupted at step 121. Go on with: thalweg resume '{folder}'\n"
    assert interrupted.stderr == told

    ended = call("resume", folder, "--quiet", "--no-report")
    assert ended.code == 0
    after = tw.train.Run.peek(folder)
    assert (after.status.state, after.status.epochs) == ("finished", 25)
    assert "test" in after.scores


def test_a_request_to_end_is_heeded_and_says_how_to_go_on(call, tmp_path, monkeypatch):
    folder = tmp_path / "run"
    update = _loop.update

    def updating(plan, state, *rest):
        if state.step == 120:
            signal.raise_signal(signal.SIGTERM)
        return update(plan, state, *rest)

    monkeypatch.setattr(_loop, "update", updating)
    ended = call(*WORDS, "--out", folder)
    assert ended.code == 143
    assert f"Go on with: thalweg resume {folder}" in ended.err
    assert tw.train.Run.peek(folder).status.state == "interrupted"


def test_a_checkpoint_that_is_passed_over_is_told(call, tmp_path):
    folder = tmp_path / "run"
    words = ["--model", "linear", "--quiet", "--no-report", "checkpoint_every=5"]
    assert call("train", "iris", *words, "--epochs", "3", "--out", folder).code == 0
    # As kill -9 leaves it: the state of an ended run is written last.
    status = json.loads((folder / "status.json").read_text())
    (folder / "status.json").write_text(json.dumps(status | {"state": "running"}))
    newest = max((folder / "checkpoint").iterdir()) / "tensors.safetensors"
    newest.write_bytes(newest.read_bytes()[:-1])
    ended = call("resume", folder, "--quiet", "--no-report")
    assert ended.code == 0
    assert ended.err.startswith(f"note: the checkpoint {newest.parent.name} is damaged")
