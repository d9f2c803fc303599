"""The layers and blocks torch lacks, activations and initializations by name."""

from thalweg.nn._activations import Activation, activation, activations
from thalweg.nn._auxiliary import Auxiliary
from thalweg.nn._convolutions import (
    Convolution,
    convolutions,
    convolve_direct,
    convolve_fourier,
    convolve_im2col,
    im2col,
)
from thalweg.nn._fit_size import AtLeast
from thalweg.nn._highway import Highway
from thalweg.nn._image_filters import filter_image, image_filters
from thalweg.nn._inception import (
    Inception,
    InceptionA,
    InceptionB,
    InceptionC,
    ReductionA,
    ReductionB,
)
from thalweg.nn._initialization import initializations, initialize
from thalweg.nn._locally_connected import LocallyConnected2d
from thalweg.nn._normalization import BatchNorm1d, BatchNorm2d, LocalResponseNorm
from thalweg.nn._normalized_convolution import NormalizedConvolution
from thalweg.nn._pooling import average_pool, global_average_pool, max_pool
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
    "Convolution",
    "Highway",
    "Inception",
    "InceptionA",
    "InceptionB",
    "InceptionC",
    "InvertedResidual",
    "LocalResponseNorm",
    "LocallyConnected2d",
    "NormalizedConvolution",
    "ReductionA",
    "ReductionB",
    "ResidualLinear",
    "ZeroPadding",
    "activation",
    "activations",
    "average_pool",
    "bounded_convolution",
    "convolutions",
    "convolve_direct",
    "convolve_fourier",
    "convolve_im2col",
    "depthwise_separable",
    "filter_image",
    "global_average_pool",
    "im2col",
    "image_filters",
    "initializations",
    "initialize",
    "max_pool",
]
