"""What a network promises: the checks, in the order in which they are run."""

# isort: off
from thalweg.conformance.models._case import MODEL, ModelCase
from thalweg.conformance.models import _forward as _forward
from thalweg.conformance.models import _examples as _examples
from thalweg.conformance.models import _calls as _calls
from thalweg.conformance.models import _state as _state
from thalweg.conformance.models import _gradients as _gradients
from thalweg.conformance.models import _arithmetic as _arithmetic
from thalweg.conformance.models import _training as _training

# isort: on

__all__ = ["MODEL", "ModelCase"]
