"""Every example in a docstring runs and prints what it says."""

import ast
import doctest
import importlib
import importlib.util
import pkgutil
from pathlib import Path

import pytest

import thalweg

# `thalweg.__main__` is the command line itself, so that importing it runs it.
MODULES = sorted(
    module.name
    for module in pkgutil.walk_packages(thalweg.__path__, "thalweg.")
    if not module.name.endswith("__main__")
)


def with_examples(module: str) -> bool:
    source = importlib.util.find_spec(module).origin
    return ">>> " in Path(source).read_text(encoding="utf-8")


def docstrings(module: str) -> set[str]:
    """Return the dotted names, within the module, of what has an example in its source."""
    source = Path(importlib.util.find_spec(module).origin).read_text(encoding="utf-8")
    found = set()

    def walk(node: ast.AST, path: tuple[str, ...]) -> None:
        kinds = (ast.Module, ast.ClassDef, ast.FunctionDef)
        if isinstance(node, kinds) and ">>> " in (ast.get_docstring(node) or ""):
            found.add(".".join((module, *path)))
        for child in ast.iter_child_nodes(node):
            walk(child, (*path, child.name) if isinstance(child, kinds) else path)

    walk(ast.parse(source), ())
    return found


def test_there_are_modules_with_examples():
    # Far fewer than there are, far more than a walk that went wrong would find.
    assert len([module for module in MODULES if with_examples(module)]) > 30


@pytest.mark.parametrize("name", [module for module in MODULES if with_examples(module)])
def test_the_examples_of_a_module_run(name):
    module = importlib.import_module(name)
    found = [each for each in doctest.DocTestFinder().find(module) if each.examples]
    # Decorators can hide a function from doctest; an example that never runs proves nothing.
    assert {each.name for each in found} == docstrings(name)
    said: list[str] = []
    runner = doctest.DocTestRunner()
    for each in found:
        runner.run(each, out=said.append)
    assert not runner.failures, "".join(said)
