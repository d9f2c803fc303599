"""The verbs: thin, and the only layer that knows all the others."""

from pathlib import Path
from typing import Any

from thalweg._anatomy import Anatomy
from thalweg._api._anatomy import anatomy
from thalweg._api._begin import begun_folder
from thalweg._api._cache import CachedPictures, clear_cache, list_cache
from thalweg._api._compare import Comparison, compare
from thalweg._api._describe import DataCard, describe_data, list_data, list_models
from thalweg._api._named_anatomy import NamedAnatomy, named_anatomy
from thalweg._api._routing import route
from thalweg._api._treat import Treatment, treat
from thalweg._api._verbs import (
    build,
    find_learning_rate,
    fit,
    load,
    repeat,
    resume,
    train_from,
    train_on,
)
from thalweg._api._verify import Verification, verify
from thalweg.conformance import check_data, check_model, check_task
from thalweg.doctor import Diagnosis, Record, diagnose, diagnose_script, preflight, watch
from thalweg.errors import RunError
from thalweg.tasks import Prediction
from thalweg.train import Run, next_folder, read_toml


def _write_page(run: Run, path: Path) -> Path:
    # Imported late: the charts' library takes a third of a second.
    from thalweg import report

    return report.write_page(run, path)


# A run can write its page, but training must not know of pages.
Run.page_writer = staticmethod(_write_page)


def _judge(watched: dict[str, Any]) -> Diagnosis:
    try:
        return diagnose(Record.from_json(watched))
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        raise RunError(
            f"what the doctor saw is damaged (record.json: {type(error).__name__}: {error}). "
            "Remove that file to read the run without it."
        ) from error


# Nor of the doctor, whom it is handed as somebody who looks on.
Run.doctor = staticmethod(_judge)

__all__ = [
    "Anatomy",
    "CachedPictures",
    "Comparison",
    "DataCard",
    "Diagnosis",
    "NamedAnatomy",
    "Prediction",
    "Run",
    "Treatment",
    "Verification",
    "anatomy",
    "begun_folder",
    "build",
    "check_data",
    "check_model",
    "check_task",
    "clear_cache",
    "compare",
    "describe_data",
    "diagnose_script",
    "find_learning_rate",
    "fit",
    "list_cache",
    "list_data",
    "list_models",
    "load",
    "named_anatomy",
    "next_folder",
    "preflight",
    "read_toml",
    "repeat",
    "resume",
    "route",
    "train_from",
    "train_on",
    "treat",
    "verify",
    "watch",
]
