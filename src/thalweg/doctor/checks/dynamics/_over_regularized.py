"""Decay, penalties, dropout or noise that leave nothing of what the data say."""

import math
from collections.abc import Iterator

import numpy as np

from thalweg.doctor._finding import Finding, Remedy
from thalweg.doctor.checks._check import Answer, Unchecked, check
from thalweg.doctor.checks.reading import _outcome
from thalweg.doctor.checks.reading._progress import losses, start_and_end, uninformed
from thalweg.doctor.record import Record

# Of the first loss, or that of a guess, so much is left at least.
POOR = 0.2
# Decay that is added to the gradient is the slope of a penalty on the weights. It is too much
# where that penalty is a good part of the loss, its pull on most matrices in most steps a good
# part of the gradient, of which much is noise, and the weights have become smaller.
DECAY_OF_LOSS = 0.2
DECAY_OF_GRADIENT = 0.3
SMALLER = 0.8
COLLAPSED = 0.1
# Decoupled decay as a share of the whole step. Where noisy steps and decay balance, which is
# usual late in a training, it is half of the step's share of the weights: some hundredths.
DECAY_OF_STEP = 0.5
USUAL_DECOUPLED = 0.1
# Over the whole training it takes away as much as the weights themselves; less is no hindrance,
# though nothing else moves weights that get no gradient.
TAKEN = 1.0
# Rates for hidden units go up to a half; beyond this they are meant as the share to keep.
DROPOUT = 0.7
DROPOUT_LEFT = 0.6
# A penalty of this share of the loss counts where the data's own loss is no better than a guess
# and the weights have shrunk to a part of what they were.
PENALTY = 0.2
SHRUNK = 0.5
NO_BETTER_THAN_A_GUESS = 0.9
# In training mode no better than a guess, in evaluation mode better by this much: what differs
# between the modes hides the data.
GAP = 0.1
# What is far worse than a guess has run away.
MUCH_WORSE = 1.5
FEWEST = 30
FEWEST_LOOKS = 4


@check("over-regularized", explains=("plateau", "underfitting", "dead-units", "lr-too-high"))
def check_over_regularized(record: Record) -> Iterator[Answer]:
    """Find what pulls the weights, or hides the data, more strongly than the data speak."""
    left = _outcome.remaining(record)
    if left is None or len(record.steps) < FEWEST:
        yield Unchecked("too few steps, or a loss whose floor is unknown")
        return
    if left < POOR:
        return
    for find in (_decay, _penalty, _dropout, _noise):
        found = find(record, left)
        if found is not None:
            yield found
            return


def _finding(where: str, left: float, evidence: dict, remedy: Remedy) -> Finding:
    return Finding(
        fault="over-regularized",
        where=where,
        severity="error",
        confidence=0.85,
        evidence={**evidence, "share of the loss that is left": left},
        remedy=remedy,
    )


