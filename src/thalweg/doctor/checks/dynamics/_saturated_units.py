"""Sigmoids and tanhs that are stuck at their bounds."""

from collections import defaultdict
from collections.abc import Iterator

import numpy as np

from thalweg.doctor._finding import Finding, Remedy
from thalweg.doctor.checks._check import Answer, Unchecked, check
from thalweg.doctor.checks.reading._stakes import poor
from thalweg.doctor.record import Activation, Record

# Trained gates spend up to half of their time at a bound; a layer that begins and stays there
# for nine tenths has no slope left to learn by.
SHARE = 0.7
# Below this share of the loss, the layer is missed by nobody; above half of it, training fails.
POOR, FAILED = 0.15, 0.5
FEWEST = 4
FEWEST_UNITS = 2


@check("saturated-units", explains=("plateau", "underfitting", "vanishing-gradient"))
def check_saturated_units(record: Record) -> Iterator[Answer]:
    """Find layers that are at their bounds from the first step to the last, where it costs."""
    if len(record.samples) < FEWEST:
        yield Unchecked("too few steps were looked at closely")
        return
    outputs = _outputs(record)
    series: dict[tuple[str, str], list[float]] = defaultdict(list)
    for sample in record.samples:
        layers: dict[tuple[str, str], list[Activation]] = defaultdict(list)
        for each in sample.activations:
            is_output = each.module in outputs or each.units < FEWEST_UNITS
            if each.kind != "relu" and not is_output:
                layers[each.kind, each.module].append(each)
        for layer, parts in layers.items():
            series[layer].append(float(np.mean([each.at_bound for each in parts])))
    stuck = {
        layer: values
        for layer, values in series.items()
        if len(values) >= FEWEST and min(values[0], float(np.median(values))) > SHARE
    }
    if not stuck or not poor(record, POOR):
        return
    kind, module = max(stuck, key=lambda layer: float(np.median(stuck[layer])))
    values = stuck[kind, module]
    yield Finding(
        fault="saturated-units",
        where=module,
        severity="error" if poor(record, FAILED) else "warning",
        confidence=0.85,
        evidence={
            "activation": kind,
            "share at a bound at first": values[0],
            "share at a bound later": float(np.median(values)),
        },
        remedy=Remedy(
            f"Keep what goes into {kind} near zero: divide it by its deviation or put "
            "torch.nn.LayerNorm before it, start with smaller weights and biases."
        ),
    )


def _outputs(record: Record) -> set[str]:
    """Return the modules that give the network's answer, where a bound may be the right one."""
    called = [name for name, facts in record.modules.items() if facts.order >= 0 and name]
    return {"", *sorted(called, key=lambda name: record.modules[name].order)[-1:]}
