"""Data: sources by kind, three-way splits, and the preprocessing fitted on the training part."""

# isort: off
# Sources are asked in the order of these imports: the particular before the general.
from thalweg.data._builtin import builtins
from thalweg.data._images import ImageEncoder, ImageInputs
from thalweg.data import _idx as _idx, _cifar as _cifar, _npz as _npz, _folders as _folders
from thalweg.data import _tables as _tables, _picture_tables as _picture_tables
from thalweg.data import _datasets as _datasets, _builtin_sets as _builtin_sets

# isort: on
from thalweg.data._arrays import ArrayEncoder, ArrayInputs
from thalweg.data._augmentation import Augmentation
from thalweg.data._inputs import Encoder, Inputs, encoders
from thalweg.data._load import load
from thalweg.data._source import Raw, Source, sources
from thalweg.data._splits import PARTS, Examples, Schema, Splits
from thalweg.data._table_encoder import TableEncoder, TableInputs
from thalweg.data._targets import Target

__all__ = [
    "PARTS",
    "ArrayEncoder",
    "ArrayInputs",
    "Augmentation",
    "Encoder",
    "Examples",
    "ImageEncoder",
    "ImageInputs",
    "Inputs",
    "Raw",
    "Schema",
    "Source",
    "Splits",
    "TableEncoder",
    "TableInputs",
    "Target",
    "builtins",
    "encoders",
    "load",
    "sources",
]
