import subprocess
import sys

import pytest

import thalweg

COMMANDS = ("train", "resume", "predict", "report", "compare", "models", "data", "verify")
# Each of these takes longer to import than the help may take.
HEAVY = ("torch", "numpy", "polars", "sklearn", "bokeh", "torchmetrics", "PIL", "thalweg._api")


@pytest.mark.parametrize("words", [["--help"], ["train", "--help"], ["--version"]])
def test_help_answers_without_importing_what_trains(words):
    code = (
        "import sys\n"
        "from thalweg.cli import main\n"
        f"assert main({words}) == 0\n"
        f"print(sorted(set({HEAVY}) & set(sys.modules)), file=sys.stderr)"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=600
    )
    assert ended.stderr.strip() == "[]"


def test_the_module_is_the_command():
    ended = subprocess.run(
        [sys.executable, "-m", "thalweg", "--version"], capture_output=True, text=True, timeout=600
    )
    assert ended.stdout == f"thalweg {thalweg.__version__}\n"
    assert ended.returncode == 0


@pytest.mark.parametrize("words", [[], ["--help"], ["-h"]])
def test_help_lists_every_command_and_the_exit_codes(call, words):
    shown = call(*words)
    assert shown.code == 0
    assert all(name in shown.out for name in COMMANDS)
    assert "130 Ctrl-C" in " ".join(shown.out.split())


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help(call, name):
    shown = call(name, "--help")
    assert shown.code == 0
    assert f"thalweg {name}" in shown.out


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (["trian"], "unknown command 'trian'. Did you mean 'train'?"),
        (["train", "--epoch", "3"], "unknown option '--epoch' of thalweg train. "),
        (["train", "--epoch", "3"], "Did you mean '--epochs'?"),
        (["models", "--jsn"], "Did you mean '--json'?"),
        (["--versoin"], "Did you mean '--version'?"),
        (["train", "iris", "--epochs", "ten"], "'--epochs'"),
        (["predict"], "'RUN'"),
        (["models", "extra"], "extra"),
    ],
)
def test_a_mistyped_command_is_one_line_with_a_hint(call, words, hint):
    failed = call(*words)
    assert failed.code == 2
    assert not failed.out
    assert failed.err.startswith("error: ")
    assert failed.err.count("\n") == 1
    assert hint in failed.err


@pytest.mark.parametrize("words", [["--debug", "resume", "nope"], ["resume", "nope", "--debug"]])
def test_debug_may_stand_before_and_after_the_command(call, words):
    failed = call(*words)
    assert "Traceback" in failed.err
    assert failed.code == 1
