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


def documented(module: str) -> set[str]:
    """Return the dotted names of what has an example in the module's source."""
    spec = importlib.util.find_spec(module)
    assert spec is not None
    assert spec.origin is not None
    found = set()

    def walk(node: ast.Module | ast.ClassDef | ast.FunctionDef, path: str) -> None:
        if ">>> " in (ast.get_docstring(node) or ""):
            found.add(path)
        for child in node.body:
            if isinstance(child, (ast.ClassDef, ast.FunctionDef)):
                walk(child, f"{path}.{child.name}")

    walk(ast.parse(Path(spec.origin).read_text(encoding="utf-8")), module)
    return found


EXAMPLES = {module: names for module in MODULES if (names := documented(module))}


def test_there_are_modules_with_examples():
    # Far fewer than there are, far more than a walk that went wrong would find.
    assert len(EXAMPLES) > 30


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_examples_of_a_module_run(name):
    module = importlib.import_module(name)
    found = [each for each in doctest.DocTestFinder().find(module) if each.examples]
    # Decorators can hide a function from doctest; an example that never runs proves nothing.
    assert {each.name for each in found} == EXAMPLES[name]
    said: list[str] = []
    runner = doctest.DocTestRunner()
    for each in found:
        runner.run(each, out=said.append)
    assert not runner.failures, "".join(said)
