"""Imported by every Python process that the tests start: no word to another machine.

Python's own sockets are watched. What C or C++ opens by itself is not seen here, so that the
connections of torch's process groups are those of the loopback by their addresses alone.
"""

import ipaddress
import os
import sys

LOG = "THALWEG_OFFLINE_LOG"
"""Names the file to which each attempt is written, since whoever made it may swallow the error."""


def is_local(host: object) -> bool:
    """Return whether a host is this machine, known without asking anybody."""
    if isinstance(host, bytes):
        host = host.decode(errors="replace")
    # torchrun asks for the full name of the machine that it runs on.
    if host in (None, "localhost", os.uname().nodename):
        return True
    try:
        return ipaddress.ip_address(str(host)).is_loopback
    except ValueError:  # a name that somebody would have to be asked for
        return False


def _host(event: str, arguments: tuple) -> object:
    """Return the host that an event is about; None where no other machine can be meant."""
    if event in ("socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr"):
        return arguments[0]
    if event == "socket.getnameinfo":
        return arguments[0][0]
    if event in ("socket.connect", "socket.bind", "socket.sendto", "socket.sendmsg"):
        address = arguments[1]
        # A path is a socket of this machine, and sendmsg may go where it is connected.
        return address[0] if isinstance(address, tuple) else None
    return None


def watch(event: str, arguments: tuple) -> None:
    """Refuse what would reach beyond this machine, or let others reach it."""
    if event.startswith("socket.") and not is_local(host := _host(event, arguments)):
        attempt = f"{event} {host!r}"
        if path := os.environ.get(LOG):
            log = os.open(path, os.O_WRONLY | os.O_APPEND)
            os.write(log, f"{attempt}\n".encode())
            os.close(log)
        raise ConnectionRefusedError(f"tests speak to no other machine: {attempt}")


sys.addaudithook(watch)
