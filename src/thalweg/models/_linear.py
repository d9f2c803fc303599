"""A single layer: linear and logistic regression, and the perceptron."""

from collections import OrderedDict

from jaxtyping import Float
from torch import Tensor, nn

from thalweg.errors import SettingError
from thalweg.models._registry import networks
from thalweg.nn import initialize


@networks.register("logistic", summary="one layer; logistic or softmax regression (same as linear)")
@networks.register("linear", summary="one layer; linear, logistic or softmax regression")
def linear(*, outputs: int, features: int) -> nn.Module:
    """Return one linear layer, z = Wx + b: outputs·(features + 1) parameters.

    What it is depends on the task: linear regression, or logistic (softmax) regression. The
    loss is convex, so the start decides nothing; from zeros every class is equally likely.

    Example:
        >>> linear(outputs=3, features=4)
        Sequential(
          (flatten): Flatten(start_dim=1, end_dim=-1)
          (output): Linear(in_features=4, out_features=3, bias=True)
        )
    """
    output = nn.Linear(features, outputs)
    initialize(output, "zeros")
    return nn.Sequential(OrderedDict(flatten=nn.Flatten(), output=output))


@networks.register("perceptron", summary="one threshold unit, learned by Rosenblatt's rule")
class Perceptron(nn.Module):
    """One threshold unit: it fires where z = w·x + b is positive; features + 1 parameters.

    `forward` gives z; the threshold and the learning rule are the task's, which the network
    names by its attribute `task`. Weights start at zero (Rosenblatt, 1958).

    Raises:
        SettingError: More than one output is wanted.
    """

    task = "perceptron"

    def __init__(self, *, outputs: int, features: int) -> None:
        super().__init__()
        if outputs != 1:
            raise SettingError(
                f"a perceptron tells two classes apart by one output, but {outputs} outputs are "
                "needed. Use 'linear'."
            )
        self.unit = nn.Linear(features, 1)
        initialize(self.unit, "zeros")

    def forward(self, inputs: Float[Tensor, "batch ..."]) -> Float[Tensor, "batch 1"]:
        return self.unit(inputs.flatten(1))
