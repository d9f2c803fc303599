"""Folders of pictures: a folder per class, or parts that hold a folder per class."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from thalweg._core import formats
from thalweg._core.choices import Choice
from thalweg.data._parts import PART_NAMES
from thalweg.data._source import Raw, Source, sources
from thalweg.data.images._decoding import decode
from thalweg.data.images._image_files import FORMATS
from thalweg.data.images._pictures import files_under, named, readable, refuse_folder
from thalweg.data.images._wanted import Wanted, of_pictures
from thalweg.errors import DataError, SettingError

LAYOUTS = (
    "put pictures into a folder per class (cats/1.jpg, dogs/2.jpg), or into parts that hold a "
    "folder per class (train/cats/1.jpg, test/cats/2.jpg); or list them in a table, "
    "tw.load('table.csv', target='label', images='file')"
)


@dataclass
class _Found:
    """Picture files with their classes, and what else there is."""

    paths: list[Path] = field(default_factory=list)
    classes: list[str] = field(default_factory=list)
    parts: list[str] = field(default_factory=list)
    empty: list[Path] = field(default_factory=list)
    """Class folders without a picture."""
    homeless: list[Path] = field(default_factory=list)
    """Pictures outside any class folder."""
    others: list[Path] = field(default_factory=list)
    """Files that are no pictures."""
    deeper: list[Path] = field(default_factory=list)
    """Folders with pictures inside class folders; the outer folder is the class."""

    def add(self, folder: Path, part: str) -> None:
        """Take the class folders of one part."""
        pictures, others = files_under(folder, deep=False)
        self.homeless += pictures
        self.others += others
        for child in subfolders(folder):
            pictures, others = files_under(child)
            self.others += others
            if not pictures:
                self.empty.append(child)
            self.deeper += dict.fromkeys(each.parent for each in pictures if each.parent != child)
            self.paths += pictures
            self.classes += [readable(child.name)] * len(pictures)
            self.parts += [part] * len(pictures)


def _accepts(data: Any) -> bool:
    return isinstance(data, (str, Path)) and is_folder(data)


@of_pictures
def _read(data: Any, target: Any = None, *, wanted: Wanted) -> Raw:
    root = Path(data)
    if target is not None:
        raise SettingError(
            "a folder of pictures has its classes in the names of its folders, so that target= "
            "means nothing. Leave it out, or pass a table with images='file'."
        )
    found, has_parts = _find(root)
    if not found.paths:
        raise DataError(_why_none(root, found))
    _refuse_one(root, found)
    names = [readable(path.relative_to(root)) for path in found.paths]
    decoded = decode(found.paths, names, wanted, str(root.resolve()))
    return Raw(
        inputs=decoded.inputs,
        targets=np.array(found.classes, dtype=object)[decoded.kept],
        names=tuple(names[row] for row in decoded.kept),
        target_names=("class",),
        parts=np.array(found.parts, dtype=object)[decoded.kept] if has_parts else None,
        choices=[*_told(root, found), *decoded.choices],
    )


sources.register("folders", summary="a folder of pictures with a folder per class")(
    Source(_accepts, _read)
)


def is_folder(data: str | Path) -> bool:
    """Return True for the path of a folder, False for anything else that a user may type."""
    try:
        return Path(data).is_dir()
    except OSError:
        return False


def subfolders(folder: Path) -> list[Path]:
    """Return the folders in a folder, by name, hidden ones left out."""
    try:
        return sorted(path for path in folder.iterdir() if path.name[0] != "." and path.is_dir())
    except OSError as error:
        refuse_folder(error)


def _find(root: Path) -> tuple[_Found, bool]:
    """Return the pictures of a folder, and whether it says which part they belong to."""
    found = _Found()
    parts = {child: PART_NAMES.get(child.name.lower()) for child in subfolders(root)}
    if "train" not in parts.values():
        parts = _compound(list(parts)) or parts
    # A class may be called "train" (vehicles), but then it holds pictures and no folders.
    has_parts = any(part == "train" and subfolders(child) for child, part in parts.items())
    if not has_parts:
        if parts and all(parts.values()) and all(map(subfolders, parts)):
            # As classes, "valid" and "test" would be learned, and nobody would notice.
            there = named([child.name for child in parts])
            raise DataError(
                f"the folder {formats.plain(readable(root))} has the parts {there}, but none to "
                "train on. Add a folder 'train', or load one of them by itself."
            )
        found.add(root, "")
        return found, False
    found.homeless, found.others = files_under(root, deep=False)
    for child, part in parts.items():
        if part is None:
            pictures, others = files_under(child)
            found.homeless += pictures
            found.others += others
        else:
            found.add(child, part)
    return found, True


def _compound(folders: list[Path]) -> dict[Path, str | None]:
    """Return the parts of folders such as "training_set" and "test_set"; none if one is no part.

    All must be parts, or a class "bullet_train" among other vehicles would be one.
    """
    parts: dict[Path, str | None] = {}
    for folder in folders:
        words = re.split(r"[^a-z0-9]+", folder.name.lower())
        named = {PART_NAMES[word] for word in words if word in PART_NAMES}
        if len(named) != 1 or not subfolders(folder):
            return {}
        parts[folder] = named.pop()
    return parts if len(set(parts.values())) == len(parts) > 1 else {}


def _refuse_one(root: Path, found: _Found) -> None:
    """Refuse to train on one class; where it holds folders, the data may lie further down.

    Raises:
        DataError: That is so.
    """
    training = [row for row, part in enumerate(found.parts) if part in ("", "train")]
    if len({found.classes[row] for row in training}) != 1:
        return
    first = training[0]
    if not found.deeper:
        raise DataError(
            f"the folder {formats.plain(readable(root))} has one class to train on, "
            f"{formats.plain(repr(found.classes[first]))}, and at least two are needed: {LAYOUTS}. "
            "Boxes and outlines in files beside pictures are not read."
        )
    depth = 2 if found.parts[first] else 1
    inner = root.joinpath(*found.paths[first].relative_to(root).parts[:depth])
    raise DataError(
        f"the folder {formats.plain(readable(root))} has one class to train on, and inside of it "
        f"the folders {named([readable(each.name) for each in subfolders(inner)])}. At least two "
        "classes are needed. If these are the classes or parts, load "
        f"{formats.plain(readable(inner))}."
    )


def _told(root: Path, found: _Found) -> Iterator[Choice]:
    """Yield what was passed over, with its names, and what lies deeper than its class."""
    if found.deeper:
        names = named([readable(path.relative_to(root)) for path in found.deeper])
        reason = f"folders inside class folders, whose pictures belong to that class: {names}"
        yield Choice("merged", len(found.deeper), reason)
    for what, paths in (
        ("class folders without a picture", found.empty),
        ("pictures outside a class folder", found.homeless),
        ("files of other kinds", found.others),
    ):
        if paths:
            names = named([readable(path.relative_to(root)) for path in paths])
            yield Choice("ignored", len(paths), f"{what}: {names}")


def _why_none(root: Path, found: _Found) -> str:
    name = formats.plain(readable(root))
    if found.homeless:
        number = formats.count(len(found.homeless))
        return f"the folder {name} holds {number} pictures, but no classes: {LAYOUTS}."
    if not found.others and not found.empty:
        return f"the folder {name} is empty. To load pictures, {LAYOUTS}."
    if any(re.fullmatch(r"data_batch_\d|train|test", path.name) for path in found.others):
        return (
            f"the folder {name} looks like CIFAR in its Python version. That one is of pickles, "
            "which run what is in them when they are read. Take the binary version."
        )
    known = ", ".join(FORMATS)
    return f"the folder {name} holds no pictures ({known}). To load some, {LAYOUTS}."
