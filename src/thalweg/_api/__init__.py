"""The verbs: thin, and the only layer that knows all the others."""

from thalweg import report
from thalweg._api._compare import Comparison, compare
from thalweg._api._describe import DataCard, describe_data, list_data, list_models
from thalweg._api._routing import route
from thalweg._api._verbs import build, find_learning_rate, fit, load, repeat, resume, train_from
from thalweg._api._verify import Verification, verify
from thalweg.tasks import Prediction
from thalweg.train import Run, next_folder, read_toml

# A run can write its page, but training must not know of pages.
Run.page_writer = staticmethod(report.write_page)

__all__ = [
    "Comparison",
    "DataCard",
    "Prediction",
    "Run",
    "Verification",
    "build",
    "compare",
    "describe_data",
    "find_learning_rate",
    "fit",
    "list_data",
    "list_models",
    "load",
    "next_folder",
    "read_toml",
    "repeat",
    "resume",
    "route",
    "train_from",
    "verify",
]
