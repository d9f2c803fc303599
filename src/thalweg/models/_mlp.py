"""The multilayer perceptron."""

from collections import OrderedDict
from collections.abc import Sequence

from torch import nn

from thalweg.models._options import one_of, probability, widths
from thalweg.models._registry import networks
from thalweg.nn import BatchNorm1d, activation, activations, initialize


@networks.register("mlp", summary="multilayer perceptron of any depth and width")
def mlp(
    *,
    outputs: int,
    features: int,
    hidden: int | Sequence[int] = (64, 64),
    activation: str = "relu",
    dropout: float = 0.0,
    normalization: str | None = None,
    initialization: str | None = None,
) -> nn.Module:
    """Return a multilayer perceptron; inputs of any shape are flattened.

    Each hidden layer is linear, then the normalization, the activation and dropout, if any. A
    linear layer of n units on m inputs has n·(m + 1) parameters, a normalization 2n.

    Args:
        outputs: Numbers given per example.
        features: Numbers taken per example.
        hidden: Units of each hidden layer; none for a linear network.
        activation: By name, see `thalweg.nn.activations`.
        dropout: Probability with which a hidden unit is silenced while training, those left
            being scaled up by 1/(1 − dropout) (Srivastava et al., 2014).
        normalization: "batch", "layer" or None.
        initialization: By name, see `thalweg.nn.initializations`. By default the one that
            suits the activation: Kaiming for the ReLU family, Xavier for tanh and sigmoid,
            LeCun for SELU and for the output layer.

    Raises:
        UnknownNameError: No activation or initialization has that name.
        SettingError: An option is out of range.

    Example:
        >>> network = mlp(outputs=3, features=4, hidden=(8,))
        >>> sum(each.numel() for each in network.parameters()) == 8 * (4 + 1) + 3 * (8 + 1)
        True
    """
    probability("dropout", dropout)
    one_of("normalization", normalization, (None, "batch", "layer"))
    suited = activations[activation].initialization
    layers: OrderedDict[str, nn.Module] = OrderedDict(flatten=nn.Flatten())
    for index, units in enumerate(widths("hidden", hidden), start=1):
        layer = nn.Linear(features, units)
        initialize(layer, initialization or suited)
        layers[f"hidden{index}"] = layer
        if normalization is not None:
            layers[f"normalization{index}"] = _normalization(normalization, units)
        layers[f"activation{index}"] = _new_activation(activation)
        if dropout > 0:
            layers[f"dropout{index}"] = _dropout(activation, dropout)
        features = units
    output = nn.Linear(features, outputs)
    initialize(output, initialization or "lecun")
    layers["output"] = output
    return nn.Sequential(layers)


# Inside the factory the option hides the function of the same name.
_new_activation = activation


def _normalization(name: str, units: int) -> nn.Module:
    return BatchNorm1d(units) if name == "batch" else nn.LayerNorm(units)


def _dropout(activation: str, share: float) -> nn.Module:
    # SELU lives off mean 0 and variance 1, which only its own dropout keeps.
    return nn.AlphaDropout(share) if activation == "selu" else nn.Dropout(share)