def _decay(record: Record, left: float) -> Finding | None:
    options = record.optimizers[0].options
    decay, is_decoupled = float(options.get("weight_decay", 0) or 0), _is_decoupled(record)
    # Decoupled decay is multiplied with the rate: a usual one that takes too much is the rate's.
    if decay <= (USUAL_DECOUPLED if is_decoupled else 0.0):
        return None
    # Looks may be rare late in a training.
    late = [step for step, _ in _outcome.matrices(record)][-FEWEST_LOOKS:]
    middle = min(record.steps[len(record.steps) // 2].step, *late)
    rates = {row.step: row.rate for row in record.steps}
    ratios = []
    for step, motions in _outcome.matrices(record):
        for motion in motions.values():
            pull = motion.update if is_decoupled else motion.gradient
            if step >= middle and pull and motion.weight > 0:
                factor = rates.get(step, 0.0) if is_decoupled else 1.0
                ratios.append(factor * decay * motion.weight / pull)
    bound = DECAY_OF_STEP if is_decoupled else DECAY_OF_GRADIENT
    if len(ratios) < 4 or float(np.median(ratios)) < bound:
        return None
    taken = decay * sum(row.rate for row in record.steps)
    if (taken < TAKEN) if is_decoupled else not _weighs(record, decay):
        return None
    against = "step" if is_decoupled else "gradient of the data"
    return _finding(
        "optimizer",
        left,
        {"weight decay": decay, f"decay as share of the {against}": float(np.median(ratios))},
        Remedy(
            f"Lower it: weight_decay={decay / 100:.1g} in place of {decay:.3g}; values such as "
            "0.1 are meant for AdamW, which does not add them to the gradient.",
            lambda config: {"weight_decay": config.weight_decay / 100},
        ),
    )


def _weighs(record: Record, decay: float) -> bool:
    """Return whether decay as a penalty is a good part of the loss, and has shrunk the weights.

    Where it has left next to nothing of them, it was so in the beginning.
    """
    motions = [found for _, found in _outcome.matrices(record) if found]
    first, last = motions[0], motions[-1]
    ratios = [last[name].weight / first[name].weight for name in last if first[name].weight > 0]
    shrunk = float(np.median(ratios))
    heaviest = first if shrunk < COLLAPSED else last
    squares = sum(
        motion.weight**2 * math.prod(record.parameters[name].shape)
        for name, motion in heaviest.items()
    )
    loss = start_and_end(losses(record, None))[1]
    return decay / 2 * squares > DECAY_OF_LOSS * loss and shrunk < SMALLER


def _is_decoupled(record: Record) -> bool:
    facts = record.optimizers[0]
    return facts.kind.endswith("W") or bool(facts.options.get("decoupled_weight_decay"))


def _penalty(record: Record, left: float) -> Finding | None:
    """Find what the loop adds to the loss, where it holds the weights down."""
    guess = uninformed(record)
    roots = {row.step: row.root for row in record.steps}
    single = [each for each in record.samples if len(each.losses) == 1]
    added = [
        1 - each.losses[0].value / roots[each.step]
        for each in single
        if roots.get(each.step, 0) > 0
    ]
    sizes = [
        math.sqrt(sum(each.weight**2 for each in motions.values()) / len(motions))
        for _, motions in _outcome.matrices(record)
        if motions
    ]
    if guess is None or not added or len(sizes) < 2 or left < NO_BETTER_THAN_A_GUESS:
        return None
    # A penalty that has won weighs little in the end.
    share = float(max(np.median(added[:5]), np.median(added[-5:])))
    shrunk = sizes[-1] / max(1e-12, sizes[0])
    if share < PENALTY or shrunk > SHRUNK:
        return None
    return _finding(
        "loss",
        left,
        {"penalty as share of the loss": share, "weights at the end over those at first": shrunk},
        Remedy(
            "Divide the factor of the penalty that is added to the loss by a hundred, or take its "
            "mean over the weights in place of the sum."
        ),
    )


def _dropout(record: Record, left: float) -> Finding | None:
    rates = {
        path: facts.options.get("p", 0.0)
        for path, facts in record.modules.items()
        if facts.family == "dropout" and facts.order >= 0
    }
    # An auxiliary head may drop most of what it sees, as GoogLeNet's does: its loss is one of more.
    if any(len(each.losses) > 1 for each in record.samples):
        return None
    highest = max(rates, key=lambda path: rates[path], default=None)
    if highest is None or rates[highest] < DROPOUT or left < DROPOUT_LEFT:
        return None
    return _finding(
        highest,
        left,
        {"share that is dropped": rates[highest]},
        Remedy(
            f"nn.Dropout(p) takes the share to drop, not to keep: p={1 - rates[highest]:.1g} in "
            f"place of p={rates[highest]:.2g}."
        ),
    )


def _noise(record: Record, left: float) -> Finding | None:
    guess = uninformed(record)
    bare = _outcome.data_losses(record)
    passes = [
        each.loss
        for each in record.evaluations
        if each.loss is not None and not each.training_forwards
    ]
    # Modules of the user's own may add noise; those that torch knows say so.
    called = [each for each in record.modules.values() if each.order >= 0]
    has_modes = any(each.follows_mode or each.family == "other" for each in called)
    if guess is None or len(bare) < 4 or not passes or not has_modes:
        return None
    noisy = [row.loss for row in record.steps[-len(record.steps) // 4 :]]
    trained, tested = float(np.mean(noisy)), float(np.median(passes[-3:]))
    error = float(np.std(noisy)) / math.sqrt(len(noisy))
    is_hidden = NO_BETTER_THAN_A_GUESS * guess < trained < MUCH_WORSE * guess
    if not is_hidden or trained - tested < max(GAP * guess, 4 * error):
        return None
    return _finding(
        "network",
        left,
        {"loss in training mode": trained, "in evaluation mode": tested, "of a guess": guess},
        Remedy(
            "Lower what the network does in training mode only, noise or dropout: it hides the "
            "data from the loss."
        ),
    )
