"""Units that answer the same to everything."""

from collections.abc import Iterator

from thalweg.doctor._finding import Finding, Remedy
from thalweg.doctor.checks._check import Answer, Unchecked, check
from thalweg.doctor.checks.reading._progress import uninformed
from thalweg.doctor.checks.reading._stakes import poor
from thalweg.doctor.record import Record, Sample

# Half of a layer, and training that leaves a fifth of its loss: fewer dead units, or ones that
# are not missed, are no fault. Of a loss whose floor is unknown, much may be left without harm;
# there it takes most of a layer.
SHARE, MOST = 0.5, 0.8
POOR = 0.2
FEWEST_UNITS = 4
# A layer that is zero but for so much of its outputs says nothing.
ALL_ZERO = 0.99


@check("dead-units", explains=("plateau", "underfitting", "vanishing-gradient"))
def check_dead_units(record: Record) -> Iterator[Answer]:
    """Find layers most of whose units are the same for every example, where it costs."""
    seen = [each for each in record.samples if each.activations or each.modules]
    last = seen[-1] if seen else None
    if last is None or len(record.samples) < FEWEST_UNITS:
        yield Unchecked("too few steps were looked at closely")
        return
    found = max(_dead(record, last), key=lambda each: each[1] / each[2], default=None)
    if found is None or not poor(record, POOR):
        return
    where, dead, units = found
    yield Finding(
        fault="dead-units",
        where=where,
        severity="error",
        confidence=0.85,
        evidence={"dead units": dead, "units": units, "step": last.step},
        remedy=Remedy(
            "Let every unit answer at first: zero biases, a lower threshold, a smaller first "
            "learning rate, or torch.nn.LeakyReLU() in place of ReLU()."
        ),
    )


def _dead(record: Record, last: Sample) -> list[tuple[str, int, int]]:
    """Return layers with their dead units and all of them, where most are dead."""
    found = []
    for each in last.activations:
        if each.kind == "relu" and each.units >= FEWEST_UNITS:
            dead = each.units if each.zero > ALL_ZERO else each.dead
            found.append((each.module, dead, each.units))
    layers = [facts for facts in record.modules.values() if facts.order >= 0 and facts.parameters]
    first = min((facts.order for facts in layers if facts.is_trainable), default=-1)
    for name, each in last.modules.items():
        # What comes into the first layer is data, and no unit's answer; what comes into the first
        # that is trained is that of frozen ones, which learned it elsewhere and stay as they are.
        if record.modules[name].order > first and each.units >= FEWEST_UNITS:
            found.append((name, each.silent, each.units))
    share = MOST if uninformed(record) is None else SHARE
    return [each for each in found if each[1] >= share * each[2]]
