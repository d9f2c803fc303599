"""What a network is made of, and what it costs."""

from thalweg.anatomy._layers import Anatomy, Layer, layers

__all__ = ["Anatomy", "Layer", "layers"]
