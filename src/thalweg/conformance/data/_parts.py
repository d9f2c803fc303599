"""Parts: whole, apart from one another, and described as they are."""

from hashlib import blake2b

import torch
from torch import Tensor

from thalweg.conformance._suite import NotApplicable, Verdict
from thalweg.conformance.data._case import SPLITS, SplitsCase
from thalweg.data import PARTS, Examples, Target

# Choices of `tw.load` that tell of equal examples in several parts.
TOLD = ("leak", "duplicates")
# Moments are computed in double precision from targets kept in single.
ROUNDING = 1e-5


@SPLITS.check("Give each example one input, one target and one name.", is_gate=True)
def check_parts(case: SplitsCase) -> Verdict:
    """Each part has an input, a target and a name for each example that the schema counts."""
    for part in PARTS:
        examples = case.splits[part]
        lengths = {len(examples.inputs), len(examples.targets), len(examples.names)}
        if lengths != {case.splits.schema.counts[part]}:
            return (
                f"{len(examples.inputs)} inputs, {len(examples.targets)} targets, "
                f"{len(examples.names)} names in {part}, and a count of "
                f"{case.splits.schema.counts[part]}."
            )
    return None if len(case.splits.train) else "an empty training part."


@SPLITS.check("Encode targets with schema.target.encode.")
def check_targets(case: SplitsCase) -> Verdict:
    """Targets are what the schema says: class numbers, or rows of indicators or finite numbers."""
    target = case.splits.schema.target
    for part in PARTS:
        if wrong := _wrong_targets(case.splits[part].targets, target):
            return f"{wrong} in {part}."
    return None


@SPLITS.check("Put each example into one part.")
def check_parts_apart(case: SplitsCase) -> Verdict:
    """No example, by its name, is in two parts."""
    parts = [case.splits[part].names for part in PARTS]
    if any(len(set(names)) < len(names) for names in parts):
        return NotApplicable("names repeat, so that they tell no example from another")
    seen: dict[str, str] = {}
    for part, names in zip(PARTS, parts, strict=True):
        for name in names:
            if name in seen:
                return f"{name!r} in {seen[name]} and in {part}."
            seen[name] = part
    return None


@SPLITS.check(
    "Keep copies together: give them one group, or let tw.load split, which finds them itself."
)
def check_no_copies_across(case: SplitsCase) -> Verdict:
    """No example equals one of another part, unless the choices tell of it."""
    told = [choice for choice in case.splits.schema.choices if choice.setting in TOLD]
    if told:
        return NotApplicable(f"the choices tell: {told[0].reason}")
    seen: dict[bytes, str] = {}
    for part in PARTS:
        for name, digest in zip(case.splits[part].names, _digests(case.splits[part]), strict=True):
            if seen.setdefault(digest, part) != part:
                return f"{name!r} of {part} equals an example of {seen[digest]}."
    return None


@SPLITS.check("Split by classes (split='stratified'), drop the class, or find examples of it.")
def check_every_class_trains(case: SplitsCase) -> Verdict:
    """Every class, and every label, has an example in the training part."""
    target = case.splits.schema.target
    if target.kind == "number":
        return NotApplicable("the target is a number")
    counts = _counts(case.splits.train.targets, target)
    absent = [str(name) for name, count in zip(target.classes, counts, strict=True) if not count]
    return f"none of {', '.join(absent[:5])}." if absent else None


@SPLITS.check("Take counts, means and deviations of the target from the training part alone.")
def check_statistics_of_target(case: SplitsCase) -> Verdict:
    """The counts, or mean and deviation, of the target are those of the training part."""
    target, targets = case.splits.schema.target, case.splits.train.targets
    if target.kind != "number":
        counts = _counts(targets, target)
        return None if target.counts == counts else f"counts {target.counts}, not {counts}."
    numbers = targets.double()
    scale = numbers.std(dim=0, correction=0)
    for what, found, expected in (
        ("mean", target.mean, numbers.mean(dim=0)),
        ("deviation", target.scale, torch.where(scale > 0, scale, 1.0)),
    ):
        # A mean is as exact as the numbers are large.
        size = numbers.abs().max().clamp_min(1e-30)
        if bool(((torch.tensor(found) - expected).abs() > ROUNDING * size).any()):
            return f"{what} {found}, not {tuple(expected.tolist())}."
    return None


def _wrong_targets(targets: Tensor, target: Target) -> str | None:
    if target.kind == "category":
        if targets.dtype != torch.long or targets.ndim != 1:
            return f"{targets.dtype} of shape {tuple(targets.shape)}"
        if len(targets) and not 0 <= int(targets.min()) <= int(targets.max()) < len(target.classes):
            return f"class numbers from {int(targets.min())} to {int(targets.max())}"
        return None
    columns = len(target.classes if target.kind == "multilabel" else target.names)
    if targets.dtype != torch.float32 or targets.shape[1:] != (columns,):
        return f"{targets.dtype} of shape {tuple(targets.shape)}"
    if not bool(torch.isfinite(targets).all()):
        return "values that are no finite numbers"
    if target.kind == "multilabel" and not bool(((targets == 0) | (targets == 1)).all()):
        return "indicators other than zero and one"
    return None


def _counts(targets: Tensor, target: Target) -> tuple[int, ...]:
    if target.kind == "category":
        return tuple(torch.bincount(targets, minlength=len(target.classes)).tolist())
    return tuple(int(total) for total in targets.sum(dim=0).tolist())


def _digests(examples: Examples) -> list[bytes]:
    return [
        blake2b(row.contiguous().numpy().tobytes(), digest_size=16).digest()
        for row in examples.inputs
    ]
