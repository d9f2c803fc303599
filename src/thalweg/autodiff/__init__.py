"""Differentiation: four ways to the same slope, checked, drawn, and to the second order."""

from thalweg.autodiff._compare import Comparison, Differentiated, compare
from thalweg.autodiff._cost_law import Cost, CostLaw, cost_law
from thalweg.autodiff._dual import Dual
from thalweg.autodiff._elementary import (
    cos,
    exp,
    like,
    log,
    maximum,
    relu,
    sigmoid,
    sin,
    sqrt,
    tanh,
)
from thalweg.autodiff._gradient_check import check_gradients
from thalweg.autodiff._gradient_report import Entry, GradientReport, GradientResult
from thalweg.autodiff._slope import slope
from thalweg.autodiff._ways import ways

__all__ = [
    "Comparison",
    "Cost",
    "CostLaw",
    "Differentiated",
    "Dual",
    "Entry",
    "GradientReport",
    "GradientResult",
    "check_gradients",
    "compare",
    "cos",
    "cost_law",
    "exp",
    "like",
    "log",
    "maximum",
    "relu",
    "sigmoid",
    "sin",
    "slope",
    "sqrt",
    "tanh",
    "ways",
]
