"""`thalweg diagnose`: runs, scripts, and remedies tried."""

import json

import pytest

import thalweg as tw
from thalweg.cli import main

SCRIPT = """
import sys
import torch
from sklearn.datasets import load_digits
from torch import nn
from neighbour import SIZE

torch.manual_seed(0)
x, y = load_digits(return_X_y=True)
x, y = torch.tensor(x, dtype=torch.float32) / 8 - 1, torch.tensor(y)
model = nn.Sequential(nn.Linear(64, SIZE), nn.ReLU(), nn.Linear(SIZE, 10))
optimizer = torch.optim.SGD(model.parameters(), lr=float(sys.argv[1]))
for epoch in range(4):
    for chosen in torch.randperm(len(x)).split(64):
        loss = nn.functional.cross_entropy(model(x[chosen]), y[chosen])
        {clear}
        loss.backward()
        optimizer.step()
print("the end", sys.argv[1:])
{ending}
"""


@pytest.fixture
def script(tmp_path):
    (tmp_path / "neighbour.py").write_text("SIZE = 32\n")

    def write(clear="optimizer.zero_grad()", ending=""):
        path = tmp_path / "train.py"
        path.write_text(SCRIPT.format(clear=clear, ending=ending))
        return str(path)

    return write


def test_a_healthy_script_is_run_as_it_is_and_nothing_is_found(script, capsys):
    assert main(["diagnose", script(), "0.1", "--rounds", "3"]) == 0
    printed = capsys.readouterr().out
    assert "the end ['0.1', '--rounds', '3']" in printed
    assert "Nothing is wrong (116 steps watched)." in printed


def test_a_sick_script_is_told_its_cause(script, capsys):
    assert main(["diagnose", "--json", script(clear="pass"), "0.1"]) == 0
    captured = capsys.readouterr()
    # Standard output is for the result alone.
    assert "the end ['0.1']" in captured.err
    found = json.loads(captured.out)
    assert found["findings"][0]["fault"] == "missing-zero-grad"
    assert found["healthy"] is False


@pytest.mark.parametrize("ending", ["raise KeyError('mine')", "sys.exit(3)"])
def test_a_script_that_ends_badly_is_judged_all_the_same(script, capsys, ending):
    assert main(["diagnose", script(clear="pass", ending=ending), "0.1"]) == 0
    captured = capsys.readouterr()
    assert "missing-zero-grad" in captured.out
    assert ("KeyError: 'mine'" in captured.err) == ("KeyError" in ending)


def test_a_second_training_of_a_script_is_noted(script, capsys):
    again = "other = torch.optim.SGD(model.parameters(), lr=0.1)"
    assert main(["diagnose", script(ending=again), "0.1"]) == 0
    printed = " ".join(capsys.readouterr().out.split())
    assert "note: Only what was trained first was watched" in printed


def test_a_script_without_training_is_told_so(tmp_path, capsys):
    path = tmp_path / "empty.py"
    path.write_text("print('nothing')\n")
    assert main(["diagnose", str(path)]) == 2
    assert "made no optimizer of torch" in capsys.readouterr().err
    assert main(["diagnose", str(tmp_path / "none.py")]) == 2
    assert "there is no script or run" in capsys.readouterr().err


def test_what_is_neither_run_nor_script_is_not_run(tmp_path, capsys):
    path = tmp_path / "table.csv"
    path.write_text("print('never')\n")
    assert main(["diagnose", str(path)]) == 2
    shown = capsys.readouterr()
    assert "a training script in Python (.py), got" in shown.err and shown.out == ""


def test_a_run_is_judged_from_its_folder(capsys):
    tw.fit("mlp", "iris", epochs=10, out="run", progress=False)
    assert main(["diagnose", "run"]) == 0
    assert "Nothing is wrong (70 steps watched)." in capsys.readouterr().out
    assert tw.Run.load("run").diagnosis.healthy


def test_an_unwatched_run_is_told_so(capsys):
    tw.fit("mlp", "iris", epochs=1, out="run", progress=False, doctor=False)
    assert main(["diagnose", "run"]) == 1
    assert "nobody watched this training" in capsys.readouterr().err


def test_a_remedy_is_tried_on_the_run_and_compared(capsys):
    tw.fit("mlp", "digits", epochs=4, learning_rate=20.0, out="run", progress=False)
    found = tw.Run.load("run").diagnosis.findings
    assert found[0].fault == "lr-too-high"
    before = tw.Run.load("run").history
    assert main(["diagnose", "run", "--treat"]) == 0
    printed = capsys.readouterr().out
    assert "learning rate" in printed or "learning_rate" in printed
    assert "The remedy helped." in printed
    assert tw.Run.load("run").history == before


def test_there_is_nothing_to_treat_in_a_healthy_run(capsys):
    tw.fit("mlp", "iris", epochs=10, out="run", progress=False)
    assert main(["diagnose", "run", "--treat"]) == 1
    assert "nothing to treat" in capsys.readouterr().err
