"""Networks by name, fitted to the data they are for."""

# isort: off
# `thalweg models` lists networks in the order of these imports, from simple to deep.
from thalweg.models import _linear as _linear, _mlp as _mlp
from thalweg.models import _skipping_mlp as _skipping_mlp
from thalweg.models import _convnet as _convnet, _lenet as _lenet
from thalweg.models import _alexnet as _alexnet, _zfnet as _zfnet, _vgg as _vgg
from thalweg.models import _googlenet as _googlenet, _inception_v3 as _inception_v3
from thalweg.models import _resnet as _resnet, _mobilenet as _mobilenet

# isort: on
from thalweg.models._build import build, default_network, outputs_for, pretrained, sketch
from thalweg.models._head import replace_head
from thalweg.models._registry import Origin, Recipe, choices_of, networks, origin_of, recipe_of

__all__ = [
    "Origin",
    "Recipe",
    "build",
    "choices_of",
    "default_network",
    "networks",
    "origin_of",
    "outputs_for",
    "pretrained",
    "recipe_of",
    "replace_head",
    "sketch",
]
