"""One network trained by several processes: each computes its share of every batch."""

import copy
from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from thalweg._core.modes import evaluating
from thalweg.errors import SettingError
from thalweg.tasks import Task
from thalweg.train._batches import Feed
from thalweg.train._ranks import Ranks

# Of a batch: inputs, targets, and what the sum of their losses is divided by; None where the
# mean of the losses is right as it is.
Piece = tuple[Tensor, Tensor, Tensor | float | None]

# A part of the network travels as one when it holds at most this share of all parameters, and
# stays with the rest when it holds less than that: messages neither too large nor too many.
LARGEST_PART, SMALLEST_PART = 1 / 8, 1 / 100


class Parallel(ABC):
    """How several processes share the work on a network.

    Args:
        ranks: The processes.
        model: The network that is trained.
    """

    name: ClassVar[str]

    def __init__(self, ranks: Ranks, model: nn.Module) -> None:
        self.ranks = ranks
        self.model = model
        self.network = model
        """What is called in place of the network in training."""

    def share(
        self, feed: Feed, task: Task, rows: Tensor, pieces: int
    ) -> tuple[list[Piece], Tensor | int]:
        """Return this process's pieces of a batch, and the weight of the whole batch.

        Gradients are averaged over the processes, so that each divides by as many times less.
        Each has as many pieces as any other, since all talk to each other in each: who lacks one
        computes an example whose loss counts nothing.
        """
        own = rows.tensor_split(self.ranks.size)[self.ranks.rank]
        targets = feed.targets.index_select(0, rows.to(feed.targets.device))
        weights = task.weights(targets)
        total = len(rows) if weights is None else weights.sum()
        divisor = total / self.ranks.size
        found: list[Piece] = []
        for piece in own.tensor_split(pieces):
            inputs, targets = feed.batch(piece if len(piece) else rows[:1])
            if len(piece) == 0:
                found.append((inputs, targets, float("inf")))
            elif weights is None and pieces == 1 and len(piece) == divisor:
                found.append((inputs, targets, None))
            else:
                found.append((inputs, targets, divisor))
        return found, total

    @abstractmethod
    def exchange(self, is_due: bool) -> None:
        """Let the next backward exchange gradients, or only add them up here."""

    def settle(self) -> None:
        """Give the buffers of all, such as running means, the first process's values."""
        self.ranks.align(list(self.model.buffers()))

    @abstractmethod
    def whole(self, value: Tensor) -> Tensor:
        """Return all of a tensor of which this process may hold a part."""

    @abstractmethod
    def held(self, value: Tensor) -> Tensor:
        """Return what this process holds of a tensor."""

    @abstractmethod
    def part(self, like: Tensor | None, value: Tensor) -> Tensor:
        """Return what this process holds of a whole tensor, as one like it is held."""

    @abstractmethod
    def end(self) -> None:
        """Put what was trained into the network that was handed over, in every process."""


class Replicas(Parallel):
    """Each process has the whole network; gradients are averaged (DDP, Li et al., 2020).

    Args:
        ranks: The processes.
        model: The network, on its device.
        example: What the network takes, of one example or two.
    """

    name = "ddp"

    def __init__(self, ranks: Ranks, model: nn.Module, example: Tensor) -> None:
        super().__init__(ranks, model)
        unused = self._rehearse(model, example)
        self.wrapped = DistributedDataParallel(model, find_unused_parameters=unused)
        self.network = self.wrapped
        # torch orders its messages by the first backward it sees, and sums of three and more
        # depend on the order: it sees it here, so that a resumed run has the order of a new one.
        self._rehearse(self.wrapped, example)

    def _rehearse(self, network: nn.Module, example: Tensor) -> bool:
        """Compute one gradient and forget it; return whether a parameter had none."""
        with evaluating(self.model), torch.enable_grad():
            network(example.clone()).sum().backward()
        trained = [each for each in self.model.parameters() if each.requires_grad]
        is_unused = any(each.grad is None for each in trained)
        self.model.zero_grad()
        return is_unused

    def exchange(self, is_due: bool) -> None:
        self.wrapped.require_backward_grad_sync = is_due

    def whole(self, value: Tensor) -> Tensor:
        return value

    def held(self, value: Tensor) -> Tensor:
        return value

    def part(self, like: Tensor | None, value: Tensor) -> Tensor:
        return value

    def end(self) -> None:
        self.settle()


