"""What a task promises: the checks, in the order in which they are run."""

# isort: off
from thalweg.conformance.tasks._case import TASK, TaskCase
from thalweg.conformance.tasks import _losses as _losses
from thalweg.conformance.tasks import _metrics as _metrics
from thalweg.conformance.tasks import _reading as _reading
from thalweg.conformance.tasks import _keeping as _keeping

# isort: on

__all__ = ["TASK", "TaskCase"]
