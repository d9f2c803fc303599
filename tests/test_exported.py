"""The public names: there, complete, in order, and imported only when used."""

import ast
import importlib
import subprocess
import sys
from pathlib import Path

import pytest

import thalweg

ROOT = Path(thalweg.__file__).parent
# The root imports lazily and is tested apart; `_core` exports modules, not names.
# Each waits for the one function that needs it: together they would take as long as torch.
LATE = (
    "bokeh",
    "jinja2",
    "narwhals",
    "polars",
    "rich",
    "scipy",
    "sklearn",
    "thalweg.conformance.data",
    "thalweg.conformance.models",
    "thalweg.conformance.tasks",
    "thalweg.doctor.checks",
    "thalweg.report",
    "torchmetrics",
    "typer",
)
FOLDERS = sorted(
    path.parent for path in ROOT.rglob("__init__.py") if path.parent not in (ROOT, ROOT / "_core")
)


def run(code: str) -> str:
    """Return what a fresh Python prints."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def module(folder: Path) -> str:
    return ".".join(("thalweg", *folder.relative_to(ROOT).parts))


def as_sorted(names: list[str]) -> list[str]:
    """Return names in the order of ruff's RUF022: constants, classes, the rest."""
    return sorted(names, key=lambda name: (not name.isupper(), name[0].islower(), name))


def test_every_public_name_can_be_had():
    for name in thalweg.__all__:
        assert getattr(thalweg, name) is not None
    assert thalweg.__all__ == as_sorted(thalweg.__all__)
    assert set(thalweg.__all__) <= set(dir(thalweg))


def test_importing_the_package_imports_no_torch():
    """`thalweg --help` should not wait for it."""
    code = "import sys, thalweg; dir(thalweg); print('torch' in sys.modules, thalweg.__version__)"
    assert run(code) == f"False {thalweg.__version__}"


def test_a_name_is_imported_when_it_is_first_used():
    code = (
        "import sys, thalweg; thalweg.errors; before = 'torch' in sys.modules; "
        "from thalweg import data, fit; print(before, 'torch' in sys.modules, callable(fit))"
    )
    assert run(code) == "False True True"


def test_the_verbs_import_nothing_that_one_function_alone_needs():
    code = f"import sys, thalweg; thalweg.fit; print(sorted(set({LATE}) & set(sys.modules)))"
    assert run(code) == "[]"


def test_what_tables_need_is_imported_when_it_is_named():
    code = (
        "import sys; from thalweg import data; before = 'polars' in sys.modules; "
        "print(before, data.TableEncoder is data.encoders['table'], hasattr(data, 'TableX'))"
    )
    assert run(code) == "False True False"


def test_a_name_that_is_not_there_is_told_as_python_would():
    with pytest.raises(AttributeError, match="module 'thalweg' has no attribute 'fitt'"):
        thalweg.fitt  # type: ignore[attr-defined]  # noqa: B018


def test_the_type_checker_sees_the_same_names_as_python():
    tree = ast.parse((ROOT / "__init__.py").read_text())
    guarded = [node for node in tree.body if isinstance(node, ast.If)]
    seen = {
        alias.asname or alias.name
        for node in ast.walk(guarded[0])
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert seen == set(thalweg.__all__)


@pytest.mark.parametrize("folder", FOLDERS, ids=module)
def test_a_folder_lists_all_it_imports_in_order(folder):
    tree = ast.parse((folder / "__init__.py").read_text())
    imported = {
        alias.asname or alias.name
        for node in tree.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    # What the file itself works with need not be passed on.
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    package = importlib.import_module(module(folder))
    listed = getattr(package, "__all__", [])  # a room within a room passes nothing on
    assert listed == as_sorted(listed)
    assert len(set(listed)) == len(listed)
    assert not {name for name in imported - used if not name.startswith("_")} - set(listed)
    assert all(hasattr(package, name) for name in listed)
