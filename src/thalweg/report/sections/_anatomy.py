"""The network, layer by layer."""

from thalweg.report._evidence import Evidence
from thalweg.report._section import Section
from thalweg.train import Run


def anatomy(run: Run, evidence: Evidence | str) -> Section | None:
    """Tabulate each layer's output shape, parameters and multiply–accumulates."""
    return None
