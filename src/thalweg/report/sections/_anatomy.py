"""The network, layer by layer and as a picture, and what training it needs."""

import base64

from thalweg._anatomy import Anatomy
from thalweg._core import formats
from thalweg.errors import RunError, ShapeError
from thalweg.report._section import Section
from thalweg.report._wording import several
from thalweg.train import Run, make_optimizer

# Rows of the table: a ResNet-152 has some four hundred, of which nobody reads the last.
MOST_LAYERS = 200
# Of runs that did not get so far as to choose one.
BATCH = 32


def anatomy(run: Run) -> Section:
    """Tabulate what each layer gives, costs and sees, and draw the network."""
    title = "Network"
    try:
        whole = Anatomy(
            run.model,
            run.schema.encoder.shape,
            title=run.settings.model.get("name", ""),
            make_optimizer=make_optimizer,
        )
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
    drawing = whole.picture()
    body = {
        "headings": whole.headings,
        "rows": whole.rows[:MOST_LAYERS],
        "left_out": max(0, len(whole.layers) - MOST_LAYERS),
        "parameters": whole.parameters,
        "macs": whole.macs,
        "memory": formats.size(whole.activation_bytes),
        "not_priced": len(whole.not_priced),
        "training": _training(whole, run),
        "picture": base64.b64encode(drawing.to_text().encode()).decode(),
        "width": round(drawing.width),
    }
    return Section("anatomy", title, f"{sentence}.", body)


def _training(whole: Anatomy, run: Run) -> str:
    """Say what a step of the run's training holds; nothing where that cannot be said."""
    config = run.settings.train
    try:
        return str(
            whole.training_memory(
                config.batch_size or BATCH, config.optimizer, fused=bool(config.fused)
            )
        )
    except ShapeError:
        return ""
