"""Training: one loop, its settings, its checkpoints, and the run it gives."""

from thalweg.train._assembly import example, probe
from thalweg.train._config import Config, setting_names
from thalweg.train._evaluate import Answers
from thalweg.train._fit import fit, resume
from thalweg.train._folder import Status, next_folder
from thalweg.train._losses import losses_of
from thalweg.train._onlookers import Onlookers
from thalweg.train._optimizers import make_optimizer, optimizers
from thalweg.train._origin import GIVEN
from thalweg.train._ranks import Ranks, joined
from thalweg.train._rate_finder import RateCurve, find_learning_rate
from thalweg.train._run import Run
from thalweg.train._schedules import make_schedule, schedules
from thalweg.train._settings import Settings, made_with, read_toml
from thalweg.train._transfer import learned_classes
from thalweg.train.observers import Observer

__all__ = [
    "GIVEN",
    "Answers",
    "Config",
    "Observer",
    "Onlookers",
    "Ranks",
    "RateCurve",
    "Run",
    "Settings",
    "Status",
    "example",
    "find_learning_rate",
    "fit",
    "joined",
    "learned_classes",
    "losses_of",
    "made_with",
    "make_optimizer",
    "make_schedule",
    "next_folder",
    "optimizers",
    "probe",
    "read_toml",
    "resume",
    "schedules",
    "setting_names",
]
