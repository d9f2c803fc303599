"""The layers torch lacks, activations and initializations by name."""

from thalweg.nn._activations import Activation, activation, activations
from thalweg.nn._fit_size import AtLeast
from thalweg.nn._initialization import initializations, initialize
from thalweg.nn._normalization import BatchNorm1d, BatchNorm2d

__all__ = [
    "Activation",
    "AtLeast",
    "BatchNorm1d",
    "BatchNorm2d",
    "activation",
    "activations",
    "initializations",
    "initialize",
]
