"""What data promise: the checks, in the order in which they are run."""

# isort: off
from thalweg.conformance.data._case import SPLITS, SplitsCase
from thalweg.conformance.data import _parts as _parts
from thalweg.conformance.data import _encoding as _encoding
from thalweg.conformance.data import _source as _source

# isort: on

__all__ = ["SPLITS", "SplitsCase"]
