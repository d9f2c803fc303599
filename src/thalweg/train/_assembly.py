"""From finished parts to a network ready to train: what does not fit is told here."""

import math

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from thalweg._core.modes import evaluating
from thalweg.data import Augmentation, Encoder, Splits
from thalweg.errors import DataError, SettingError, ShapeError, ThalwegError
from thalweg.models import recipe_of
from thalweg.tasks import Task
from thalweg.train._average import Average
from thalweg.train._batches import Feed, bounds
from thalweg.train._config import Config
from thalweg.train._loop import Plan
from thalweg.train._optimizers import make_optimizer, searches
from thalweg.train._parallel import Replicas, Shards, device_of
from thalweg.train._ranks import Ranks
from thalweg.train._regularizers import Penalty
from thalweg.train._schedules import Schedule, make_schedule
from thalweg.train._state import State
from thalweg.train._transfer import Transfer, transfer

# Entries in the history: enough to draw any curve, few enough to read and to keep.
MOST_STEPS_RECORDED = 2000
# torch's own; a subclass may be able to train on a single example.
BATCH_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d, nn.SyncBatchNorm)


def probe(model: nn.Module, data: Splits) -> Tensor:
    """Return the network's output for two examples, so that what does not fit is told early.

    Lazy modules take their shapes here; nothing else changes.

    Raises:
        DataError: There is nothing to train on.
        SettingError: The network has no values, or nothing that could be saved and trained.
        ShapeError: The network refuses the inputs, or returns something else than a tensor.
    """
    if not len(data.train):
        raise DataError("the training part is empty. Make `valid` and `test` smaller.")
    _check_network(model)
    with evaluating(model), torch.enable_grad():
        inputs = example(model, data)
        try:
            output = model(inputs)
        except ThalwegError:
            raise
        except (RuntimeError, ValueError, TypeError, IndexError) as error:
            reason = str(error).strip().split("\n")[0] or type(error).__name__
            raise ShapeError(
                f"the network cannot take inputs of shape {tuple(inputs.shape)}: {reason}"
                + _advice(model)
            ) from error
    if not isinstance(output, Tensor):
        raise ShapeError(f"the network must return one tensor, got {type(output).__name__}.")
    if any(each.requires_grad for each in model.parameters()) and not output.requires_grad:
        raise SettingError(
            "the network's output does not depend on its parameters in a way that can be "
            "differentiated. Remove .detach(), .item() and torch.no_grad() from its forward."
        )
    return output.detach()


def example(model: nn.Module, data: Splits) -> Tensor:
    """Return two training examples as the network gets them; a copy, for it may work in place."""
    device = next((each.device for each in model.parameters()), torch.device("cpu"))
    return data.schema.encoder.normalize(data.train.inputs[:2].to(device, copy=True))


def _check_network(model: nn.Module) -> None:
    """Refuse a network whose state cannot be trained and kept."""
    if torch.is_inference_mode_enabled():
        raise SettingError(
            "nothing can be trained inside torch.inference_mode(). Leave that block first."
        )
    for name, value in model.state_dict().items():
        if nn.parameter.is_lazy(value):
            continue  # A lazy module's, which the first batch makes.
        if not isinstance(value, Tensor):
            raise SettingError(
                f"the network's state must be tensors, but {name!r} is of type "
                f"{type(value).__name__}. Let get_extra_state return a tensor."
            )
        if value.is_meta:
            raise SettingError(
                f"the network has no values: {name!r} is on the device 'meta'. Move it with "
                "network.to_empty(device='cpu') and initialize it."
            )
        if value.is_inference():
            raise SettingError(
                "the network was made under torch.inference_mode(), so it cannot be trained. "
                "Make it outside."
            )


def _advice(model: nn.Module) -> str:
    """Return what to do with a network that refuses the data."""
    types = {each.dtype for each in model.parameters() if each.is_floating_point()}
    if not types <= {torch.float32}:
        return ". Inputs are float32: call network.float() first"
    recipe = recipe_of(model)
    return "" if recipe is None else f". {recipe.reminder()}"


