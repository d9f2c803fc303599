import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time

import pytest

import thalweg as tw


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


# Long enough that the signal finds it in training, short enough to be ended afterwards.
WORDS = ("train", "digits", "--model", "linear", "--quiet", "--no-report", "checkpoint_every=50")


def wait_for_checkpoint(folder, is_over):
    began = time.monotonic()
    while not list((folder / "checkpoint").glob("step-*[1-9]*")):
        assert not is_over()
        assert time.monotonic() - began < 60
        time.sleep(0.01)


def test_ctrl_c_says_how_to_go_on_and_resuming_does(call, tmp_path):
    folder = tmp_path / "my run"
    process = subprocess.Popen(
        [sys.executable, "-m", "thalweg", *WORDS, "--epochs", "25", "--out", folder],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    wait_for_checkpoint(folder, lambda: process.poll() is not None)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    status = tw.train.Run.peek(folder).status
    assert (process.returncode, status.state, out) == (130, "interrupted", "")
    assert err == f"Interrupted at step {status.steps:,}. Go on with: thalweg resume '{folder}'\n"

    ended = call("resume", folder, "--quiet", "--no-report")
    assert ended.code == 0
    after = tw.train.Run.peek(folder)
    assert (after.status.state, after.status.epochs) == ("finished", 25)
    assert "test" in after.scores


def test_a_request_to_end_is_heeded_and_says_how_to_go_on(call, tmp_path):
    folder = tmp_path / "run"

    def ask():
        wait_for_checkpoint(folder, lambda: False)
        os.kill(os.getpid(), signal.SIGTERM)

    asking = threading.Thread(target=ask)
    asking.start()
    # So long that it cannot end before it is asked to.
    ended = call(*WORDS, "--epochs", "5000", "--out", folder)
    asking.join()
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
