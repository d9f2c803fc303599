"""The course's experiments, each a function that gives data, a table and a picture."""

from thalweg.studies._convolution_speed import (
    ConvolutionSpeed,
    ConvolutionTime,
    convolution_speed,
)
from thalweg.studies._gradient_flow import Flow, GradientFlow, gradient_flow

__all__ = [
    "ConvolutionSpeed",
    "ConvolutionTime",
    "Flow",
    "GradientFlow",
    "convolution_speed",
    "gradient_flow",
]
