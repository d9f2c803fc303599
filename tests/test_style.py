"""What the style promises of every file, read off the source."""

import ast
from pathlib import Path

import pytest

import thalweg

ROOT = Path(thalweg.__file__).parent
FILES = sorted(ROOT.rglob("*.py"))
# Split by concept before a file grows so long that one cannot hold it in mind.
MOST_LINES = 300
# A body; the docstring does not count.
MOST_LINES_OF_A_FUNCTION = 50
MOST_PARAMETERS = 8

# The verbs and the commands, whose parameters are the settings themselves.
DOORS = ("_api", "cli")
# Where an error that nobody foresaw becomes one line on the command line.
LAST_DOOR = "cli/_failures.py"
REFUSED = {"pickle", "cloudpickle", "dill", "joblib", "shelve", "marshal"} | {
    "urllib",
    "http",
    "requests",
    "httpx",
    "socket",
    "aiohttp",
    "ftplib",
}


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def test_there_are_files():
    assert len(FILES) > 50


@pytest.mark.parametrize("path", FILES, ids=name)
def test_every_public_name_says_in_a_sentence_what_it_is(path):
    nodes = [tree(path), *tree(path).body]
    for node in nodes:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and node.name.startswith("_"):
            continue
        if isinstance(node, (ast.Module, ast.FunctionDef, ast.ClassDef)):
            first = (ast.get_docstring(node) or "").split("\n")[0]
            where = getattr(node, "name", "the module")
            assert first.endswith("."), f"{where}: {first!r}"


@pytest.mark.parametrize("path", FILES, ids=name)
def test_nothing_is_imported_that_executes_files_or_speaks_to_a_network(path):
    for node in ast.walk(tree(path)):
        imported = []
        if isinstance(node, ast.Import):
            imported = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            imported = [node.module or ""]
        assert not {each.split(".")[0] for each in imported} & REFUSED


@pytest.mark.parametrize("path", FILES, ids=name)
def test_torch_loads_nothing_but_tensors(path):
    """torch.load and torch.save speak pickle; so does NumPy where it is allowed to."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            called = ast.unparse(node.func)
            assert called not in {"torch.load", "torch.save"}
            allowed = [each.value for each in node.keywords if each.arg == "allow_pickle"]
            assert all(isinstance(each, ast.Constant) and each.value is False for each in allowed)


@pytest.mark.parametrize("path", FILES, ids=name)
def test_nothing_is_swallowed(path):
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.ExceptHandler) and name(path) != LAST_DOOR:
            assert node.type is not None
            assert ast.unparse(node.type) not in {"Exception", "BaseException"}, node.lineno


@pytest.mark.parametrize("path", FILES, ids=name)
def test_files_and_functions_stay_short(path):
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= MOST_LINES
    assert "TODO" not in text
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.FunctionDef):
            documented = ast.get_docstring(node) is not None
            first = node.body[1 if documented and len(node.body) > 1 else 0]
            lines = (node.end_lineno or 0) - first.lineno + 1
            assert lines <= MOST_LINES_OF_A_FUNCTION, f"{node.name}: {lines} lines"
            own = [
                each.arg
                for each in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)
                if each.arg not in ("self", "cls")
            ]
            is_door = name(path).startswith(DOORS)
            assert is_door or len(own) <= MOST_PARAMETERS, f"{node.name}: {len(own)} parameters"
