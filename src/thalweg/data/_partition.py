"""Which examples train, which validate, which test."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Int, Shaped

from thalweg._core import formats
from thalweg._core.choices import Choice
from thalweg._core.registry import did_you_mean
from thalweg.data._duplicates import components
from thalweg.data._quotas import by_quota, shuffled
from thalweg.data._source import Raw
from thalweg.data._splits import PARTS
from thalweg.errors import DataError, SettingError

WAYS = ("stratified", "random", "group", "time")

# Quantile bins of a numeric target; more would hold too few examples to be shared out evenly.
MOST_BINS = 10
FEWEST_PER_BIN = 10
# Where groups are so large that a part misses its share by more than this, it is said.
LARGEST_MISS = 0.05


@dataclass(frozen=True)
class SplitRule:
    """How much goes to each part, and by what."""

    valid: float = 0.15
    """Share of the examples for validation."""
    test: float = 0.15
    """Share of the examples for the final test."""
    by: str | None = None
    """One of WAYS; None chooses."""
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("valid", "test"):
            share = getattr(self, name)
            if (
                not isinstance(share, (int, float))
                or isinstance(share, bool)
                or not 0 <= share <= 1
            ):
                raise SettingError(f"{name} must be a share between 0 and 1, got {share!r}.")
        if self.valid + self.test >= 1:
            raise SettingError(
                f"valid and test must leave a share to train on, got {self.valid} and {self.test}, "
                f"which sum to {self.valid + self.test:g}. The default is 0.15 each."
            )
        if isinstance(self.seed, bool) or not isinstance(self.seed, int):
            raise SettingError(f"seed must be a whole number, got {self.seed!r}.")
        if self.by is not None and self.by not in WAYS:
            hint = did_you_mean(self.by, WAYS)
            raise SettingError(f"split must be one of {', '.join(WAYS)}, got {self.by!r}. {hint}")


def partition(
    raw: Raw,
    classes: Int[np.ndarray, " examples"] | None,
    groups: Int[np.ndarray, " examples"],
    rule: SplitRule,
) -> tuple[Shaped[np.ndarray, " examples"], list[Choice]]:
    """Return the part of each example, "train", "valid" or "test", and what was decided.

    Examples of one group, the user's or one of duplicates, are a unit that is never cut.
    Parts that the source fixes stay; one that it lacks is carved out of its training part.

    Args:
        raw: The examples.
        classes: The class of each, where the target is a category.
        groups: Equal numbers for examples that repeat one another.
        rule: The shares and what to split by.

    Raises:
        DataError: Too few examples, groups or times to make the parts.
        SettingError: The data lack what the rule splits by.
    """
    fixed = _fixed_parts(raw)
    shares = np.array([0.0, *(0.0 if part in fixed else getattr(rule, part) for part in PARTS[1:])])
    shares[0] = 1.0 - shares.sum()
    movable = np.flatnonzero((fixed == "train") | (fixed == ""))
    needed = np.count_nonzero(shares)
    if len(movable) < needed:
        raise DataError(
            f"at least {needed} examples are needed for {needed} parts, got {len(movable)}. "
            "Load more, or pass valid=0 and test=0."
        )
    if needed > 1 and classes is not None and (np.bincount(classes) <= 1).all():
        raise DataError(
            f"target {raw.target_names[0]!r} has {formats.count(len(classes))} classes with one "
            "example each, so none can be both learned and tested. Choose another target, or "
            "kind='number'; or pass valid=0 and test=0."
        )
    units = _units(groups, raw.groups)
    parts = np.where(fixed == "", "train", fixed)
    choices = _told_fixed(fixed, units) if raw.parts is not None else []
    if needed > 1:
        by, reason = _way(raw, classes, rule)
        if rule.by is None:
            choices.append(Choice("split", by, reason))
        units = np.unique(units[movable], return_inverse=True)[1]
        if by == "time":
            numbers = _by_time(_ranks(raw)[movable], units, shares)
        else:
            _check_groups(units, by, int(needed))
            strata = _strata(raw, classes, by)[movable]
            numbers = by_quota(strata, units, shuffled(units, rule.seed), shares)
        parts[movable] = np.array(PARTS)[numbers]
        choices += _told_misses(numbers, shares)
    if classes is not None:
        choices += _told_classes(raw.targets, classes, parts)
    return parts, choices


def _way(raw: Raw, classes: np.ndarray | None, rule: SplitRule) -> tuple[str, str]:
    """Return what to split by, and why."""
    for way, column in (("time", raw.times), ("group", raw.groups)):
        if rule.by == way and column is None:
            raise SettingError(f"split={way!r} needs {way}=: a column, or the values themselves.")
    if rule.by == "stratified" and classes is None and not _is_number(raw):
        raise SettingError(
            "split='stratified' needs classes or a single number as target. Use split='random'."
        )
    if rule.by is not None:
        return rule.by, "as asked"
    if raw.times is not None:
        return "time", "times are given: the oldest train, the newest test"
    if raw.groups is not None:
        return "group", "groups are given: none is on two sides"
    if classes is not None:
        return "stratified", "each class has the same share of every part"
    if _is_number(raw) and len(raw.targets) >= 2 * FEWEST_PER_BIN:
        return "stratified", "quantiles of the target have the same share of every part"
    return "random", "there are no classes to balance"


def _strata(raw: Raw, classes: np.ndarray | None, by: str) -> np.ndarray:
    """Return what is to have the same share of every part: classes, quantiles, or all as one."""
    if by != "random" and classes is not None:
        return classes
    bins = min(MOST_BINS, len(raw.targets) // FEWEST_PER_BIN)
    if by == "random" or bins < 2 or not _is_number(raw):
        return np.zeros(len(raw.targets), dtype=int)
    edges = np.quantile(raw.targets, np.linspace(0, 1, bins + 1)[1:-1])
    return np.unique(np.searchsorted(edges, raw.targets), return_inverse=True)[1]


def _is_number(raw: Raw) -> bool:
    return raw.targets.ndim == 1 and raw.targets.dtype.kind in "fiu"


def _units(duplicates: np.ndarray, groups: np.ndarray | None) -> np.ndarray:
    """Return a number per example, equal where a group or a repetition joins two of them."""
    numbers = np.unique(duplicates, return_inverse=True)[1]
    if groups is None:
        return numbers
    seen: dict[Any, int] = {}
    # An example whose group is missing (None, NaN) is a group of its own.
    keys = (row if g is None or g != g else (g,) for row, g in enumerate(groups.tolist()))
    own = np.array([seen.setdefault(key, len(seen)) for key in keys], dtype=int)
    # A duplicate's number and a group's number are nodes; each example links its two.
    first = int(numbers.max(initial=-1)) + 1
    nodes = components(np.stack([numbers, own + first], axis=1), first + len(seen))
    return nodes[numbers]


def _by_time(ranks: np.ndarray, units: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """Return the number of each example's part: the oldest train, the newest test.

    A unit counts as its newest example, so that nothing trains that is newer than a test
    example's unit. Equal times stay together.
    """
    newest = np.zeros(int(units.max()) + 1, dtype=int)
    np.maximum.at(newest, units, ranks)
    _, block, sizes = np.unique(newest[units], return_inverse=True, return_counts=True)
    if len(sizes) < 2:
        raise DataError(
            "at least two distinct times are needed to split by time, and all examples have one. "
            "Name another column, or pass split='random'."
        )
    ends = np.cumsum(sizes)
    train, valid, test = shares
    some_valid, some_test = int(valid > 0), int(test > 0 and len(sizes) > 1 + (valid > 0))
    first = 1 + int(np.argmin(np.abs(ends - len(units) * train)))
    first = int(np.clip(first, 1, len(sizes) - some_valid - some_test))
    second = 1 + int(np.argmin(np.abs(ends - len(units) * (train + valid))))
    second = int(np.clip(second, first + some_valid, len(sizes) - some_test))
    if valid == 0:
        second = first
    return (block >= first).astype(int) + (block >= second)


def _check_groups(units: np.ndarray, by: str, needed: int) -> None:
    number = int(units.max()) + 1
    if by == "group" and number < needed:
        raise DataError(
            f"at least {needed} groups are needed to split by group into {needed} parts, got "
            f"{number}. Name another column, pass test=0, or split='random'."
        )


def _ranks(raw: Raw) -> np.ndarray:
    """Return the rank of each time; equal times have equal ranks."""
    times = raw.times
    assert times is not None
    missing = np.array([time is None or time != time for time in times.tolist()])
    if times.dtype.kind == "M":
        missing |= np.isnat(times)
    if missing.any():
        row = int(np.flatnonzero(missing)[0])
        raise DataError(
            f"every example needs a time to split by time, and {int(missing.sum())} have none, "
            f"the first at example {row}. Drop them, or pass split='random'."
        )
    try:
        return np.unique(times, return_inverse=True)[1]
    except TypeError as error:
        raise DataError(f"times must be comparable with one another: {error}.") from None


def _fixed_parts(raw: Raw) -> np.ndarray:
    """Return the part that the source names for each example; "" where it names none."""
    if raw.parts is None:
        return np.full(len(raw.inputs), "", dtype="<U5")
    fixed = ["" if part is None else str(part) for part in raw.parts.tolist()]
    for row, part in enumerate(fixed):
        if part and part not in PARTS:
            raise DataError(
                f"a part must be 'train', 'valid' or 'test', got {formats.plain(part)!r} "
                f"at example {row}."
            )
    if not {"", "train"} & set(fixed):
        raise DataError("there are no training examples: the source names only valid and test.")
    return np.array(fixed, dtype="<U5")


def _told_fixed(fixed: np.ndarray, units: np.ndarray) -> list[Choice]:
    """Return that the source fixed parts, and how many examples leak between them."""
    present = [part for part in PARTS if part in fixed]
    reason = f"the source names its parts: {', '.join(present)}"
    if len(present) < len(PARTS):
        reason += "; what it lacks comes out of training"
    choices = [Choice("split", "fixed", reason)]
    stage = np.select([fixed == "test", fixed == "valid"], [2, 1], 0)
    earliest = np.full(int(units.max()) + 1, 2)
    np.minimum.at(earliest, units, stage)
    leaks = int((stage > earliest[units]).sum())
    if leaks:
        reason = (
            f"{formats.count(leaks)} validation or test examples repeat one of an earlier part, or "
            "share its group; they stay where the source put them"
        )
        choices.append(Choice("leak", leaks, reason))
    return choices


def _told_classes(targets: np.ndarray, classes: np.ndarray, parts: np.ndarray) -> list[Choice]:
    """Return which classes are too rare to be tested, never trained, or absent from a part."""
    counts = np.bincount(classes)
    trained = np.bincount(classes[parts == "train"], minlength=len(counts))
    told = [
        ("rare classes", (counts == 1) & (trained == 1), "one example each, and it trains"),
        ("unseen classes", trained == 0, "no training example, so never predicted"),
    ]
    for part in PARTS[1:]:
        here = np.bincount(classes[parts == part], minlength=len(counts))
        if here.any():
            absent = (here == 0) & (trained > 0) & (counts > 1)
            told.append((f"classes not in {part}", absent, "no example there, so not measured"))
    choices = []
    for setting, found, reason in told:
        names = [targets[int(np.argmax(classes == k))] for k in np.flatnonzero(found)]
        if names:
            listed = formats.plain(", ".join(map(str, names)))
            choices.append(Choice(setting, len(names), f"{reason}: {listed}"))
    return choices


def _told_misses(numbers: np.ndarray, shares: np.ndarray) -> list[Choice]:
    """Return which parts miss their share because units cannot be cut."""
    choices = []
    for part, share in enumerate(shares):
        got = float((numbers == part).mean())
        is_empty = share > 0 and got == 0
        if part and (is_empty or abs(got - share) > max(LARGEST_MISS, 1 / len(numbers))):
            reason = (
                f"{formats.percent(share)} was asked for; classes, groups, duplicates or equal "
                "times are not cut"
            )
            choices.append(Choice(f"share of {PARTS[part]}", round(got, 4), reason))
    return choices
