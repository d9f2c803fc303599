"""The README's programs, commands, settings and links hold."""

import ast
import re
import tomllib
from pathlib import Path

import pytest
import typer
from typer.core import TyperGroup

import thalweg as tw
from thalweg._api import repeat
from thalweg.cli._app import app

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
# Several commands may share a line, apart by at least two spaces; a comment ends one.
CODE = [
    piece.split("#")[0].strip()
    for text in [*(body for _, body in BLOCKS), *re.findall(r"`([^`\n]+)`", README)]
    for line in text.splitlines()
    for piece in re.split(r"\s{2,}|&&", line)
]
COMMANDS = sorted({each for each in CODE if each.startswith("thalweg ")})
LINKS = sorted(set(re.findall(r"\]\(([^)#]+)\)", README)))


def blocks(language: str) -> list[str]:
    return [body for name, body in BLOCKS if name == language]


def test_there_is_something_of_each_kind():
    assert blocks("python")
    assert blocks("toml")
    assert len(COMMANDS) >= 5
    assert LINKS


@pytest.mark.parametrize("program", blocks("python"))
def test_a_program_parses_and_names_what_is_there(program):
    kinds = {"run": tw.Run, "doctor": tw.doctor.Watch}
    for node in ast.walk(ast.parse(program)):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            owner = node.value.id
            assert owner in ("tw", *kinds), owner
            assert hasattr(kinds.get(owner, tw), node.attr), f"{owner}.{node.attr}"


@pytest.mark.parametrize("line", COMMANDS)
def test_a_command_exists_with_the_options_it_shows(line):
    name, *words = line.removeprefix("thalweg ").split()
    group = typer.main.get_command(app)
    assert isinstance(group, TyperGroup)
    commands = group.commands
    assert name in commands
    known = {option for parameter in commands[name].params for option in parameter.opts}
    assert {word.split("=")[0] for word in words if word.startswith("--")} <= known


@pytest.mark.parametrize("link", LINKS)
def test_a_link_leads_to_a_file(link):
    assert link.startswith("https://") or (ROOT / link).exists()


def test_a_path_that_is_named_exists():
    """In the table of where things are, in the first column; a second name may lack its folder."""
    rows = re.findall(r"^\| (`.*?) \|", README, re.MULTILINE)
    for names in (re.findall(r"`([^`]+)`", row) for row in rows):
        parent = (ROOT / names[0]).parent
        assert (ROOT / names[0]).exists()
        assert all((ROOT / name).exists() or (parent / name).exists() for name in names)


def test_every_chore_is_in_the_makefile():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    chores = {chore for piece in CODE for chore in re.findall(r"^make (\w+)", piece)}
    assert chores
    for chore in chores:
        assert re.search(rf"^{chore}:", makefile, re.MULTILINE), chore


@pytest.mark.parametrize("settings", blocks("toml"))
def test_the_settings_train(settings):
    tomllib.loads(settings)
    Path("settings.toml").write_text(settings, encoding="utf-8")
    run = repeat("settings.toml", progress=False, epochs=2)
    given = tomllib.loads(settings)["train"]
    assert run.status.epochs == 2
    assert run.settings.train.optimizer == given["optimizer"]
    # Ten digits: chance would be a tenth.
    assert run.score("valid")["accuracy"] > 0.3
