"""What the style promises of every file, read off the source."""

import ast
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import thalweg

ROOT = Path(thalweg.__file__).parent
TREES = {
    str(path.relative_to(ROOT)): ast.parse(path.read_text(encoding="utf-8"))
    for path in sorted(ROOT.rglob("*.py"))
}
MODULES = {
    ".".join(("thalweg", *Path(name).with_suffix("").parts)).removesuffix(".__init__"): tree
    for name, tree in TREES.items()
}
# Split by concept before a file grows so long that one cannot hold it in mind.
MOST_LINES = 300
MOST_LINES_OF_A_BODY = 50
MOST_PARAMETERS = 8
# The doors, whose parameters are the settings themselves.
DOORS = ("_api", "cli", "_estimators", "models/_build.py")
# Where any error may come and must go no further: to the user of the command line, into a loop
# that the doctor watches, out of a copy of somebody's network or another part under examination,
# out of somebody's script, out of a thread, out of what only shows something.
LAST_DOORS = (
    "cli/_failures.py",
    "conformance/_suite.py",
    "doctor/observer/_guard.py",
    "doctor/trials/_on_copies.py",
    "doctor/_script.py",
    "train/_arrangement.py",
    "train/_saves.py",
    "train/observers/_isolated.py",
    "train/_whole_step.py",
)
# Where public weights are fetched, on explicit wish alone.
FETCHES = "models/pretrained/_public.py"
# Where torch's own reader of tensors is asked to build nothing else; its error is pickle's.
READS_SAVED = "models/pretrained/_reading.py"
EXECUTES = {"pickle", "cloudpickle", "dill", "joblib", "shelve", "marshal"}
SPEAKS = {"urllib", "http", "requests", "httpx", "socket", "aiohttp", "ftplib"}


def nodes(*kinds: type[ast.AST]) -> Iterator[tuple[str, ast.AST]]:
    """Yield every node of these kinds with the name of its file."""
    for name, tree in TREES.items():
        for node in ast.walk(tree):
            if isinstance(node, kinds):
                yield name, node


def test_there_are_files():
    assert len(TREES) > 50


def test_every_public_name_says_in_a_sentence_what_it_is():
    silent = []
    for name, tree in TREES.items():
        for node in [tree, *tree.body]:
            if not isinstance(node, (ast.Module, ast.FunctionDef, ast.ClassDef)):
                continue
            called = getattr(node, "name", "the module")
            sentence = (ast.get_docstring(node) or "").split("\n")[0]
            if not called.startswith("_") and not sentence.endswith("."):
                silent.append(f"{name}: {called}: {sentence!r}")
    assert not silent


def test_nothing_is_imported_that_executes_files_or_speaks_to_a_network():
    found = []
    for name, node in nodes(ast.Import, ast.ImportFrom):
        if isinstance(node, ast.ImportFrom):
            modules = [node.module or ""]
        else:
            modules = [alias.name for alias in node.names]
        if name == FETCHES:
            modules = [each for each in modules if not each.startswith("urllib")]
        if name == READS_SAVED:
            modules = [each for each in modules if each != "pickle"]
        found += [f"{name}: {each}" for each in modules if each.split(".")[0] in EXECUTES | SPEAKS]
    assert not found


def test_files_of_torch_and_numpy_are_read_without_pickle():
    found = []
    for name, node in nodes(ast.Call):
        called = ast.unparse(node.func)
        if called in {"torch.load", "torch.save"}:
            builds_tensors_alone = any(
                argument.arg == "weights_only" and ast.unparse(argument.value) == "True"
                for argument in node.keywords
            )
            if name != READS_SAVED or not builds_tensors_alone:
                found.append(f"{name}: {called}")
        found += [
            f"{name}: {called} with allow_pickle"
            for argument in node.keywords
            if argument.arg == "allow_pickle" and ast.unparse(argument.value) != "False"
        ]
    assert not found


def test_no_error_is_swallowed_unnamed():
    bare = {"None", "Exception", "BaseException"}
    found = [
        f"{name}:{node.lineno}"
        for name, node in nodes(ast.ExceptHandler)
        if name not in LAST_DOORS and str(node.type and ast.unparse(node.type)) in bare
    ]
    assert not found


def test_files_stay_short():
    lengths = {name: len((ROOT / name).read_text().splitlines()) for name in TREES}
    assert not {name: length for name, length in lengths.items() if length > MOST_LINES}


def test_functions_stay_short():
    found = []
    for name, node in nodes(ast.FunctionDef):
        documented = ast.get_docstring(node) is not None and len(node.body) > 1
        length = node.end_lineno - node.body[documented].lineno + 1
        arguments = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
        parameters = len([each for each in arguments if each.arg not in ("self", "cls")])
        if length > MOST_LINES_OF_A_BODY:
            found.append(f"{name}: {node.name}: {length} lines")
        if parameters > MOST_PARAMETERS and not name.startswith(DOORS):
            found.append(f"{name}: {node.name}: {parameters} parameters")
    assert not found


def test_nobody_imports_in_a_circle_not_even_late():
    imports = {module: {*_imported(tree)} & {*MODULES} for module, tree in MODULES.items()}
    order = list(TopologicalSorter(imports).static_order())  # An error names the circle.
    assert len(order) == len(TREES)


def _imported(tree: ast.AST) -> Iterator[str]:
    """Yield what a file imports while it runs: modules, and names that may be modules."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            continue
        if isinstance(node, ast.ImportFrom):
            inner = {f"{node.module}.{alias.name}" for alias in node.names}
            yield from inner & {*MODULES} or {str(node.module)}
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        yield from _imported(node)


def test_nothing_is_left_to_do():
    assert not [name for name in TREES if "TODO" in (ROOT / name).read_text()]
