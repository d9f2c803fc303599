"""A network as a picture of its data flow."""

from thalweg._anatomy.picture._draw import draw

__all__ = ["draw"]