def assemble(
    model: nn.Module, data: Splits, task: Task, config: Config, ranks: Ranks | None = None
) -> tuple[Plan, State]:
    """Return the finished objects of a run, and the state before its first step.

    Args:
        model: The network; it goes to the device.
        data: The three parts.
        task: What is wanted of the network.
        config: How to train, completed.
        ranks: The processes that train it together; None for one alone.

    Raises:
        SettingError: Settings do not suit the network or the data.
    """
    assert config.batch_size and config.epochs and config.device
    assert isinstance(config.learning_rate, (int, float))
    device = device_of(config.device, ranks)
    encoder, layout = data.schema.encoder, bool(config.channels_last)
    fewest = _fewest(model, config, ranks)
    feed = Feed(data.train, encoder, device, layout, _augmentation(config, encoder))
    frozen = transfer(model, example(model, data), config.tune, config.layer_decay)
    parallel = None
    if ranks is not None and config.parallel == "fsdp":
        ranks.align(list(model.state_dict().values()))
        parallel = Shards(ranks, model, device)
        model = parallel.model
    model.to(device)
    if config.channels_last:
        model.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
    if ranks is not None and parallel is None:
        ranks.align(list(model.state_dict().values()))
        parallel = Replicas(ranks, model, feed.slice(0, 2)[0])
    optimizer = _optimizer(model, config, frozen)
    if config.patience is not None and not len(data.valid):
        raise SettingError(
            "patience watches the loss on the validation part, which is empty. Leave patience out, "
            "or give that part examples."
        )
    steps = config.epochs * len(bounds(len(data.train), config.batch_size, fewest))
    plan = Plan(
        config=config,
        task=task.to(device),
        train=feed,
        valid=Feed(data.valid, encoder, device, layout) if len(data.valid) else None,
        schedule=_schedule(config, steps),
        penalty=Penalty(model, config.l1, config.l2) if config.l1 or config.l2 else None,
        searches=searches(optimizer),
        fewest=fewest,
        transfer=frozen,
        parallel=parallel,
    )
    if parallel is not None and plan.searches:
        raise SettingError(
            f"optimizer {config.optimizer!r} searches along a line by losses of its own, which "
            "several processes cannot do together. Use 'adamw', or train in one process."
        )
    record_every = math.ceil(steps / MOST_STEPS_RECORDED)
    average = Average(model, config.ema) if config.ema is not None else None
    return plan, State(model, optimizer, record_every, config.restore_best, average, parallel)


def _optimizer(model: nn.Module, config: Config, frozen: Transfer) -> Optimizer:
    assert isinstance(config.learning_rate, (int, float))
    return make_optimizer(
        model,
        config.optimizer,
        learning_rate=config.learning_rate,
        weight_decay=config.weight_decay or 0.0,
        options={**config.optimizer_options, **({"fused": True} if config.fused else {})},
        scales=frozen.scales,
    )


def _fewest(model: nn.Module, config: Config, ranks: Ranks | None) -> int:
    """Return how few examples the network can train on at once."""
    assert config.batch_size is not None
    if not any(type(module) in BATCH_NORMS for module in model.modules()):
        return 1
    processes = 1 if ranks is None else ranks.size
    # Each piece of the last batch needs two as well.
    fewest = 2 * config.accumulate * processes
    if config.batch_size < fewest:
        shared = f" on {processes} processes" if processes > 1 else ""
        raise SettingError(
            "batch normalization needs at least two examples at once, got batch_size="
            f"{config.batch_size} in accumulate={config.accumulate} pieces{shared}. "
            f"Use batch_size={fewest} or more."
        )
    return fewest


def _augmentation(config: Config, encoder: Encoder) -> Augmentation | None:
    augmentation = Augmentation(**config.augmentation)
    if augmentation.is_identity:
        return None
    shape, palette = encoder.shape, encoder.palette
    if len(shape) != 3:
        raise SettingError(
            f"augmentation ({', '.join(config.augmentation)}) is for images (channels, height, "
            f"width), but the data have shape {shape}. Leave it out."
        )
    augmentation.check(None if palette is None else palette.channels)
    return augmentation


def _schedule(config: Config, steps: int) -> Schedule:
    assert isinstance(config.learning_rate, (int, float))
    warmup = config.warmup or 0.0
    return make_schedule(
        config.schedule,
        peak=config.learning_rate,
        steps=steps,
        warmup=round(warmup * steps if warmup < 1 else warmup),
        options=config.schedule_options,
    )
