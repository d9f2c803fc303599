"""How gradients shrink or grow on the way back through a deep network.

On its way from a layer to the one before, a gradient is multiplied by the activation's slope
and by the weights. Fifty factors of 0.9 leave 0.005, fifty of 1.1 make 117: whether early
layers learn is decided by a factor near one. A sigmoid's slope is at most ¼; a ReLU's is one
for about half of the units, for which Kaiming's weights make up; a skip adds one to the factor.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor, nn

from thalweg._core import seeds
from thalweg._core.line_chart import Panel, line_chart
from thalweg._core.text_table import text_table
from thalweg.errors import SettingError
from thalweg.nn import activation, initialize
from thalweg.nn import initializations as registered

ACTIVATIONS = ("sigmoid", "tanh", "relu")
DEPTHS = (2, 5, 10, 20, 35, 50)
EXAMPLES = 32
# A first layer that moves this much slower or faster than the last is as good as lost.
LOST = 1e-3


@dataclass(frozen=True)
class Flow:
    """The size of the gradient in each layer of one kind of network."""

    activation: str
    initialization: str
    depth: int
    """Hidden layers."""
    has_skips: bool
    gradients: tuple[float, ...]
    """At the output of each hidden layer, from the first to the last: root mean square over
    units, examples and networks, relative to the last."""

    @property
    def factor(self) -> float:
        """What a layer multiplies the gradient by, in the geometric mean."""
        return self.gradients[0] ** (1 / (self.depth - 1))

    @property
    def verdict(self) -> Literal["vanishes", "explodes", "flows"]:
        """Whether the first layer's gradient is a thousandth of the last's, or a thousandfold."""
        if self.gradients[0] < LOST:
            return "vanishes"
        return "explodes" if self.gradients[0] > 1 / LOST else "flows"


@dataclass(frozen=True)
class GradientFlow:
    """Every kind of network with its gradients; printing it shows the table."""

    flows: tuple[Flow, ...]

    def to_json(self) -> list[dict[str, Any]]:
        """Return the study as plain data."""
        return [
            {**asdict(each), "factor": each.factor, "verdict": each.verdict} for each in self.flows
        ]

    def picture(self, path: str | Path, against: Literal["layer", "depth"] = "layer") -> Path:
        """Write charts of the gradient as one SVG, a panel for each activation.

        Args:
            path: Of the file.
            against: "layer" draws each layer of the deepest networks, "depth" the first layer
                of networks of every depth.

        Raises:
            RunError: The file cannot be written.
        """
        deepest = max(each.depth for each in self.flows)
        panels: dict[str, dict[str, list[tuple[float, float]]]] = {}
        for each in self.flows:
            label = f"{each.activation}, {'with skips' if each.has_skips else 'plain'}"
            curves = panels.setdefault(f"{label}: {against}", {})
            if against == "depth":
                curves.setdefault(each.initialization, []).append((each.depth, each.gradients[0]))
            elif each.depth == deepest:
                numbered = enumerate(each.gradients, start=1)
                curves[each.initialization] = [(number, value) for number, value in numbered]
        if against == "layer":
            title = f"The gradient in each of {deepest} layers"
        else:
            title = "The gradient in the first layer"
        drawn = [Panel(label, curves) for label, curves in panels.items()]
        columns = len({each.activation for each in self.flows})
        return line_chart(title, "÷ gradient in the last", drawn, columns=columns).save(path)

    def __str__(self) -> str:
        headings = ("activation", "initialization", "skips", "depth", "first ÷ last", "factor", "")
        rows = [
            (
                each.activation,
                each.initialization,
                "yes" if each.has_skips else "no",
                str(each.depth),
                f"{each.gradients[0]:.1e}",
                f"{each.factor:.3f}",
                each.verdict,
            )
            for each in self.flows
        ]
        return text_table(headings, rows, right="   rrr")


def gradient_flow(
    activations: Sequence[str] = ACTIVATIONS,
    initializations: Sequence[str] | None = None,
    depths: Sequence[int] = DEPTHS,
    skips: Sequence[bool] = (False, True),
    *,
    width: int = 64,
    networks: int = 3,
    seed: int = 0,
) -> GradientFlow:
    """Measure the gradient in every layer of untrained fully connected networks.

    Inputs and the gradient at the output are normal random numbers; all is in double precision,
    which goes down to 1e-300. A layer is h ↦ g(W·h + b), with a skip h ↦ h + g(W·h + b).

    Args:
        activations: Of `thalweg.nn.activations`.
        initializations: Of `thalweg.nn.initializations`; by default all but zeros, which let
            no gradient through.
        depths: Numbers of hidden layers, at least 2.
        skips: Without, with, or both.
        width: Units in each layer.
        networks: How many of each kind are averaged.
        seed: Of weights, inputs and gradients.

    Raises:
        UnknownNameError: There is no such activation or initialization.
        SettingError: A number is too small.

    Example:
        >>> (flow,) = gradient_flow(["sigmoid"], ["orthogonal"], [10], [False]).flows
        >>> flow.factor < 0.25, flow.verdict
        (True, 'vanishes')
    """
    if min(depths, default=0) < 2 or width < 1 or networks < 1:
        raise SettingError("depths must be at least 2, width and networks at least 1.")
    names = registered.names() if initializations is None else initializations
    kinds = [
        (function, name, depth, has_skips)
        for has_skips in skips
        for function in activations
        for name in names
        if name != "zeros" or initializations is not None
        for depth in depths
    ]
    return GradientFlow(tuple(_flow(*kind, width, networks, seed) for kind in kinds))


def _flow(
    function: str,
    initialization: str,
    depth: int,
    has_skips: bool,
    width: int,
    networks: int,
    seed: int,
) -> Flow:
    total = torch.zeros(depth, dtype=torch.float64)
    for number in range(networks):
        with seeds.isolated(seed, "gradient-flow", number):
            layers = nn.ModuleList([nn.Linear(width, width) for _ in range(depth)]).double()
            initialize(layers, initialization)
            total += _squares(layers, activation(function).double(), has_skips, width)
    sizes = (total / networks).sqrt()
    last = float(sizes[-1]) or 1.0
    return Flow(function, initialization, depth, has_skips, tuple((sizes / last).tolist()))


def _squares(layers: nn.ModuleList, function: nn.Module, has_skips: bool, width: int) -> Tensor:
    """Return the mean square of the gradient at the output of each layer."""
    signal = torch.randn(EXAMPLES, width, dtype=torch.float64)
    outputs = []
    with torch.enable_grad():
        for layer in layers:
            new = function(layer(signal))
            signal = signal + new if has_skips else new
            outputs.append(signal)
        upstream = torch.randn_like(signal)
        gradients = torch.autograd.grad(signal, outputs, upstream)
    return torch.stack([each.square().mean() for each in gradients])
