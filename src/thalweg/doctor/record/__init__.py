"""What was seen of a training, as plain numbers: written by probes, read by checks."""

from thalweg.doctor.record._facts import (
    LoaderFacts,
    ModuleFacts,
    Node,
    OptimizerFacts,
    ParameterFacts,
)
from thalweg.doctor.record._record import Evaluation, FirstNonFinite, Record, StepRow
from thalweg.doctor.record._sample import (
    Activation,
    Activity,
    Glance,
    InputFacts,
    LossFacts,
    Moments,
    Motion,
    Sample,
)

__all__ = [
    "Activation",
    "Activity",
    "Evaluation",
    "FirstNonFinite",
    "Glance",
    "InputFacts",
    "LoaderFacts",
    "LossFacts",
    "ModuleFacts",
    "Moments",
    "Motion",
    "Node",
    "OptimizerFacts",
    "ParameterFacts",
    "Record",
    "Sample",
    "StepRow",
]
