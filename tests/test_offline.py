"""Tests that would speak to another machine fail; those that speak to this one do not."""

import socket
import subprocess
import sys

import pytest

# Addresses and names that are kept for examples (RFC 5737 and 2606): nobody has them.
ELSEWHERE = {
    "connect": lambda: socket.socket().connect(("192.0.2.1", 80)),
    "connect by IPv6": lambda: socket.socket(socket.AF_INET6).connect(("2001:db8::1", 80)),
    "resolve": lambda: socket.getaddrinfo("thalweg.example", 80),
    "resolve the old way": lambda: socket.gethostbyname("thalweg.example"),
    "resolve backwards": lambda: socket.getnameinfo(("192.0.2.1", 80), 0),
    "send": lambda: socket.socket(type=socket.SOCK_DGRAM).sendto(b"x", ("192.0.2.1", 53)),
    "be reached": lambda: socket.socket().bind(("0.0.0.0", 0)),
}


@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("way", ELSEWHERE)
def test_another_machine_is_refused_and_the_attempt_is_kept(attempts, way):
    with pytest.raises(ConnectionRefusedError, match="tests speak to no other machine"):
        ELSEWHERE[way]()
    assert attempts.read_text().count("\n") == 1
    attempts.write_text("")


def test_a_process_that_a_test_starts_is_refused_too(attempts):
    code = "import socket\ntry: socket.create_connection(('192.0.2.1', 80))\nexcept OSError: pass"
    subprocess.run([sys.executable, "-c", code], check=True)
    assert attempts.read_text() == "socket.getaddrinfo '192.0.2.1'\n"
    attempts.write_text("")


def test_this_machine_may_be_spoken_to():
    with socket.socket() as server, socket.socket() as client:
        server.bind(("127.0.0.1", 0))
        server.listen()
        client.connect(("localhost", server.getsockname()[1]))
        server.accept()[0].close()
