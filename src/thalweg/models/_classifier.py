"""What the large convolutional networks end with, and begin from."""

from collections import OrderedDict

from torch import nn

from thalweg.models._options import probability
from thalweg.nn import initialize

UNITS = 4096


def full_layers(inputs: int, outputs: int, dropout: float) -> nn.Sequential:
    """Return two full layers of 4,096 units, each with ReLU and dropout, and the output layer.

    Raises:
        SettingError: `dropout` is out of range.
    """
    share = probability("dropout", dropout)
    return nn.Sequential(
        nn.Linear(inputs, UNITS),
        nn.ReLU(inplace=True),
        nn.Dropout(share),
        nn.Linear(UNITS, UNITS),
        nn.ReLU(inplace=True),
        nn.Dropout(share),
        nn.Linear(UNITS, outputs),
    )


def classifier(features: nn.Module, side: int, full: nn.Sequential) -> nn.Module:
    """Return maps, their average over side×side places, and full layers, initialized.

    The names are those of torchvision's networks.
    """
    network = nn.Sequential(
        OrderedDict(
            features=features,
            avgpool=nn.AdaptiveAvgPool2d(side),
            flatten=nn.Flatten(),
            classifier=full,
        )
    )
    initialize_rectified(network, full[-1])
    return network


def initialize_rectified(network: nn.Module, *heads: nn.Module) -> None:
    """Initialize a network of ReLU layers by Kaiming's rule, its output layers by LeCun's."""
    initialize(network, "kaiming")
    for head in heads:
        initialize(head, "lecun")
