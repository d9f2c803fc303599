"""Data: sources by kind, three-way splits, and the preprocessing fitted on the training part."""

import importlib
from typing import TYPE_CHECKING, Any

# isort: off
# Sources are asked in the order of these imports: the particular before the general.
from thalweg.data.builtin._builtin import builtins
from thalweg.data.images._images import ImageEncoder, ImageInputs
from thalweg.data.images import _image_arrays as _image_arrays, _idx as _idx, _cifar as _cifar
from thalweg.data.arrays import _npz as _npz
from thalweg.data.images import _folders as _folders
from thalweg.data.tables import _table_sources as _table_sources
from thalweg.data.images import _picture_tables as _picture_tables
from thalweg.data.arrays import _datasets as _datasets
from thalweg.data.builtin import _builtin_sets as _builtin_sets

# isort: on
from thalweg.data._inputs import Encoder, Inputs, encoders
from thalweg.data._load import load
from thalweg.data._rows import Rows
from thalweg.data._source import Raw, Source, find_source, sources
from thalweg.data._splits import PARTS, Examples, Schema, Splits
from thalweg.data._targets import Target
from thalweg.data.arrays._arrays import ArrayEncoder, ArrayInputs
from thalweg.data.images.augmentation._augmentation import Augmentation
from thalweg.data.images.augmentation._colour import Palette
from thalweg.data.images.augmentation._draws import Draws
from thalweg.data.images.augmentation._warp import Warp

if TYPE_CHECKING:
    from thalweg.data.tables._table_encoder import TableEncoder, TableInputs

__all__ = [
    "PARTS",
    "ArrayEncoder",
    "ArrayInputs",
    "Augmentation",
    "Draws",
    "Encoder",
    "Examples",
    "ImageEncoder",
    "ImageInputs",
    "Inputs",
    "Palette",
    "Raw",
    "Rows",
    "Schema",
    "Source",
    "Splits",
    "TableEncoder",
    "TableInputs",
    "Target",
    "Warp",
    "builtins",
    "encoders",
    "find_source",
    "load",
    "sources",
]


def __getattr__(name: str) -> Any:
    """Import what tables need on first use: polars takes a tenth of a second."""
    if name not in ("TableEncoder", "TableInputs"):
        raise AttributeError(f"module 'thalweg.data' has no attribute {name!r}")
    return getattr(importlib.import_module("thalweg.data.tables._table_encoder"), name)
