"""A launch: the processes that torchrun starts together, and all again when one has died.

torchrun keeps a board of keys and values that outlives its processes. It tells a process that was
started again what was begun before, and which messages were said already.
"""

import functools
import os
import zlib
from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    # torch documents its stores under this name.
    from torch.distributed import Store  # pyright: ignore[reportPrivateImportUsage]

PATIENCE = timedelta(minutes=10)
"""How long a process waits for another one before it gives up."""
NUMBERS = ("RANK", "WORLD_SIZE", "MASTER_PORT")
"""What torchrun sets besides the address; where one is no number, somebody else set it."""


def size() -> int:
    """Return how many processes were started together; one without torchrun."""
    is_launched = "MASTER_ADDR" in os.environ and all(map(_is_number, NUMBERS))
    return int(os.environ["WORLD_SIZE"]) if is_launched else 1


def rank() -> int:
    """Return which of them this is, counted from zero over all machines."""
    return int(os.environ["RANK"]) if size() > 1 else 0


def local_rank() -> int:
    """Return which of those on this machine this is."""
    return int(os.environ["LOCAL_RANK"]) if _is_number("LOCAL_RANK") else rank()


def _is_number(variable: str) -> bool:
    value = os.environ.get(variable, "")
    return value.isascii() and value.isdigit()


def is_first() -> bool:
    """Return whether this is the process that writes and speaks for all."""
    return rank() == 0


@functools.cache
def board() -> "Store":
    """Return the launch's board; where torchrun keeps none, the first process's own."""
    from torch.distributed import TCPStore  # pyright: ignore[reportPrivateImportUsage]

    host, port = os.environ["MASTER_ADDR"], int(os.environ["MASTER_PORT"])
    return TCPStore(host, port, is_master=not is_kept() and is_first(), timeout=PATIENCE)


def is_kept() -> bool:
    """Return whether torchrun keeps a board, so that it can start processes again."""
    return os.environ.get("TORCHELASTIC_USE_AGENT_STORE") == "True"


def remembered(name: str) -> str | None:
    """Return what this launch noted under a name, also before its processes were started again."""
    if not is_kept():
        return None
    key = f"thalweg/noted/{name}"
    return board().get(key).decode() if board().check([key]) else None


def remember(name: str, text: str) -> None:
    """Note something for the processes that may be started in place of these."""
    if is_kept():
        board().set(f"thalweg/noted/{name}", text)


def blame() -> None:
    """Note that this process ends the launch, so that the others need not say that they miss it."""
    if size() > 1 and is_kept():
        board().set(_now("blamed"), "")


def may_say(message: str, is_consequence: bool = False) -> bool:
    """Return whether this process is to print a message that others may have to print too.

    Args:
        message: What would be printed.
        is_consequence: Whether it only tells that another process has ended, which is worth a
            line only if that one had no time to say why.
    """
    if size() == 1 or not is_kept():
        return True
    try:
        if is_consequence and board().check([_now("blamed")]):
            return False
        return board().add(_now(f"said/{zlib.crc32(message.encode())}"), 1) == 1
    except RuntimeError:  # torchrun itself is gone.
        return True


def _now(name: str) -> str:
    """Return a key that processes started anew do not find."""
    return f"thalweg/{os.environ.get('TORCHELASTIC_RESTART_COUNT', 0)}/{name}"
