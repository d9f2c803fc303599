"""The processes of one training: who we are, and what we tell each other."""

import json
import secrets
import sys
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor
from torch import distributed as dist

# torch documents its stores under this name.
from torch.distributed import PrefixStore, ProcessGroup, ReduceOp, Store  # pyright: ignore[reportPrivateImportUsage]

from thalweg import errors
from thalweg._core import launch
from thalweg.errors import ProcessLostError, SettingError, ThalwegError

# Seconds between two looks at the board while processes meet.
PAUSE = 0.01
# What torch's errors about other processes are known by, where they are plain RuntimeErrors.
LOST = ("gloo", "pair closure", "Connection closed by peer", "Timed out waiting")


class Ranks:
    """The processes that train together. Each call below is one that all of them make.

    Args:
        control: Their group for what lies on the host. Tensors on a device travel in torch's
            default group.
    """

    def __init__(self, control: ProcessGroup) -> None:
        self.control = control
        self.rank = dist.get_rank()
        """Which process this is, counted from zero; that one writes and speaks for all."""
        self.size = dist.get_world_size()
        """How many they are."""

    @property
    def is_first(self) -> bool:
        """Whether this is the process that writes and speaks for all."""
        return self.rank == 0

    def mean(self, tensor: Tensor) -> Tensor:
        """Return the mean of a tensor over the processes."""
        dist.all_reduce(tensor)
        return tensor / self.size

    def align(self, tensors: Sequence[Tensor]) -> None:
        """Give tensors the values that they have in the first process."""
        for tensor in tensors:
            # gloo sends memory as it lies, so that the layouts of all must be one.
            dense = tensor.detach().contiguous()
            dist.broadcast(dense, 0)
            if dense.data_ptr() != tensor.data_ptr():
                tensor.detach().copy_(dense)

    def most(self, numbers: Sequence[int]) -> list[int]:
        """Return the largest of each number over the processes."""
        found = torch.tensor(numbers)
        dist.all_reduce(found, ReduceOp.MAX, self.control)
        return found.tolist()

    def all(self, fact: bool) -> bool:
        """Return whether something is so in every process."""
        return self.most([not fact]) == [0]

    def told(self, compute: Callable[[], Any]) -> Any:
        """Return what the first process alone computes, as JSON carries it.

        Raises:
            ThalwegError: In all of them, where computing it raised one.
        """
        content, failed = {}, None
        if self.is_first:
            try:
                content = {"value": compute()}
            except ThalwegError as error:
                content, failed = {"error": type(error).__name__, "message": str(error)}, error
        content = json.loads(self._sent(json.dumps(content)))
        if failed is not None:
            raise failed
        if "error" in content:
            raise getattr(errors, content["error"], errors.ThalwegError)(content["message"])
        return content["value"]

    def _sent(self, text: str) -> str:
        """Return the first process's text."""
        sent = torch.frombuffer(bytearray(text.encode()), dtype=torch.uint8)
        (length,) = self.most([len(sent) if self.is_first else 0])
        content = sent if self.is_first else torch.empty(length, dtype=torch.uint8)
        dist.broadcast(content, 0, self.control)
        return bytes(content.tolist()).decode()

    def gathered(self, text: str) -> list[str]:
        """Return the texts of all, in their order."""
        content = text.encode()
        (longest,) = self.most([len(content)])
        # Spaces fill the shorter ones up, and are no part of any JSON or fingerprint.
        own = torch.frombuffer(bytearray(content.ljust(longest)), dtype=torch.uint8)
        rows = [torch.empty_like(own) for _ in range(self.size)]
        dist.all_gather(rows, own, self.control)
        return [bytes(row.tolist()).decode().rstrip(" ") for row in rows]

    def stacked(self, tensor: Tensor) -> Tensor | None:
        """Return the tensors of all, of one shape, one beneath the other; in the first only."""
        tensor = tensor.contiguous()
        rows = [torch.empty_like(tensor) for _ in range(self.size)] if self.is_first else None
        dist.gather(tensor, rows)
        return torch.cat(rows) if rows else None

    def wait(self) -> None:
        """Wait until all are here."""
        self.most([0])


