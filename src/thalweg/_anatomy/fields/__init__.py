"""Receptive fields: what each unit of a network sees of its input."""

from thalweg._anatomy.fields._call import Call, UntraceableError, ValuesNeededError, tensors_in
from thalweg._anatomy.fields._field import NOWHERE, Field, compact, union
from thalweg._anatomy.fields._line import Line
from thalweg._anatomy.fields._rules import seen

__all__ = [
    "NOWHERE",
    "Call",
    "Field",
    "Line",
    "UntraceableError",
    "ValuesNeededError",
    "compact",
    "seen",
    "tensors_in",
    "union",
]
