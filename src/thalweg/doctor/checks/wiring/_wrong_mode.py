"""Training in evaluation mode, or validation in training mode."""

from collections import Counter
from collections.abc import Iterator

from thalweg.doctor._finding import Finding, Remedy
from thalweg.doctor.checks._check import Answer, Unchecked, check
from thalweg.doctor.checks.reading import _reach
from thalweg.doctor.record import Evaluation, Record

FEWEST_STEPS = 4
# Steps in evaluation mode below this share are the last few before somebody calls train() again.
MOST_QUIET = 0.2
# A validation comes once in many steps; passes without gradients nearer to each other are a part
# of training: a teacher, a target network, samples to learn from.
LONGEST_SHARE = 0.2
# Where no loss function tells that a pass is a validation, its repetition must.
FEWEST_PASSES = 3
# Nearly all training steps have the same number of forward passes; the few with more follow a
# validation with gradients on.
USUAL = 0.8


@check("wrong-mode", explains=("batch-norm-small-batch",))
def check_wrong_mode(record: Record) -> Iterator[Answer]:
    """Find training in evaluation mode and the reverse, where that makes a difference."""
    if len(record.steps) < FEWEST_STEPS:
        yield Unchecked("fewer than four steps were seen")
        return
    yield from _stuck_dropout(record)
    if not any(facts.follows_mode for facts in record.modules.values()):
        return
    yield from _training(record)
    yield from _validation(record)


def _training(record: Record) -> Iterator[Answer]:
    parts = _trained_followers(record)
    if not parts:
        return
    if "" in record.modules:
        modes = [row.is_training for row in record.steps if row.backwards]
    else:
        modes = _modes_of_several(record, parts)
    quiet = modes.count(False)
    if quiet < FEWEST_STEPS or quiet <= MOST_QUIET * len(modes):
        return
    yield _finding(
        {
            "in evaluation mode": quiet,
            "of training steps": len(modes),
            "what this switches off": _reach.shortened(_kinds(record, parts)),
        },
        "Call model.train() at the beginning of every epoch, and after every evaluation; "
        "model.eval() stays in force until then.",
        0.97,
    )


def _trained_followers(record: Record) -> list[str]:
    """Return the modules that follow the mode, in parts that are trained.

    Batch norm and dropout in a frozen trunk are often kept in evaluation mode on purpose.
    """
    trained = [name for name, facts in record.parameters.items() if facts.optimizer is not None]
    trained = [name for name in trained if record.parameters[name].is_trainable]
    found = []
    for path, facts in record.modules.items():
        if not facts.follows_mode:
            continue
        around = path if facts.parameters else path.rpartition(".")[0]
        if any(name.startswith(f"{around}." if around else "") for name in trained):
            found.append(path)
    return found


def _modes_of_several(record: Record, parts: list[str]) -> list[bool]:
    """Return by sampled step whether the networks that it moves are in training mode."""
    modes = []
    for sample in record.samples:
        moved = {name.split(".")[0] for name, motion in sample.parameters.items() if motion.update}
        followed = {part.split(".")[0] for part in parts if part in sample.modules}
        roots = [sample.modules[root] for root in moved & followed if root in sample.modules]
        if roots:
            modes.append(all(root.is_training for root in roots))
    return modes


def _validation(record: Record) -> Iterator[Answer]:
    passes = [each for each in record.evaluations if each.forwards]
    measured = [each for each in passes if each.loss is not None]
    noisy = [each for each in passes if each.noisy_losses or (not measured and _is_like(each))]
    if measured:
        is_found = len(noisy) > MOST_QUIET * len(measured) and _is_rare(record, noisy)
    else:
        is_found = "" in record.modules and len(noisy) >= FEWEST_PASSES and _is_rare(record, noisy)
    if is_found:
        examples = sum(each.examples for each in noisy)
        yield _in_training_mode(record, len(noisy), examples, 0.97 if measured else 0.85)
        return
    yield from _with_gradients(record)


def _stuck_dropout(record: Record) -> Iterator[Answer]:
    stuck = sum(each.stuck_dropouts for each in record.evaluations)
    if stuck:
        yield _finding(
            {"dropouts in evaluation mode": stuck},
            "Tell functional dropout the mode, for by default it always drops: "
            "F.dropout(x, p, training=self.training); or use nn.Dropout.",
            0.9,
            "validation",
        )


def _is_like(each: Evaluation) -> bool:
    """Return whether all of a pass looks like training, less the learning."""
    is_seen = each.rows > 0 and each.seen_rows > each.rows / 2
    return each.noisy_forwards == each.alike_forwards == each.forwards and not is_seen


def _is_rare(record: Record, passes: list[Evaluation]) -> bool:
    steps = max(1, len(record.steps))
    if len(passes) <= LONGEST_SHARE * steps:
        return True
    rows = sum(each.rows for each in passes)
    return rows > 0 and sum(each.seen_rows for each in passes) < rows / 2


def _with_gradients(record: Record) -> Iterator[Answer]:
    """Find validation in training mode that leaves gradients on, seen as passes never used."""
    if len(record.optimizers) != 1 or "" not in record.modules:
        return
    rows = [row for row in record.steps[1:] if row.is_training]
    if not rows:
        return
    # As many for each backward pass: gathering gradients takes now more, now fewer of both.
    shares = [row.forwards / max(1, row.backwards) for row in rows]
    (usual, times), *_ = Counter(shares).most_common(1)
    more = [row for row in rows if row.training_forwards > usual * max(1, row.backwards)]
    if not usual or times < USUAL * len(rows) or len(more) < FEWEST_PASSES:
        return
    yield _in_training_mode(record, len(more), 0, 0.8)


def _in_training_mode(record: Record, passes: int, examples: int, confidence: float) -> Finding:
    parts = [path for path, facts in record.modules.items() if facts.follows_mode]
    evidence: dict[str, float | str] = {"validation passes in training mode": passes}
    if examples:
        evidence |= {"examples": examples}
    evidence |= {"what stays switched on": _reach.shortened(_kinds(record, parts))}
    return _finding(
        evidence,
        "Call model.eval() before every evaluation, within torch.no_grad(), and model.train() "
        "after it.",
        confidence,
        "validation",
    )


def _kinds(record: Record, paths: list[str]) -> list[str]:
    return sorted({record.modules[path].kind for path in paths})


def _finding(
    evidence: dict[str, float | str], remedy: str, confidence: float, where: str = "training"
) -> Finding:
    return Finding(
        fault="wrong-mode",
        where=where,
        severity="error",
        confidence=confidence,
        evidence=evidence,
        remedy=Remedy(remedy),
    )
