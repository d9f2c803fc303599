"""The network, layer by layer."""

import math

from thalweg._anatomy import Anatomy, Layer
from thalweg._core import formats
from thalweg.errors import RunError, ShapeError
from thalweg.report._section import Section
from thalweg.report._wording import several
from thalweg.train import Run

# Rows of the table: a ResNet-152 has some four hundred, of which nobody reads the last.
MOST_LAYERS = 200


def anatomy(run: Run) -> Section:
    """Tabulate each layer's output shape, parameters and multiply-accumulates."""
    title = "Network"
    try:
        whole = Anatomy(run.model, run.schema.encoder.shape)
    except (RunError, ShapeError) as error:
        reason = formats.plain(error, longest=300)
        return Section("anatomy", title, f"The network could not be taken apart: {reason}")
    sentence = (
        f"{several(whole.parameters, 'parameter')} to learn, and "
        f"{several(whole.macs, 'multiply-accumulate')} for each example"
    )
    if heaviest := max(whole.layers, key=lambda layer: layer.parameters, default=None):
        share = heaviest.parameters / max(whole.parameters, 1)
        name = formats.plain(heaviest.name or heaviest.kind)
        sentence += f"; {name} alone holds {formats.percent(share)} of the parameters"
    body = {
        "layers": [_row(layer) for layer in whole.layers[:MOST_LAYERS]],
        "left_out": max(0, len(whole.layers) - MOST_LAYERS),
        "parameters": whole.parameters,
        "macs": whole.macs,
        "not_priced": len(whole.not_priced),
    }
    return Section("anatomy", title, f"{sentence}.", body)


def _row(layer: Layer) -> dict[str, str]:
    shape = layer.output_shape
    return {
        "name": formats.plain(layer.name),
        "kind": formats.plain(layer.kind),
        "shape": "not used" if shape is None else "×".join(map(str, shape)) or "1",
        "values": "" if shape is None else formats.count(math.prod(shape)),
        "parameters": formats.count(layer.parameters),
        "macs": "unknown" if layer.macs is None else formats.count(layer.macs),
    }
