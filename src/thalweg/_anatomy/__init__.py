"""What a network is made of, what it costs, and what its units see."""

from thalweg._anatomy._anatomy import Anatomy
from thalweg._anatomy._layer import Layer
from thalweg._anatomy._receptive_field import ReceptiveField

__all__ = ["Anatomy", "Layer", "ReceptiveField"]
