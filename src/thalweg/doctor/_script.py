"""Runs somebody's training script, unchanged, under the watch."""

import dataclasses
import gc
import runpy
import sys
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from torch import nn
from torch.optim import Optimizer

from thalweg.doctor._finding import Diagnosis
from thalweg.doctor._watch import Watch, watch
from thalweg.errors import DataNotFoundError, SettingError

# Of files that Python may be asked to run; a table or a notebook is none.
SUFFIXES = (".py", ".pyw", "")


class _Finder:
    """Begins a watch when a network is first called that an optimizer was made for.

    By then a script has made all its networks and optimizers, and trained nothing yet.
    """

    def __init__(self) -> None:
        self.optimizers: list[Optimizer] = []
        self.watch: Watch | None = None
        self.known = 0
        """Optimizers that there were when the watch began."""

    def on_call(self, module: nn.Module, args: Any) -> None:
        """A module is called: before the watch, see whether it is one that will be trained."""
        if self.watch is not None or not self.optimizers:
            return
        owned = {
            id(parameter)
            for optimizer in self.optimizers
            for group in optimizer.param_groups
            for parameter in group["params"]
        }
        if not _has(module, owned):
            return
        # Whoever made the networks keeps them somewhere.
        alive = [each for each in gc.get_objects() if issubclass(type(each), nn.Module)]
        trained = [each for each in alive if _has(each, owned)]
        inner = {id(child) for each in trained for child in each.modules() if child is not each}
        outermost = [each for each in trained if id(each) not in inner]
        self.known = len(self.optimizers)
        self.watch = watch(outermost, list(self.optimizers))
        self.watch.__enter__()
        if module in outermost:  # Its own hooks come too late for this call.
            self.watch.hooks.enter(module, args, {})


def _has(module: nn.Module, owned: set[int]) -> bool:
    return any(id(parameter) in owned for parameter in module.parameters())


def diagnose_script(path: Path, arguments: Sequence[str] = ()) -> Diagnosis:
    """Run a training script as `python path arguments` would, and return the diagnosis.

    Its networks and optimizers are found when they are made and first used. An error of the
    script is shown as Python shows it, and does not keep what was seen until then from being
    judged.

    Args:
        path: The script.
        arguments: What it finds in `sys.argv`.

    Raises:
        DataNotFoundError: There is no such script.
        SettingError: It is no Python, or trained nothing with an optimizer of torch.
    """
    if not path.is_file():
        raise DataNotFoundError(f"there is no script or run {path}.")
    if path.suffix not in SUFFIXES:
        raise SettingError(
            f"diagnose takes the folder of a run, or a training script in Python (.py), got {path}."
        )
    finder = _Finder()
    hook = nn.modules.module.register_module_forward_pre_hook(finder.on_call)
    try:
        with _as_main(path, arguments), _made(finder.optimizers):
            _run(path)
    finally:
        hook.remove()
        if finder.watch is not None:
            finder.watch.__exit__(None, None, None)
    if finder.watch is None:
        what = (
            "its optimizers' networks were never called"
            if finder.optimizers
            else ("it made no optimizer of torch")
        )
        raise SettingError(f"{path} trained nothing that can be watched: {what}.")
    return _with_note(finder.watch.diagnosis, len(finder.optimizers) - finder.known)


def _with_note(diagnosis: Diagnosis, later: int) -> Diagnosis:
    """Say so where the script went on to train something else."""
    if not later:
        return diagnosis
    note = (
        "Only what was trained first was watched; optimizers that the script made after that: "
        f"{later}."
    )
    return dataclasses.replace(diagnosis, notes=(*diagnosis.notes, note))


@contextmanager
def _made(optimizers: list[Optimizer]) -> Iterator[None]:
    """Collect every optimizer that is made inside the block."""
    original = Optimizer.__init__

    def noting(self: Optimizer, *args: Any, **kwargs: Any) -> None:
        original(self, *args, **kwargs)
        optimizers.append(self)

    Optimizer.__init__ = noting
    try:
        yield
    finally:
        Optimizer.__init__ = original


def _run(path: Path) -> None:
    """Run the script; show its error, if it ends with one, as Python would."""
    try:
        runpy.run_path(str(path), run_name="__main__")
    except SystemExit:
        pass  # Scripts end so on purpose.
    except Exception:  # It is the user's, who wants to see it and the diagnosis.
        traceback.print_exc()


@contextmanager
def _as_main(path: Path, arguments: Sequence[str]) -> Iterator[None]:
    """Let the script find its arguments, and its neighbours by import."""
    before, places = sys.argv, list(sys.path)
    sys.argv = [str(path), *arguments]
    sys.path.insert(0, str(path.parent.resolve()))
    try:
        yield
    finally:
        sys.argv, sys.path[:] = before, places
