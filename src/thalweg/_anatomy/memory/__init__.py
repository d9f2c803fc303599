"""Memory for training: what a step holds at its fullest, and the batch that fits."""

from thalweg._anatomy.memory._training_memory import (
    OptimizerMaker,
    TrainingMemory,
    largest_batch,
    parsed,
    training_memory,
)

__all__ = ["OptimizerMaker", "TrainingMemory", "largest_batch", "parsed", "training_memory"]
