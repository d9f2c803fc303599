"""After a power cut only what was flushed is certain; every cut leaves the old or the new.

The calls that change a disk are written down while they are made. What a disk may hold after
each of them is then laid out in a folder: what was flushed, and of the rest nothing, all, or a
part drawn at random; a file that was not flushed is empty or full of zeros.
"""

import io
import os
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import torch
from torch import nn

import thalweg as tw
from thalweg.train import _checkpoint, make_optimizer
from thalweg.train._folder import RunFolder
from thalweg.train._state import State


@dataclass(eq=False)
class File:
    content: bytes | None = None
    """None until it was flushed."""


@dataclass(eq=False)
class Folder:
    entries: dict[str, "File | Folder"] = field(default_factory=dict)
    flushed: dict[str, "File | Folder"] = field(default_factory=dict)
    unflushed: list[dict[str, "File | Folder | None"]] = field(default_factory=list)
    """Changes since the last flush; the two sides of a rename are one."""

    def change(self, changes: dict[str, "File | Folder | None"]) -> None:
        self.unflushed.append(changes)
        apply(self.entries, changes)


def apply(entries: dict, changes: dict) -> None:
    for name, node in changes.items():
        if node is None:
            entries.pop(name, None)
        else:
            entries[name] = node


class Disk:
    """What is certain of a folder and what is not, after some calls."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.top = Folder()

    def find(self, path: Path) -> tuple[Folder, str]:
        """Return the folder that holds a path, and its name there."""
        folder = self.top
        *above, name = path.relative_to(self.root).parts
        for each in above:
            folder = folder.entries[each]
        return folder, name

    def do(self, call: str, path: Path, other: object = None) -> None:
        if path == self.root:
            folder, name = Folder({"": self.top}), ""
        else:
            folder, name = self.find(path)
        if call == "create":
            folder.change({name: File()})
        elif call == "mkdir":
            folder.change({name: Folder()})
        elif call == "remove":
            folder.change({name: None})
        elif call == "rename":
            target, new = self.find(other)
            node = folder.entries[name]
            if target is folder:
                folder.change({name: None, new: node})
            else:
                folder.change({name: None})
                target.change({new: node})
        elif isinstance(node := folder.entries[name], Folder):
            node.flushed = dict(node.entries)
            node.unflushed.clear()
        else:
            node.content = other

    def lay_out(self, place: Path, share: float, draw: random.Random) -> None:
        """Write what a power cut leaves, with such a share of what was not flushed."""

        def write(folder: Folder, path: Path) -> None:
            path.mkdir(parents=True)
            entries = dict(folder.flushed)
            for changes in folder.unflushed:
                if draw.random() < share:
                    apply(entries, changes)
            for name, node in entries.items():
                if isinstance(node, Folder):
                    write(node, path / name)
                else:
                    lost = bytes(draw.choice([0, 100]))
                    (path / name).write_bytes(lost if node.content is None else node.content)

        write(self.top, place)


@pytest.fixture
def calls(tmp_path, monkeypatch) -> Iterator[list[tuple]]:
    """Every call inside `disk/` from now on, in order."""
    log: list[tuple] = []
    root = tmp_path / "disk"
    root.mkdir()
    originals = {name: getattr(os, name) for name in ("fsync", "mkdir", "rename", "replace")}
    originals |= {"unlink": os.unlink, "rmdir": os.rmdir, "open": io.open}

    def place(path, folder=None) -> Path:
        path = os.fspath(path)
        if folder is not None:
            path = Path(f"/proc/self/fd/{folder}").readlink() / path
        return Path(path).absolute()

    def note(*call) -> None:
        if call[1].is_relative_to(root):
            log.append(call)

    def fsync(handle):
        originals["fsync"](handle)
        path = Path(f"/proc/self/fd/{handle}").readlink()
        note("flush", path, path.read_bytes() if path.is_file() else None)

    def mkdir(path, *arguments, **options):
        originals["mkdir"](path, *arguments, **options)
        note("mkdir", place(path))

    def rename(path, other):
        originals["rename"](path, other)
        note("rename", place(path), place(other))

    def removing(name):
        def remove(path, *, dir_fd=None):
            originals[name](path, dir_fd=dir_fd)
            note("remove", place(path, dir_fd))

        return remove

    def opening(path, mode="r", *arguments, **options):
        file = originals["open"](path, mode, *arguments, **options)
        if set("wx") & set(mode) and not isinstance(path, int):
            note("create", place(path))
        return file

    for name, call in {"fsync": fsync, "mkdir": mkdir, "rename": rename, "replace": rename}.items():
        monkeypatch.setattr(os, name, call)
    for name in ("unlink", "rmdir"):
        monkeypatch.setattr(os, name, removing(name))
    monkeypatch.setattr(io, "open", opening)
    yield log
    assert log


def cuts(log: list[tuple], root: Path, places: Path, shares: tuple[float, ...]) -> Iterator[tuple]:
    """Yield after each call, for each share, how many calls were made and what is left of them."""
    draw, disk = random.Random(0), Disk(root)
    for done in range(len(log) + 1):
        if done:
            disk.do(*log[done - 1])
        for share in shares:
            place = places / f"{done}-{share}"
            disk.lay_out(place, share, draw)
            yield done, place


def state_at(step: int) -> State:
    model = nn.Linear(3, 2)
    state = State(model, make_optimizer(model, "sgd", learning_rate=0.1))
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.fill_(step)
    state.step = step
    return state


def test_a_cut_within_a_save_leaves_the_old_or_the_new(calls, monkeypatch, tmp_path):
    folder = tmp_path / "disk" / "checkpoint"
    saved = []
    # At the end of an epoch, a step may be saved twice.
    for step in (1, 2, 3, 3, 4):
        _checkpoint.save(state_at(step), folder)
        saved.append((len(calls), step))
    monkeypatch.undo()
    # The folder of a run is flushed when its settings are written, right after the first save.
    first, _ = saved[0]
    calls.insert(first, ("flush", tmp_path / "disk", None))
    found = set()
    for done, place in cuts(calls, tmp_path / "disk", tmp_path / "cut", (0.0, 0.5, 1.0)):
        finished = [step for calls_made, step in saved if calls_made + 1 <= done]
        if not finished:
            continue
        state = state_at(-1)
        _checkpoint.restore(state, place / "checkpoint")
        # The second save of a step takes the place of the first.
        is_second = len(finished) == 3
        assert state.step >= finished[-1] - is_second, done
        assert {*state.model.weight.detach().flatten().tolist()} == {float(state.step)}
        found.add(state.step)
    assert found == {1, 2, 3, 4}


def test_a_cut_anywhere_in_a_training_leaves_a_run_or_a_free_folder(
    calls, monkeypatch, three_classes, tmp_path
):
    path = tmp_path / "disk" / "runs" / "one"
    run = tw.fit(
        "mlp", three_classes, epochs=1, batch_size=64, checkpoint_every=1, out=path, progress=False
    )
    monkeypatch.undo()
    ends = set()
    for done, place in cuts(calls, tmp_path / "disk", tmp_path / "cut", (0.0, 0.5, 1.0)):
        folder = place / "runs" / "one"
        if not (folder / "config.toml").exists():
            with RunFolder(folder).claimed():
                ends.add("free")
            assert done < len(calls)
            continue
        left = tw.train.Run.peek(folder)
        if left.status.is_over:
            assert tw.train.Run.load(folder).status == run.status
            assert (folder / "model.safetensors").read_bytes() == (
                path / "model.safetensors"
            ).read_bytes()
            ends.add("over")
        else:
            model = left.settings.recipe(left.schema.encoder.shape, left.task.outputs).build()
            state = State(model, make_optimizer(model, "adamw", learning_rate=0.1))
            _checkpoint.restore(state, folder / "checkpoint")
            ends.add("to be resumed")
    assert ends == {"free", "to be resumed", "over"}