@contextmanager
def joined() -> Iterator[Ranks | None]:
    """Meet the other processes of the launch, and leave them when the block ends.

    A group that the caller made is used and left as it is.

    Yields:
        None for a process that trains alone.

    Raises:
        ProcessLostError: Another process ended, or did not answer for as long as the group waits.
    """
    has_group = dist.is_available() and dist.is_initialized()
    if (dist.get_world_size() if has_group else launch.size()) == 1:
        yield None
        return
    is_done, hook = False, sys.excepthook
    try:
        with _explained(), warnings.catch_warnings():
            if not launch.is_first():
                warnings.simplefilter("ignore")  # The first process gives each of them too.
            if not has_group:
                _make_group()
            yield Ranks(_control(made_by_user=has_group))
        is_done = True
    except ProcessLostError:
        is_done = True
        raise
    finally:
        if not is_done:
            # Before the group falls apart, which is all that the others notice.
            launch.blame()
        if not has_group and dist.is_initialized():
            dist.destroy_process_group()
            sys.excepthook = hook  # A group puts its own in front, which it leaves there.


def _make_group() -> None:
    store, rank, size = launch.board(), launch.rank(), launch.size()
    if torch.cuda.is_available():
        if launch.local_rank() >= torch.cuda.device_count():
            raise SettingError(
                f"each process needs a GPU of its own, and this machine has "
                f"{torch.cuda.device_count()}. Lower --nproc-per-node, or hide the GPUs by "
                "CUDA_VISIBLE_DEVICES= to compute on the CPU."
            )
        torch.cuda.set_device(launch.local_rank())
    dist.init_process_group(
        "cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo",
        store=PrefixStore(f"thalweg/group/{_meet(store, rank, size)}", store),
        rank=rank,
        world_size=size,
        timeout=launch.PATIENCE,
    )


def _meet(store: Store, rank: int, size: int) -> str:
    """Return a word that only the processes which are here now agree on.

    The board still holds what processes wrote that are no more: addresses found under a fixed
    name may be those of the dead. So each process shows a new word, and the first one answers
    until all have heard it.
    """
    own = secrets.token_hex(8)
    store.set(f"thalweg/here/{rank}", own)
    if rank > 0:
        word = store.get(f"thalweg/answer/{own}").decode()
        store.set(f"thalweg/heard/{word}/{rank}", "")
        return word
    missing = set(range(1, size))
    deadline = time.monotonic() + launch.PATIENCE.total_seconds()
    while missing:
        if time.monotonic() > deadline:
            raise ProcessLostError(
                f"waited {_patience()} for process {min(missing)} of {size} to begin training. "
                "Let every process that torchrun starts call fit or resume."
            )
        for each in list(missing):
            if store.check([f"thalweg/heard/{own}/{each}"]):
                missing.discard(each)
            elif store.check([f"thalweg/here/{each}"]):
                asks = store.get(f"thalweg/here/{each}").decode()
                store.set(f"thalweg/answer/{asks}", own)
        time.sleep(PAUSE)
    return own


def _control(made_by_user: bool) -> ProcessGroup:
    if made_by_user and dist.get_backend() != "gloo":
        group = dist.new_group(backend="gloo", timeout=launch.PATIENCE)
    else:
        group = dist.group.WORLD
    assert isinstance(group, ProcessGroup)
    return group


@contextmanager
def _explained() -> Iterator[None]:
    """Turn what torch says of a lost connection, or of a network that varies, into a line."""
    try:
        yield
    except RuntimeError as error:
        if "finished reduction" in str(error):
            raise SettingError(
                "the network uses other parameters in one step than in another, which several "
                "processes cannot do together. Use all in each step, or train in one process."
            ) from error
        is_told = isinstance(error, dist.DistError) or any(each in str(error) for each in LOST)
        if isinstance(error, ThalwegError) or not is_told:
            raise
        raise ProcessLostError(
            "another process of this training has ended, or did not answer for "
            f"{_patience()}; its own message, if it had time for one, says why. Go on with the "
            "run by `resume`, with as many processes; torchrun --max-restarts does it by itself."
        ) from error


def _patience() -> str:
    return f"{launch.PATIENCE.total_seconds() / 60:g} minutes"
