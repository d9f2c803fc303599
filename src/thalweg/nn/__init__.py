"""The layers and blocks torch lacks, activations and initializations by name."""

from thalweg.nn._activations import Activation, activation, activations
from thalweg.nn._auxiliary import Auxiliary
from thalweg.nn._fit_size import AtLeast
from thalweg.nn._highway import Highway
from thalweg.nn._inception import (
    Inception,
    InceptionA,
    InceptionB,
    InceptionC,
    ReductionA,
    ReductionB,
)
from thalweg.nn._initialization import initializations, initialize
from thalweg.nn._normalization import BatchNorm1d, BatchNorm2d
from thalweg.nn._normalized_convolution import NormalizedConvolution
from thalweg.nn._residual import BasicBlock, Bottleneck, ResidualLinear, ZeroPadding
from thalweg.nn._separable import InvertedResidual, bounded_convolution, depthwise_separable

__all__ = [
    "Activation",
    "AtLeast",
    "Auxiliary",
    "BasicBlock",
    "BatchNorm1d",
    "BatchNorm2d",
    "Bottleneck",
    "Highway",
    "Inception",
    "InceptionA",
    "InceptionB",
    "InceptionC",
    "InvertedResidual",
    "NormalizedConvolution",
    "ReductionA",
    "ReductionB",
    "ResidualLinear",
    "ZeroPadding",
    "activation",
    "activations",
    "bounded_convolution",
    "depthwise_separable",
    "initializations",
    "initialize",
]
