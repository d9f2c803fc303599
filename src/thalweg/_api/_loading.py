"""Data loaded for a training whose settings are known."""

import inspect
from typing import Any

from thalweg._core.progress import shown
from thalweg.data import Splits, find_source, load, sources
from thalweg.data.images._wanted import USUAL_MARGIN
from thalweg.train import Config


def load_for(config: Config, data: Any, progress: bool | None, **options: Any) -> Splits:
    """Load data, with more pixels of each picture where random crops will choose among them.

    Args:
        config: How they will be trained on.
        data: Anything that `tw.load` takes.
        progress: Whether to show how far loading is; None where a person looks on.
        **options: Of loading.
    """
    if config.augmentation.get("crop") and "margin" not in options and _has_margin(data, options):
        options["margin"] = USUAL_MARGIN
    with shown(progress):
        return load(data, **options)


def _has_margin(data: Any, options: dict[str, Any]) -> bool:
    if isinstance(data, Splits):
        return False
    source = sources[find_source(data, options)]
    return "margin" in inspect.signature(source.read).parameters
