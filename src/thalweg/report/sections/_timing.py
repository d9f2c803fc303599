"""Where the seconds went."""

from dataclasses import dataclass

from thalweg._core import formats
from thalweg.report._section import Section
from thalweg.train import Run


@dataclass(frozen=True)
class Phase:
    """One phase of the run."""

    name: str
    duration: str
    per_cent: float
    """Of all phases together."""


def timing(run: Run) -> Section:
    """Show each phase's share of the whole."""
    title = "Time"
    total = sum(run.timing.values())
    if total <= 0:
        return Section("timing", title, "The times of this run were not kept.")
    phases = [
        Phase(formats.plain(name), formats.seconds(seconds), 100 * seconds / total)
        for name, seconds in run.timing.items()
    ]
    longest = max(phases, key=lambda phase: phase.per_cent)
    sentence = (
        f"{formats.seconds(total)} in all, most of it {longest.name} ({longest.per_cent:.0f} %)."
    )
    return Section("timing", title, sentence, {"phases": phases})
