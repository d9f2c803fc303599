"""From anything that holds data to three parts, encoded alike."""

import hashlib
import inspect
import json
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

from thalweg._core import formats
from thalweg._core.choices import Choice
from thalweg.data._duplicates import find_duplicates
from thalweg.data._partition import SplitRule, partition
from thalweg.data._source import Raw, check_options, find_source, sources
from thalweg.data._splits import PARTS, Examples, Schema, Splits
from thalweg.data._target_values import is_missing
from thalweg.data._targets import KINDS, Kind, Target, infer_target, with_statistics
from thalweg.errors import DataError, SettingError


def load(
    data: Any,
    target: Any = None,
    *,
    kind: Kind | None = None,
    valid: float = 0.15,
    test: float = 0.15,
    split: str | None = None,
    seed: int = 0,
    **options: Any,
) -> Splits:
    """Load data, split them three ways, and fit their preprocessing on the training part.

    Args:
        data: The name of a builtin set, a path, an array or tensor, any data frame, or a torch
            Dataset; `thalweg data` lists what can be loaded. Splits come back unchanged.
        target: What to predict: an array beside `data`, or the name of a column.
        kind: "category", "multilabel" or "number". By default read off the values.
        valid: Share of the examples for validation.
        test: Share of the examples for the final test.
        split: "stratified", "random", "group" or "time". Stratified by default where there
            are classes; "group" and "time" need the option of that name.
        seed: Of the split, and of the points of builtin sets that are generated.
        **options: What the source takes, such as `size` for images or `group` for tables.

    Raises:
        DataError: The data cannot be used; the message says what to do.
        SettingError: An option that this source does not take.

    Example:
        >>> import thalweg as tw
        >>> tw.load("iris")
        Splits(iris: 105 train, 23 valid, 22 test; table 4 → 3 classes)
    """
    if isinstance(data, Splits):
        if target is not None or kind is not None or split is not None or options:
            raise SettingError("these data are split already; load their source to change them.")
        return data
    if kind is not None and kind not in KINDS:
        raise SettingError(f"kind must be one of {', '.join(KINDS)}, got {kind!r}.")
    rule = SplitRule(valid=valid, test=test, by=split, seed=seed)
    source, raw = _read(data, target, seed, options)
    choices = list(raw.choices)
    raw = _drop_without_target(raw, choices)
    described, choice = infer_target(raw.targets, raw.target_names, kind)
    choices += [choice] if choice else []

    duplicates = find_duplicates(raw.inputs)
    choices += duplicates.choices
    encoded = described.encode(raw.targets)
    classes = encoded.numpy() if described.kind == "category" else None
    parts, split_choices = partition(raw, classes, duplicates.groups, rule)
    choices += split_choices
    rows = {part: np.flatnonzero(parts == part) for part in PARTS}
    described = with_statistics(described, raw.targets[rows["train"]])
    encoder, fitted = raw.inputs.select(rows["train"]).fit()
    choices += fitted

    def examples(part: str) -> Examples:
        return Examples(
            inputs=encoder.encode(raw.inputs.select(rows[part])),
            targets=encoded[rows[part]],
            names=tuple(raw.names[row] for row in rows[part]),
        )

    is_named = isinstance(data, (str, Path))
    given = {"kind": kind, "valid": valid, "test": test, "split": split, "seed": seed, **options}
    if is_named or isinstance(target, str):
        given["target"] = target
    plain, is_whole = _plain(given)
    schema = Schema(
        source=_address(data, source),
        name=_called(data, source),
        is_reloadable=is_named and is_whole,
        options=plain,
        encoder=encoder,
        target=described,
        counts={part: len(rows[part]) for part in PARTS},
        duplicates={"exact": duplicates.exact, "near": duplicates.near},
        fingerprint=_fingerprint(raw, described, encoded, parts),
        choices=choices,
    )
    return Splits(*(examples(part) for part in PARTS), schema=schema)


def _read(data: Any, target: Any, seed: int, options: dict[str, Any]) -> tuple[str, Raw]:
    """Return the name of the source that takes the data, and what it reads.

    A source whose reader takes a seed gets that of the split.
    """
    name = find_source(data, options)
    read = sources[name].read
    check_options(read, options, f"the source {name!r}")
    if "seed" in inspect.signature(read).parameters:
        options = {**options, "seed": seed}
    raw = read(data, target, **options)
    if len(raw.inputs) == 0:
        raise DataError(f"there must be examples to learn from, got none in {_called(data, name)}.")
    column = getattr(target, "name", None)
    if raw.target_names == ("target",) and isinstance(column, str):
        # A pandas or polars series beside the inputs knows what it holds.
        raw.target_names = (column,)
    return name, raw


def _drop_without_target(raw: Raw, choices: list[Choice]) -> Raw:
    """Return the examples that have a target, and note how many have none."""
    missing = is_missing(raw.targets)
    if not missing.any():
        return raw
    name = raw.target_names[0]
    if missing.all():
        raise DataError(f"target {name!r} is missing in every example. Name another column.")
    number = int(missing.sum())
    reason = f"{formats.count(number)} examples without {name!r} cannot be learned from"
    choices.append(Choice("dropped", number, reason))
    return raw.select(np.flatnonzero(~missing))


def _called(data: Any, source: str) -> str:
    """Return what a person calls the data."""
    return formats.plain(data) if isinstance(data, (str, Path)) else source


def _address(data: Any, source: str) -> str:
    """Return what loads the data again from any folder; the source's name where nothing does."""
    if not isinstance(data, (str, Path)):
        return source
    path = Path(data)
    return str(path.resolve()) if source != "builtin" and path.exists() else str(data)


def _plain(options: dict[str, Any]) -> tuple[dict[str, Any], bool]:
    """Return the options that were given, paths as text, and whether that is all of them.

    Arrays and the like, which JSON cannot hold, are left out.
    """
    given = {name: value for name, value in options.items() if value is not None}
    kept = {}
    for name, value in given.items():
        text = str(value.resolve()) if isinstance(value, Path) else value
        try:
            json.dumps(text, allow_nan=False)
        except (TypeError, ValueError):
            continue
        kept[name] = text
    return kept, len(kept) == len(given)


def _fingerprint(raw: Raw, target: Target, encoded: Tensor, parts: np.ndarray) -> str:
    """Return a digest of every example, its target and its part."""
    digests = raw.inputs.digests()
    total = hashlib.blake2b(digest_size=16)
    # Lengths first, so that no two lists of digests run together into the same bytes.
    total.update(np.array([len(digest) for digest in digests], dtype="<i8").tobytes())
    for digest in digests:
        total.update(digest)
    total.update(repr((target.kind, target.names, target.classes)).encode())
    total.update(encoded.numpy().tobytes())
    total.update("".join(part[0] for part in parts).encode())
    return total.hexdigest()
