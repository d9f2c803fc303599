"""From anything that holds data to three parts, encoded alike."""

import hashlib
from pathlib import Path
from typing import Any

import numpy as np

from thalweg._core import formats
from thalweg._core.choices import Choice
from thalweg.data._duplicates import find_duplicates
from thalweg.data._partition import SplitRule, partition
from thalweg.data._source import Raw, check_options, find_source, sources
from thalweg.data._splits import PARTS, Examples, Schema, Splits
from thalweg.data._targets import KINDS, Kind, infer_target, is_missing, with_statistics
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
        data: The name of a builtin set, a path, an array or tensor, or any data frame;
            `thalweg data` lists what can be loaded.
        target: What to predict: an array beside `data`, or the name of a column.
        kind: "category", "multilabel" or "number". By default read off the values.
        valid: Share of the examples for validation.
        test: Share of the examples for the final test.
        split: "stratified", "random", "group" or "time". Stratified by default where there
            are classes; "group" and "time" need the option of that name.
        seed: Of the split, and of builtin sets that are generated.
        **options: What the source takes, such as `size` for images or `group` for tables.

    Raises:
        DataError: The data cannot be used; the message says what to do.
        SettingError: An option that this source does not take.

    Example:
        >>> import thalweg as tw
        >>> tw.load("iris")
        Splits(iris: 105 train, 22 valid, 23 test; table 4 → 3 classes)
    """
    if kind is not None and kind not in KINDS:
        raise SettingError(f"kind must be one of {', '.join(KINDS)}, got {kind!r}.")
    rule = SplitRule(valid=valid, test=test, by=split, seed=seed)
    name = find_source(data, options)
    source = sources[name]
    check_options(source.read, list(options), f"the source {name!r}")
    raw = source.read(data, target, **options)
    choices = list(raw.choices)
    raw = _drop_without_target(raw, choices)
    described, choice = infer_target(raw.targets, raw.target_names, kind)
    choices += [choice] if choice else []

    duplicates = find_duplicates(raw.inputs)
    choices += duplicates.choices
    classes = described.encode(raw.targets).numpy() if described.kind == "category" else None
    parts, split_choices = partition(raw, classes, duplicates.groups, rule)
    choices += split_choices
    rows = {part: np.flatnonzero(parts == part) for part in PARTS}
    described = with_statistics(described, raw.targets[rows["train"]])
    encoder, fitted = raw.inputs.select(rows["train"]).fit()
    choices += fitted

    def examples(part: str) -> Examples:
        chosen = raw.select(rows[part])
        return Examples(
            inputs=encoder.encode(chosen.inputs),
            targets=described.encode(chosen.targets),
            names=chosen.names,
        )

    is_named = isinstance(data, (str, Path))
    given = {"target": target, "kind": kind, "valid": valid, "test": test, "split": split}
    schema = Schema(
        source=_source_name(data, name),
        is_reloadable=is_named and (target is None or isinstance(target, (str, list))),
        options={
            key: value
            for key, value in {**given, "seed": seed, **options}.items()
            if value is not None and (is_named or key != "target")
        },
        encoder=encoder,
        target=described,
        counts={part: len(rows[part]) for part in PARTS},
        duplicates={"exact": duplicates.exact, "near": duplicates.near},
        fingerprint=_fingerprint(raw, parts),
        choices=choices,
    )
    return Splits(*(examples(part) for part in PARTS), schema=schema)


def _drop_without_target(raw: Raw, choices: list[Choice]) -> Raw:
    """Return the examples that have a target, and note how many have none."""
    missing = is_missing(raw.targets)
    if not missing.any():
        return raw
    name = raw.target_names[0]
    if missing.all():
        raise DataError(f"target {name!r} is missing in every example. Name another column.")
    reason = f"{formats.count(missing.sum())} examples without {name!r} cannot be learned from"
    choices.append(Choice("dropped", int(missing.sum()), reason))
    return raw.select(np.flatnonzero(~missing))


def _source_name(data: Any, source: str) -> str:
    if isinstance(data, Path):
        return str(data)
    return data if isinstance(data, str) else source


def _fingerprint(raw: Raw, parts: np.ndarray) -> str:
    """Return a digest of every example, its target and its part."""
    total = hashlib.blake2b(digest_size=16)
    for digest, target, part in zip(raw.inputs.digests(), raw.targets, parts, strict=True):
        total.update(hashlib.blake2b(digest, digest_size=16).digest())
        total.update(repr(target.tolist() if isinstance(target, np.ndarray) else target).encode())
        total.update(part.encode())
    return total.hexdigest()
