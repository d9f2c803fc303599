"""A first loss far above that of a guess."""

import math
from collections.abc import Iterator

from thalweg.doctor._finding import Finding, Remedy
from thalweg.doctor.checks._check import Answer, Unchecked, check
from thalweg.doctor.checks.reading._stakes import is_resumed, poor
from thalweg.doctor.record import LossFacts, Record

# Usual heads begin between 1 and 2 times an even guess; three times ln 10 is a network that is
# sure of a wrong class.
FAR = 3.0
# Numbers: outputs of so many deviations of the targets, or this large by themselves.
LARGE_OUTPUT = 2.0
# Inputs of this size make any head's output large; they are at fault then.
LARGE_INPUT = 5.0
# The same for what comes into the last layer.
LARGE_SIGNAL = 3.0
SQUARED = ("mse_loss",)
CLASSES = ("cross_entropy", "nll_loss")
BINARY = ("binary_cross_entropy_with_logits", "binary_cross_entropy")
# What frozen layers give was learned elsewhere, and may be of any size on other data.
# Weights that amplify more than any known rule explain a large signal themselves.
LARGE_GAIN = 3.0
LAYERS = ("linear", "convolution")
POOR = 0.9


# Labels do not make a fresh network sure; but one that began sure stays wrong of many examples.
@check(
    "initial-loss",
    explains=("lr-too-high", "exploding-gradient", "plateau", "underfitting", "label-noise"),
)
def check_initial_loss(record: Record) -> Iterator[Answer]:
    """Find networks that begin sure of wrong answers."""
    times = times_a_guess(record)
    if times is None or is_resumed(record):
        yield Unchecked("the first step was not seen, or the loss has no known guess")
        return
    first = record.samples[0]
    sizes = [math.hypot(m.mean, m.std) for each in first.inputs if (m := each.moments) is not None]
    floats = any(each.type.startswith(("float", "bfloat")) for each in first.inputs)
    if times < FAR or (floats and max(sizes, default=0.0) > LARGE_INPUT):
        return
    is_given = _signal(record) > LARGE_SIGNAL or _is_frozen(record)
    if is_given and not any(gain > LARGE_GAIN for gain in _gains(record)):
        return
    facts = first.losses[0]
    is_poor = poor(record, POOR)
    yield Finding(
        fault="initial-loss",
        where="loss",
        severity="error" if is_poor else "warning",
        confidence=0.9,
        evidence={
            "first loss": facts.value,
            "times the loss of a guess": times,
            "mean of the first outputs": facts.output.mean,
            "deviation of the first outputs": facts.output.std,
        },
        remedy=Remedy(
            "Begin with outputs near zero: scale down the last layer, "
            "head.weight.data *= 0.01, and set head.bias to the prior of the targets."
        ),
    )


def _signal(record: Record) -> float:
    """Return the size of what comes into the last layer with weights; zero where unknown."""
    first = record.samples[0]
    places = {n: f.order for n, f in record.modules.items() if f.family in LAYERS and f.order >= 0}
    last = max(places, key=places.__getitem__, default="")
    each = first.modules.get(last)
    return math.hypot(each.input.mean, each.input.std) if each and each.input else 0.0


def _is_frozen(record: Record) -> bool:
    """Return whether some layers of the network are not trained."""
    called = [facts for facts in record.modules.values() if facts.order >= 0]
    return any(each.family in LAYERS and not each.is_trainable for each in called)


def _gains(record: Record) -> list[float]:
    """Return the first sizes of weight matrices to be trained, times the root of the inputs."""
    facts = record.parameters
    return [
        motion.weight * facts[name].fan_in ** 0.5
        for name, motion in record.samples[0].parameters.items()
        if name in facts and len(facts[name].shape) > 1 and facts[name].is_trainable
    ]


def times_a_guess(record: Record) -> float | None:
    """Return the first loss in units of that of a guess which favours nothing; None if unknown."""
    first = record.samples[0] if record.samples else None
    if first is None or first.step > 2 or len(first.losses) != 1 or len(first.inputs) > 4:
        return None
    facts = first.losses[0]
    if facts.is_weighted:
        return None
    if facts.kind in CLASSES or facts.kind in BINARY:
        return _of_classes(facts)
    return _of_numbers(facts) if facts.kind in SQUARED or facts.form == "squared error" else None


def _of_classes(facts: LossFacts) -> float | None:
    if facts.reduction not in ("mean", "none") or facts.value <= 0:
        return None
    if facts.kind in BINARY:
        return facts.value / math.log(2)
    classes = facts.output_shape[1] if len(facts.output_shape) > 1 else 0
    return facts.value / math.log(classes) if classes > 1 else None


def _of_numbers(facts: LossFacts) -> float | None:
    """Return the same for squared errors, from moments, as the two sides are not related yet."""
    output, target = facts.output, facts.target
    if target is None or facts.output_shape != facts.target_shape:
        return None
    guess = target.std**2 + target.mean**2
    error = output.std**2 + target.std**2 + (output.mean - target.mean) ** 2
    if guess <= 0 or not math.isfinite(error):
        return None
    # Small targets make any output large; that is a matter of the targets' scale.
    return error / guess if math.hypot(output.mean, output.std) > LARGE_OUTPUT else 1.0
