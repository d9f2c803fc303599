"""The course's experiments, each a function that gives data, a table and a picture."""

from thalweg.studies._gradient_flow import Flow, GradientFlow, gradient_flow

__all__ = ["Flow", "GradientFlow", "gradient_flow"]
