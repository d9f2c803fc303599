"""What a network is made of, and what it costs."""

from thalweg._anatomy._layers import Anatomy, Layer, layers

__all__ = ["Anatomy", "Layer", "layers"]