class Shards(Parallel):
    """Each process has a part of every weight, and all of it only while it computes with it.

    torch's `fully_shard` (FSDP2; Zhao et al., 2023), on a copy: the network that was handed over
    gets the trained weights at the end.

    Args:
        ranks: The processes.
        model: The network, anywhere; a copy of it is trained.
        device: Where to compute.
    """

    name = "fsdp"

    def __init__(self, ranks: Ranks, model: nn.Module, device: torch.device) -> None:
        from torch.distributed.device_mesh import init_device_mesh
        from torch.distributed.fsdp import FSDPModule, fully_shard

        super().__init__(ranks, copy.deepcopy(model))
        self.given = model
        mesh = init_device_mesh(device.type, (ranks.size,))
        for part in parts(self.model):
            fully_shard(part, mesh=mesh)
        fully_shard(self.model, mesh=mesh)
        assert isinstance(self.model, FSDPModule)
        self.sharded = self.model

    def exchange(self, is_due: bool) -> None:
        if is_due:
            self.settle()  # As DDP does by itself before each forward.
        self.sharded.set_requires_gradient_sync(is_due)

    def whole(self, value: Tensor) -> Tensor:
        from torch.distributed.tensor import DTensor

        return value.full_tensor() if isinstance(value, DTensor) else value

    def held(self, value: Tensor) -> Tensor:
        from torch.distributed.tensor import DTensor

        return value.to_local() if isinstance(value, DTensor) else value

    def part(self, like: Tensor | None, value: Tensor) -> Tensor:
        from torch.distributed.tensor import DTensor, distribute_tensor

        if not isinstance(like, DTensor):
            return value
        value = value.to(like.device)
        # Each process has read all of it, so that nothing needs to be sent.
        return distribute_tensor(value, like.device_mesh, like.placements, src_data_rank=None)

    def end(self) -> None:
        self.settle()
        weights = {name: self.whole(each) for name, each in self.model.state_dict().items()}
        self.given.load_state_dict(weights)


def device_of(name: str, ranks: Ranks | None) -> torch.device:
    """Return where this process computes.

    Raises:
        SettingError: Several processes would share one device.
    """
    device = torch.device(name)
    if ranks is None or device.type == "cpu":
        return device
    if device.type != "cuda" or device.index is not None:
        raise SettingError(
            f"several processes compute on 'cpu' or each on a GPU of its own, 'cuda'; got {name!r}."
        )
    return torch.device("cuda", torch.cuda.current_device())


def parts(model: nn.Module) -> Iterator[nn.Module]:
    """Yield the parts of a network that are worth a message of their own.

    A network with a tensor in two places stays in one piece.
    """
    owned = [id(each) for _, each in model.named_parameters(remove_duplicate=False)]
    if len(set(owned)) == len(owned):
        yield from _parts(model, _size(model))


def _parts(module: nn.Module, whole: int) -> Iterator[nn.Module]:
    for child in module.children():
        size, children = _size(child), list(child.children())
        # A list of modules is never called itself.
        is_called = not isinstance(child, (nn.ModuleList, nn.ModuleDict))
        if is_called and (size <= LARGEST_PART * whole or not children):
            if size >= SMALLEST_PART * whole:
                yield child
        else:
            yield from _parts(child, whole)


def _size(module: nn.Module) -> int:
    return sum(each.numel() for each in module.parameters())
