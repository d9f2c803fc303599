import json
import shutil

import thalweg as tw


def test_what_differs_stands_side_by_side(call, trained):
    tw.fit("linear", "iris", epochs=2, out="second", progress=False).score("test")
    shown = call("compare", trained, "second")
    assert shown.code == 0
    rows = {line.split("  ")[0]: line.split() for line in shown.out.splitlines() if line}
    assert rows["train.epochs"][1:] == ["4", "2"]
    assert rows["model.name"][1:] == ["mlp", "linear"]
    assert "data.source" not in rows  # both are iris
    scores = [
        tw.train.Run.peek(folder).scores["test"]["accuracy"] for folder in (trained, "second")
    ]
    first, second = (f"{100 * score:.2f}" for score in scores)
    assert rows["test accuracy"] == ["test", "accuracy", first, "%", second, "%"]


def test_equal_settings_are_said_in_a_line_and_not_in_an_empty_table(call, trained):
    shown = call("compare", trained, trained)
    first, empty, heading, *rows = shown.out.splitlines()
    assert first == "The settings do not differ."
    assert empty == ""
    assert heading.split()[0] == "score"
    assert rows


def test_runs_without_a_score_are_said_to_have_none(call, trained, tmp_path):
    for name in ("a", "b"):
        shutil.copytree(trained, tmp_path / name)
        (tmp_path / name / "scores.json").unlink()
        (tmp_path / name / "history.jsonl").write_text("")
    shown = call("compare", tmp_path / "a", tmp_path / "b")
    assert shown.code == 0
    assert shown.out.splitlines()[-1] == "None of them has a score yet."


def test_json_holds_the_same(call, trained):
    found = json.loads(call("compare", trained, trained, "--json").out)
    assert found["runs"] == [str(trained)] * 2
    assert found["settings"] == {}


def test_one_run_cannot_be_compared(call, trained):
    failed = call("compare", trained)
    assert failed.code == 2
    assert failed.err == "error: compare needs at least two runs.\n"
