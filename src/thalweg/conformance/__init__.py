"""Conformance: what a network, a task or a data set promises, examined on copies."""

from thalweg.conformance._data import check_data
from thalweg.conformance._model import check_model
from thalweg.conformance._page import tables
from thalweg.conformance._report import Conformance, Result
from thalweg.conformance._task import check_task

__all__ = ["Conformance", "Result", "check_data", "check_model", "check_task", "tables"]
