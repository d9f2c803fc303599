"""Tasks: what is wanted of a network, as loss, metrics and reading."""

from thalweg.tasks._binary import Binary
from thalweg.tasks._choose import choose, option_names
from thalweg.tasks._multiclass import Classification
from thalweg.tasks._multilabel import Multilabel
from thalweg.tasks._perceptron import Perceptron
from thalweg.tasks._regression import Regression
from thalweg.tasks._task import Prediction, Task, tasks

__all__ = [
    "Binary",
    "Classification",
    "Multilabel",
    "Perceptron",
    "Prediction",
    "Regression",
    "Task",
    "choose",
    "option_names",
    "tasks",
]
