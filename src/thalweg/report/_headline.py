"""The top of the page: what was trained on what, how well, when, and how it ended."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np

from thalweg._core import formats
from thalweg.report._evidence import WORDS, Evidence, part_of
from thalweg.report._wording import metric_name, metric_value, several
from thalweg.train import Run

# Beside the primary metric and the loss; more would no longer be read at a glance.
MOST_METRICS = 4


@dataclass(frozen=True)
class Fact:
    """A number with its name."""

    name: str
    value: str


@dataclass(frozen=True)
class Headline:
    """What a reader sees first."""

    network: str
    source: str
    score: Fact | None
    """The primary metric."""
    on: str
    """Which examples it was measured on."""
    baseline: str
    """What the same metric is without a network; empty where that cannot be told."""
    status: str
    is_well: bool
    """Whether training ended as planned."""
    facts: list[Fact]


def headline(run: Run, evidence: Evidence | str) -> Headline:
    """Return the top of the page."""
    part, metrics = _metrics(run, evidence)
    primary = run.task.primary
    facts = [
        Fact(metric_name(name), metric_value(name, value))
        for name, value in metrics.items()
        if name != primary and "[" not in name
    ][:MOST_METRICS]
    facts += [
        Fact("parameters", formats.count(run.status.parameters)),
        Fact("epochs", formats.count(run.status.epochs)),
    ]
    if run.timing:
        facts.append(Fact("time", formats.seconds(sum(run.timing.values()))))
    score = None
    if primary in metrics:
        score = Fact(metric_name(primary), metric_value(primary, metrics[primary]))
    count = run.schema.counts.get(part, 0)
    return Headline(
        network=network_name(run),
        # Of a path its last part; the whole stands in the section on the data.
        source=formats.plain(Path(run.schema.name).name or run.schema.name),
        score=score,
        on=f"on {several(count, f'{WORDS[part]} example')}",
        baseline=_baseline(run, evidence),
        status=_status(run),
        is_well=run.status.state in ("finished", "stopped"),
        facts=facts,
    )


def network_name(run: Run) -> str:
    """Return what the network is called: its registered name, else its class."""
    settings = run.settings.model
    name = settings.get("name") or str(settings.get("class", "network")).rpartition(".")[2]
    return formats.plain(name)


def _metrics(run: Run, evidence: Evidence | str) -> tuple[str, dict[str, float]]:
    """Return the part and its metrics: of the evidence, else of what was kept with the run."""
    part = part_of(run)
    if isinstance(evidence, Evidence):
        return part, evidence.metrics
    if part in run.scores:
        return part, run.scores[part]
    best = run.status.best_epoch
    epoch = run.status.epochs if best is None else best
    row = next((row for row in run.history.epochs if row["epoch"] == epoch), {})
    measured = {
        name.removeprefix("valid_"): value
        for name, value in row.items()
        if name.startswith("valid_")
    }
    return part, measured


def _baseline(run: Run, evidence: Evidence | str) -> str:
    """Return what the primary metric is when the inputs are ignored."""
    if isinstance(evidence, str):
        return ""
    target = run.schema.target
    if target.kind == "category" and target.counts and run.task.primary == "accuracy":
        share = float((evidence.targets == int(np.argmax(target.counts))).mean())
        return f"Always naming the commonest class would be right for {formats.percent(share)}."
    if target.kind == "number" and target.mean and run.task.primary == "mae":
        error = float(np.abs(evidence.targets - np.array(target.mean)).mean())
        return f"Always answering the training mean would be off by {formats.figure(error)}."
    return ""


def _status(run: Run) -> str:
    status = run.status
    planned = run.settings.train.epochs
    done = several(status.epochs, "epoch")
    of = f"{formats.count(status.epochs)} of {formats.count(planned)} epochs" if planned else done
    reason = formats.plain(status.reason or "no reason was kept", longest=300)
    sentence = {
        "running": f"Was still training after {of} when this page was written.",
        "finished": f"Finished all {done}.",
        "stopped": f"Stopped early after {of}: {reason}.",
        "diverged": f"Diverged after {of}: {reason}. A smaller learning rate usually helps.",
        "interrupted": f"Interrupted after {of}.",
    }.get(status.state, f"{formats.plain(status.state)} after {of}.")
    return f"{sentence}{_weights(run)}{_ended(run.folder)}"


def _weights(run: Run) -> str:
    """Return which weights the network has, as a sentence; nothing where they are the last."""
    epoch, config = run.status.best_epoch, run.settings.train
    average = (
        "" if config.ema is None else f" They are averages over the steps, ema={config.ema:g}."
    )
    if epoch == 0:
        why = "none later was better" if config.restore_best else "none later are all numbers"
        return f" The weights are those from before the first step: {why}."
    if epoch is not None and run.status.state != "interrupted":
        why = "the best" if config.restore_best else "the last that are all numbers"
        return f" The weights are those of epoch {formats.count(epoch)}, {why}.{average}"
    return average.replace("They", "The weights")


def _ended(folder: Path | None) -> str:
    """Return when the run last wrote its status, as a sentence; in memory it does not know."""
    path = None if folder is None else folder / "status.json"
    if path is None or not path.exists():
        return ""
    return f" Ended on {datetime.fromtimestamp(path.stat().st_mtime):%d %B %Y, %H:%M}."
