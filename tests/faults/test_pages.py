"""Pages of runs that hold nothing, too much, half of it, or somebody else's."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

import thalweg as tw
from thalweg.errors import RunError
from thalweg.report._page import render

CORPUS = Path(__file__).parents[1] / "fuzz" / "corpus"
LARGEST = 2 * 2**20
"""Bytes of a page, of which the charts' library takes more than a half."""


@pytest.fixture
def run(tmp_path) -> Path:
    return shutil.copytree(CORPUS / "run", tmp_path / "run")


def page(run: Path) -> str:
    return tw.Run.load(run).report().read_text()


def rows(run: Path) -> list[dict]:
    return [json.loads(line) for line in (run / "history.jsonl").read_text().splitlines()]


def write_rows(run: Path, rows: list[dict]) -> None:
    (run / "history.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))


def test_without_a_step_it_says_so(run):
    (run / "history.jsonl").unlink()
    assert "No step was taken" in page(run)
    write_rows(run, [])
    assert "No step was taken" in page(run)


def test_a_million_points_stay_small(run):
    loaded = tw.Run.load(run)
    loaded.history.steps[:] = [
        {"step": step, "epoch": 1, "loss": 1 / step, "learning_rate": 0.1}
        for step in range(1, 10**6 + 1)
    ]
    assert len(render(loaded)) < LARGEST


def test_ten_thousand_classes_stay_small(tmp_path):
    labels = np.array([f"class {number} {'with a long name ' * 4}" for number in range(10_000)])
    points = np.random.default_rng(0).normal(size=(20_000, 2))
    data = tw.load(points, np.tile(labels, 2), kind="category", test=0.0)
    run = tw.fit("linear", data, epochs=1, out=tmp_path / "run", progress=False, doctor=False)
    assert len(render(run)) < LARGEST


def test_a_log_cut_in_the_middle_of_a_line_is_told_and_whole_lines_are_drawn(run):
    whole = (run / "history.jsonl").read_bytes()
    (run / "history.jsonl").write_bytes(whole[:-30])
    with pytest.raises(RunError, match=r"history\.jsonl is damaged .* Remove it to read the run"):
        tw.Run.load(run)
    (run / "history.jsonl").write_bytes(whole[: whole.index(b"\n") + 1])
    assert "The first epoch was not completed" in page(run)


@pytest.mark.parametrize("lost", ["train_loss", "valid_loss", "learning_rate", "valid_accuracy"])
def test_what_a_log_lacks_is_left_out(run, lost):
    write_rows(run, [{name: v for name, v in row.items() if name != lost} for row in rows(run)])
    assert "<svg" in page(run) or "curves-chart" in page(run)


def test_the_log_of_another_run_is_drawn_as_what_it_says(run):
    write_rows(
        run,
        [
            {"step": 700, "epoch": 70, "loss": 3.5, "temperature": 0.5},
            {"step": 700, "epoch": 70, "train_loss": 3.5, "valid_perplexity": 12.0},
        ],
    )
    assert "3.5" in page(run)


@pytest.mark.parametrize("name", ["timing.json", "scores.json", "record.json", "choices.json"])
def test_what_a_run_lacks_is_missing_from_its_page_alone(run, name):
    if name == "choices.json":
        (run / name).write_text("[]")
    else:
        (run / name).unlink()
    assert "Training" in page(run)
