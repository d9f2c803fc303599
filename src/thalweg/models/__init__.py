"""Networks by name, fitted to the data they are for."""

# isort: off
# `thalweg models` lists networks in the order of these imports, from simple to deep.
from thalweg.models import _linear as _linear, _mlp as _mlp
from thalweg.models import _lenet as _lenet, _convnet as _convnet

# isort: on
from thalweg.models._build import build, default_network
from thalweg.models._registry import Recipe, networks, recipe_of

__all__ = ["Recipe", "build", "default_network", "networks", "recipe_of"]
