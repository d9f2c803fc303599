"""Watches a loop step by step and writes the record."""

from thalweg.doctor.observer._hooks import Hooks
from thalweg.doctor.observer._observer import Observer
from thalweg.doctor.observer._patches import attach, detach
from thalweg.doctor.observer._sampler import Sampler

__all__ = ["Hooks", "Observer", "Sampler", "attach", "detach"]
