"""What can be told before training: a few steps on a copy, under the watch."""

import dataclasses
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from thalweg._core import seeds
from thalweg.doctor._faults import FAULTS
from thalweg.doctor._finding import Diagnosis
from thalweg.doctor._watch import watch
from thalweg.doctor.trials._specimen import bare_copy
from thalweg.errors import SettingError, ShapeError

# Enough steps for the checks that want a few rows, few enough to wait for.
STEPS = 12
# What shows in the first steps of training on one batch. That it is one batch is ours.
STAGES = ("data", "initialization", "wiring")
NOT_OURS = ("repeated-batch", "not-shuffled", "leakage", "label-noise", "class-imbalance")


def preflight(
    model: nn.Module,
    batch: tuple[Any, Tensor],
    loss_function: Callable[[Tensor, Tensor], Tensor],
    optimizer: Optimizer | None = None,
) -> Diagnosis:
    """Look for what is wrong before training, on a copy of the network and one batch.

    Args:
        model: The network; it is not touched.
        batch: Inputs and targets, as the loop would have them.
        loss_function: Takes the network's output and the targets.
        optimizer: Of the network's parameters, to find those that none owns.

    Returns:
        What was found of data, initialization and wiring.

    Raises:
        SettingError: The batch is not a pair, or nothing can be trained.
        ShapeError: Network or loss refuse the batch.

    Example:
        >>> import torch, thalweg as tw
        >>> model = torch.nn.Sequential(torch.nn.Linear(4, 3), torch.nn.Softmax(dim=1))
        >>> batch = torch.randn(32, 4), torch.arange(32) % 3
        >>> tw.preflight(model, batch, torch.nn.CrossEntropyLoss()).findings[0].fault
        'double-softmax'
    """
    if not isinstance(batch, (tuple, list)) or len(batch) != 2:
        raise SettingError(f"the batch must be (inputs, targets), got {type(batch).__name__}.")
    inputs, targets = batch
    with seeds.isolated(0, "preflight"), torch.enable_grad():
        double = bare_copy(model).train()
        other = _optimizer(model, double, optimizer)
        with watch(double, other, every=1) as doctor:
            for _ in range(STEPS):
                other.zero_grad()
                try:
                    loss = loss_function(double(inputs), targets)
                except (RuntimeError, ValueError, TypeError, IndexError) as error:
                    reason = str(error).strip().split("\n")[0] or type(error).__name__
                    raise ShapeError(f"network and loss cannot take the batch: {reason}") from error
                if loss.ndim or not loss.requires_grad:
                    raise SettingError(
                        "the loss must be one number that depends on the parameters, got "
                        f"shape {tuple(loss.shape)}, requires_grad {loss.requires_grad}."
                    )
                loss.backward()
                other.step()
    return _early(doctor.diagnosis)


def _early(diagnosis: Diagnosis) -> Diagnosis:
    """Return what a dozen steps on one batch can tell."""
    seen = {
        code for code, fault in FAULTS.items() if fault.stage in STAGES and code not in NOT_OURS
    }
    later = dict.fromkeys(set(FAULTS) - seen, "it shows only while training goes on")
    return dataclasses.replace(
        diagnosis,
        findings=tuple(each for each in diagnosis.findings if each.fault in seen),
        unchecked={**{k: v for k, v in diagnosis.unchecked.items() if k in seen}, **later},
    )


def _optimizer(model: nn.Module, double: nn.Module, optimizer: Optimizer | None) -> Optimizer:
    """Return an optimizer of the copy that owns what the given one owns of the network."""
    if optimizer is None:
        trainable = [each for each in double.parameters() if each.requires_grad]
        if not trainable:
            raise SettingError("the network has no trainable parameters.")
        return torch.optim.Adam(trainable, lr=1e-3)
    twins = dict(zip(map(id, model.parameters()), double.parameters(), strict=True))
    groups = [
        {**group, "params": [twins[id(each)] for each in group["params"] if id(each) in twins]}
        for group in optimizer.param_groups
    ]
    return type(optimizer)([group for group in groups if group["params"]], **_defaults(optimizer))


def _defaults(optimizer: Optimizer) -> dict[str, Any]:
    return {"lr": optimizer.defaults["lr"]} if "lr" in optimizer.defaults else {}
