"""Differentiation: four ways to the same slope, checked, drawn, and to the second order."""

from thalweg.autodiff._compare import Comparison, Differentiated, compare
from thalweg.autodiff._convolution_backward import (
    convolution_input_gradient,
    convolution_weight_gradient,
)
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
from thalweg.autodiff._flat_loss import FlatLoss
from thalweg.autodiff._gradient_check import check_gradients
from thalweg.autodiff._gradient_report import Entry, GradientReport, GradientResult
from thalweg.autodiff._graph import Graph, graph
from thalweg.autodiff._graph_parts import Edge, Node
from thalweg.autodiff._second_order import (
    Eigenpair,
    NewtonStep,
    hessian_vector_product,
    newton_step,
    top_eigenvalue,
)
from thalweg.autodiff._slope import slope
from thalweg.autodiff._ways import ways

__all__ = [
    "Comparison",
    "Cost",
    "CostLaw",
    "Differentiated",
    "Dual",
    "Edge",
    "Eigenpair",
    "Entry",
    "FlatLoss",
    "GradientReport",
    "GradientResult",
    "Graph",
    "NewtonStep",
    "Node",
    "check_gradients",
    "compare",
    "convolution_input_gradient",
    "convolution_weight_gradient",
    "cos",
    "cost_law",
    "exp",
    "graph",
    "hessian_vector_product",
    "like",
    "log",
    "maximum",
    "newton_step",
    "relu",
    "sigmoid",
    "sin",
    "slope",
    "sqrt",
    "tanh",
    "top_eigenvalue",
    "ways",
]
