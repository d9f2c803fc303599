"""Reading: what the network says, in the user's own terms, and what the loss drives it to say."""

import numpy as np
import torch

from thalweg.conformance._suite import NotApplicable, Verdict
from thalweg.conformance.tasks._case import TASK, TaskCase
from thalweg.tasks import Prediction

# Free outputs that follow the gradient so far reach any target of a few standard deviations.
STEPS, RATE = 600, 0.1
# Of a number's standard deviation; the rate's own wobble stays below.
NEAR = 0.1


@TASK.check("Return a Prediction with a value and a name for each example, and its classes.")
def check_reads(case: TaskCase) -> Verdict:
    """read() gives a Prediction: for each name a value, and one that there is."""
    read = case.task.read(case.output, case.names)
    if not isinstance(read, Prediction):
        return f"an object of type {type(read).__name__}."
    if len(read) != len(case.targets) or list(read.names) != case.names:
        return f"{len(read)} values and {len(read.names)} names for {len(case.targets)} examples."
    classes, kind = case.task.target.classes, case.task.target.kind
    if kind == "category" and (unknown := set(read.values.tolist()) - set(classes)):
        return f"{unknown.pop()!r}, which is none of the classes."
    if kind == "multilabel" and not np.isin(read.values, (0, 1)).all():
        return "indicators that are neither 0 nor 1."
    if kind == "number" and not np.isfinite(np.asarray(read.values, dtype=float)).all():
        return "values that are no finite numbers."
    return None


@TASK.check("Return probabilities in the order of target.classes, and as values the likeliest.")
def check_probabilities(case: TaskCase) -> Verdict:
    """Probabilities lie in 0 to 1, those of classes sum to one, and the value is the likeliest."""
    read = case.task.read(case.output, case.names)
    if read.probabilities is None:
        return NotApplicable("it gives no probabilities")
    shares, classes = read.probabilities, case.task.target.classes
    if tuple(read.classes) != tuple(classes):
        return f"the classes {read.classes}, not {classes}."
    if shares.shape != (len(case.targets), len(classes)):
        return f"probabilities of shape {shares.shape}, not {(len(case.targets), len(classes))}."
    if not ((shares >= 0) & (shares <= 1)).all():
        return f"probabilities from {shares.min():g} to {shares.max():g}."
    if case.task.target.kind == "category":
        if not np.allclose(shares.sum(axis=1), 1, atol=1e-5):
            return f"probabilities that sum to {shares.sum(axis=1)[0]:g}."
        likeliest = [classes[number] for number in shares.argmax(axis=1)]
        if read.values.tolist() != likeliest:
            return "a value that is not the likeliest."
    elif (read.values != (shares >= 0.5)).any():
        return "a label that is more likely absent than present, or the reverse."
    return None


@TASK.check("Compare the order of classes and the sign of the loss in losses() and in read().")
def check_loss_leads_to_the_target(case: TaskCase) -> Verdict:
    """Outputs that follow the gradient of the loss end where read() says the target."""
    output = torch.zeros_like(case.output).requires_grad_()
    optimizer = torch.optim.Adam([output], lr=RATE)
    # A falling rate settles where the loss has a corner.
    schedule = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.01, STEPS)
    for _ in range(STEPS):
        optimizer.zero_grad()
        case.task.losses(output, case.targets).sum().backward()
        optimizer.step()
        schedule.step()
    values = case.task.read(output.detach(), case.names).values
    written = case.written()
    if written is not None:
        pairs = zip(values.tolist(), written, strict=True)
        return next((f"{a!r} where the target is {b!r}." for a, b in pairs if a != b), None)
    wanted = case.targets.double().numpy().reshape(len(values), -1)
    apart = np.abs(np.asarray(values, dtype=float).reshape(len(values), -1) - wanted)
    share = float((apart / np.array(case.task.target.scale)).max())
    return f"values {share:.1e} standard deviations from the target." if share > NEAR else None


@TASK.check("Work on copies in losses(), quick(), score() and read().")
def check_arguments_untouched(case: TaskCase) -> Verdict:
    """No method changes the outputs or targets that it is given."""
    output, targets = case.output.clone(), case.targets.clone()
    case.task.losses(output, targets)
    case.task.mean_loss(output, targets)
    case.task.quick(output, targets)
    case.task.score(output, targets)
    case.task.read(output, case.names)
    for name, now, then in (("outputs", output, case.output), ("targets", targets, case.targets)):
        if not torch.equal(now, then):
            return f"{name} changed."
    return None
