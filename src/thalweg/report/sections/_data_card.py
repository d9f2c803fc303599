"""What the data are: parts, classes, columns, repetitions, and a few examples."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from thalweg._core import formats
from thalweg.data import PARTS
from thalweg.report._evidence import WORDS
from thalweg.report._pictures import Picture, shrink
from thalweg.report._section import Section
from thalweg.report._wording import answer_in_words, cell, several
from thalweg.train import Run

# Two rows of twelve on a wide screen; with the mistakes' pictures fewer than sixty in all.
MOST_PICTURES = 24
MOST_ROWS = 5
MOST_COLUMNS = 12
MOST_CLASSES = 30
# Lines about columns: a wide table has hundreds, of which the first show what they are like.
MOST_DESCRIBED = 60


@dataclass(frozen=True)
class Bar:
    """A count with its share of the largest one."""

    name: str
    count: int
    per_cent: float


@dataclass(frozen=True)
class Example:
    """One example of the training part."""

    name: str
    answer: str
    picture: Picture | None
    values: dict[str, str]


def data_card(run: Run) -> Section:
    """Describe the data, and show a few examples of the training part."""
    schema, target = run.schema, run.schema.target
    total = sum(schema.counts.values())
    shape = "×".join(formats.count(length) for length in schema.encoder.shape)
    sentence = (
        f"{several(total, 'example')} from {formats.plain(schema.source)}, each "
        f"{_article(schema.encoder.kind)} that the network gets as {shape} numbers; "
        f"{target} to predict{_named(target.names)}."
    )
    columns, counts = schema.encoder.describe(), target.counts
    order = sorted(range(len(counts)), key=lambda index: -counts[index])
    examples = _examples(run)
    body = {
        "parts": bars([WORDS[part] for part in PARTS], [schema.counts[part] for part in PARTS]),
        "duplicates": _duplicates(schema.duplicates),
        "classes": bars(
            [formats.plain(target.classes[index], longest=60) for index in order[:MOST_CLASSES]],
            [counts[index] for index in order[:MOST_CLASSES]],
        ),
        "classes_left_out": max(0, len(counts) - MOST_CLASSES),
        "moments": _moments(run),
        "columns": [_described(column) for column in columns[:MOST_DESCRIBED]],
        "columns_left_out": max(0, len(columns) - MOST_DESCRIBED),
        "fingerprint": formats.plain(schema.fingerprint),
        "examples": examples,
        "values": list(examples[0].values)[:MOST_COLUMNS] if examples else [],
        "is_at_hand": run.data is not None,
    }
    return Section("data_card", "Data", sentence, body)


def bars(names: list[str], counts: list[int]) -> list[Bar]:
    """Return counts as bars, the largest of them full."""
    largest = max([*counts, 1])
    return [
        Bar(name, count, 100 * count / largest) for name, count in zip(names, counts, strict=True)
    ]


def spread(classes: np.ndarray, most: int) -> list[int]:
    """Return positions of a few examples, taking the classes in turn.

    Example:
        >>> spread(np.array([0, 0, 0, 1, 2]), most=4)
        [0, 1, 3, 4]
    """
    # Which one of its class an example is: the first of each come first.
    order = np.argsort(classes, kind="stable")
    starts = np.searchsorted(classes[order], classes[order])
    turn = np.empty(len(classes), dtype=np.int64)
    turn[order] = np.arange(len(classes)) - starts
    chosen = np.lexsort((classes, turn))[:most]
    return sorted(chosen.tolist(), key=lambda row: (classes[row], row))


def _examples(run: Run) -> list[Example]:
    if run.data is None or not len(run.data.train):
        return []
    train, target = run.data.train, run.schema.target
    first = run.schema.encoder.picture(train.inputs[0])
    targets = train.targets.cpu().numpy()
    if first is not None and target.kind == "category":
        # As many of each class, where all classes find room.
        most = MOST_PICTURES // len(target.classes) * len(target.classes) or MOST_PICTURES
        rows = spread(targets, most)
    else:
        rows = list(range(min(len(train), MOST_ROWS if first is None else MOST_PICTURES)))
    shown = []
    for row in rows:
        pixels = run.schema.encoder.picture(train.inputs[row])
        values = {} if pixels is not None else run.schema.encoder.values(train.inputs[row])
        shown.append(
            Example(
                name=formats.plain(train.names[row]),
                answer=answer_in_words(target, targets[row]),
                picture=None if pixels is None else shrink(pixels),
                values={formats.plain(name, longest=40): cell(v) for name, v in values.items()},
            )
        )
    return shown


def _described(column: dict[str, Any]) -> dict[str, str]:
    """Return one row of the table of columns: known fields by name, the rest as a note."""
    row = {name: cell(column.get(name, "")) for name in ("name", "kind", "missing", "mean", "std")}
    levels = column.get("levels")
    if isinstance(levels, dict):
        common = ", ".join(f"{name} ({formats.count(n)})" for name, n in list(levels.items())[:5])
        note = f"{several(len(levels), 'level')}: {common}"
    elif "min" in column:
        note = f"from {cell(column['min'])} to {cell(column['max'])}"
    else:
        note = str(column.get("reason", column.get("shape", "")))
    return {**row, "note": formats.plain(note)}


def _moments(run: Run) -> list[dict[str, str]]:
    target = run.schema.target
    return [
        {"name": formats.plain(name), "mean": formats.figure(mean), "std": formats.figure(scale)}
        for name, mean, scale in zip(target.names, target.mean, target.scale, strict=False)
    ]


def _duplicates(duplicates: dict[str, int]) -> str:
    exact, near = duplicates.get("exact", 0), duplicates.get("near", 0)
    if not exact and not near:
        return "No example repeats another."
    return (
        f"{several(exact, 'example repeats', 'examples repeat')} an earlier one exactly, "
        f"{formats.count(near)} nearly; repetitions stay in one part."
    )


def _named(names: tuple[str, ...]) -> str:
    shown = ", ".join(formats.plain(name, longest=40) for name in names[:3])
    return f" ({shown}{', …' if len(names) > 3 else ''})"


def _article(kind: str) -> str:
    return {"image": "a picture", "table": "a row of a table"}.get(kind, "an array")
