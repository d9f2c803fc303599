"""A loss that is made large instead of small."""

from collections.abc import Iterator

from thalweg.doctor._finding import Finding, Remedy
from thalweg.doctor.checks._check import Answer, Unchecked, check
from thalweg.doctor.checks.reading import _progress
from thalweg.doctor.checks.reading._region import base, is_opaque
from thalweg.doctor.checks.reading._terms import Term, terms
from thalweg.doctor.record import Record


@check(
    "negated-loss",
    explains=("wrong-loss", "plateau", "label-noise", "initial-loss", "class-imbalance"),
)
def check_negated_loss(record: Record) -> Iterator[Answer]:
    """Follow the signs from what is minimized down to errors and likelihoods."""
    if is_opaque(record):
        yield Unchecked("the loss graph could not be seen")
        return
    if len(record.optimizers) > 1:
        # A generator may well make large what a discriminator makes small.
        yield Unchecked("several optimizers may want opposite things")
        return
    is_maximized = bool(record.optimizers and record.optimizers[0].options.get("maximize"))
    found = terms(record)
    wrong = [each for each in found if (each.is_right_way if is_maximized else each.is_wrong_way)]
    right = [each for each in found if (each.is_wrong_way if is_maximized else each.is_right_way)]
    # A part that works against the rest, a repulsion or an adversary, is meant.
    if not wrong or right:
        if found and not wrong and all(each.sign == 0 for each in found):
            yield Unchecked("its terms are weighted by numbers of both signs, such as rewards")
        return
    names = sorted({_name(record, each) for each in wrong})
    kinds = {each.kind for each in wrong}
    series = _progress.losses(record)
    evidence = {
        "minimized" if "error" not in kinds else "maximized": ", ".join(names),
        "first loss": series[0] if series else None,
        "last loss": series[-1] if series else None,
    }
    sentence = "Change the sign of the loss: loss = -loss before loss.backward()."
    if is_maximized:
        evidence["maximize of the optimizer"] = True
        sentence = "Remove maximize=True from the optimizer; a loss is to be minimized."
    yield Finding(
        fault="negated-loss",
        where="loop" if is_maximized else "loss",
        severity="error",
        confidence=0.97,
        evidence=evidence,
        remedy=Remedy(sentence),
    )


def _name(record: Record, term: Term) -> str:
    """Return what is made small or large; `nll_loss` is itself the negative of a likelihood."""
    name = base(record.graph[term.place])
    is_turned = term.kind == "likelihood" and name.startswith("NllLoss")
    return "log-likelihood" if is_turned else name
