"""Words of the command line and of the environment are taken as they stand: no shell, no code."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from thalweg.cli import main

WORDS = (
    *("$(touch canary)", "`touch canary`", "; touch canary", "| touch canary", "& touch canary"),
    *("> canary", "x\ntouch canary", "$HOME", "${IFS}touch${IFS}canary", "~", "~root", "*", "?"),
    *("[a-z]*", "{a,b}", "!!", "%PATH%", "@file", "-", "--", "file:///etc/passwd"),
    *("http://192.0.2.1/x", "s3://bucket/x", "\\\\192.0.2.1\\share", "__import__('os')"),
    *("__import__('os').mkdir('canary')", "eval:os.mkdir('canary')", "!python os.mkdir"),
    *("{{ 7*7 }}", "%(x)s", "{0.__class__}", "lambda: 0", "\udce9", "\x1b[31m", "a" * 5000),
)


@pytest.fixture(autouse=True)
def tempting(tmp_path, monkeypatch):
    """A folder whose files a pattern or a tilde would find."""
    for name in ("a", "b", "file"):
        (tmp_path / name).write_text("label\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


def files(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


def refused(capsys, *words: str) -> str:
    """Run a command that must fail in a printable line, and return the line."""
    before = files(Path())
    assert main(list(words)) in (1, 2)
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert err.strip().isprintable()
    assert files(Path()) == before
    return err


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize("word", WORDS)
def test_a_word_is_taken_as_it_stands_wherever_it_is(word, capsys):
    refused(capsys, "data", f"./{word}")
    refused(capsys, "train", "iris", f"epochs=x{word}", f"--config=./{word}")


# One of each kind: shells, patterns, code, templates, bytes that are no text.
SHARP = ("$(touch canary)", "~", "*", "__import__('os').mkdir('canary')", "{{ 7*7 }}", "\udce9")


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize("word", SHARP)
def test_no_place_of_the_command_line_takes_a_word_otherwise(word, capsys):
    for setting in ("epochs=x", "optimizer=x", "--model=x", "--task=x", "--device=x", "x"):
        refused(capsys, "train", "iris", f"{setting}{word}")
    refused(capsys, "train", f"--config=./{word}")
    for command in ("predict", "report", "resume", "verify", "compare"):
        refused(capsys, command, f"./{word}", f"./{word}")


def test_a_folder_called_by_a_tilde_is_a_folder_called_by_a_tilde(tempting):
    words = ["train", "iris", "epochs=1", "--quiet", "--no-report", "--out", "~/$HOME/*"]
    assert main(words) == 0
    assert (tempting / "~" / "$HOME" / "*" / "config.toml").is_file()


VARIABLES = (
    *("RANK", "WORLD_SIZE", "LOCAL_RANK", "MASTER_ADDR", "MASTER_PORT", "HOME", "COLUMNS", "LANG"),
    *("OMP_NUM_THREADS", "TORCHELASTIC_RESTART_COUNT", "TORCHELASTIC_USE_AGENT_STORE"),
    *("THALWEG_X", "PYTHONHASHSEED_X", "EPOCHS", "PL_TRAINER_EPOCHS"),
)


def test_no_variable_of_the_environment_is_executed_or_becomes_a_setting(tmp_path):
    code = "__import__('os').mkdir('canary')"
    for value in (code, "$(mkdir canary)", "7"):
        folder = tmp_path / f"run-{len(value)}"
        words = ["train", "iris", "epochs=1", "--quiet", "--no-report", "--out", str(folder)]
        chosen = VARIABLES[5:] if value == "7" else VARIABLES
        done = subprocess.run(
            [sys.executable, "-m", "thalweg", *words],
            env={**os.environ, **dict.fromkeys(chosen, value)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert "Traceback" not in done.stderr
        assert not (tmp_path / "canary").exists()
        if value == "7":
            assert done.returncode == 0, done.stderr
            assert "epochs = 1" in (folder / "config.toml").read_text()
