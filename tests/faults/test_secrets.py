"""What a process knows stays in it; what it writes has the rights of any new file."""

import base64
import os
import re
import stat
import subprocess
import sys
import zlib
from pathlib import Path

import pytest

SECRET = "hunter2-5ecret-t0ken"
SCRIPT = """
import os, signal, sys, tempfile
import thalweg as tw
from thalweg.train import _loop

os.umask(int(sys.argv[1], 8))
data = tw.load("iris")
run = tw.fit("mlp", data, epochs=2, checkpoint_every=1, out="run")
run.score("test")
run.report()
run.save("copy")

update = _loop.update
def interrupting(plan, state, *rest):
    os.kill(os.getpid(), signal.SIGINT)
    return update(plan, state, *rest)
_loop.update = interrupting
try:
    tw.fit("mlp", data, epochs=2, out="interrupted")
except KeyboardInterrupt:
    pass
"""


@pytest.fixture(scope="module", params=["077", "027", "022"])
def folder(request, tmp_path_factory) -> tuple[Path, int]:
    """Where a process with secrets has trained, and its umask."""
    place = tmp_path_factory.mktemp("secrets")
    script = place / "script.py"
    script.write_text(SCRIPT)
    secrets = {"API_TOKEN": SECRET, "AWS_SECRET_ACCESS_KEY": SECRET, "OMP_NUM_THREADS": "1"}
    ended = subprocess.run(
        [sys.executable, str(script), request.param, f"--token={SECRET}"],
        cwd=place,
        env={**os.environ, **secrets},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    assert SECRET not in ended.stdout + ended.stderr
    return place, int(request.param, 8)


def contents(place: Path):
    """Yield every file of the runs as it is, and what is packed inside of it."""
    for path in place.rglob("*"):
        if path.is_file() and path.name != "script.py":
            content = path.read_bytes()
            yield path, content
            for packed in re.findall(rb"[A-Za-z0-9+/]{40,}={0,2}", content):
                try:
                    inner = base64.b64decode(packed + b"=" * (-len(packed) % 4))
                    yield path, inner
                    yield path, zlib.decompress(inner, 47)
                except (ValueError, zlib.error):
                    continue


def test_no_file_of_a_run_holds_a_secret_of_the_environment_or_the_command_line(folder):
    place, _ = folder
    kinds = set()
    for path, content in contents(place):
        kinds.add(path.suffix)
        for form in (SECRET, SECRET[::-1], SECRET.encode().hex()):
            assert form.encode() not in content, path
        assert base64.b64encode(SECRET.encode()).rstrip(b"=")[:-1] not in content, path
    assert {".safetensors", ".json", ".jsonl", ".toml", ".html"} <= kinds


def test_every_file_and_folder_has_the_rights_of_any_new_one(folder):
    place, umask = folder
    found = 0
    for name in ("run", "copy", "interrupted"):
        for path in [place / name, *(place / name).rglob("*")]:
            wanted = (0o777 if path.is_dir() else 0o666) & ~umask
            assert stat.S_IMODE(path.stat().st_mode) == wanted, path
            found += 1
    assert found > 25


def test_what_is_half_written_has_no_more_rights_than_when_it_is_whole(start, tmp_path):
    code = """
os.umask(0o077)
flush = os.fsync
def fsync(handle):
    flush(handle)
    path = Path(f"/proc/self/fd/{handle}").readlink()
    if path.is_relative_to(Path.cwd()):
        rights = oct(os.fstat(handle).st_mode & 0o777)
        os.write(1, f"{path.suffix} {rights}\\n".encode())  # whole, whichever thread writes
os.fsync = fsync
fit("run")
"""
    child = start(code)
    assert child.wait() == 0, child.said
    rows = {tuple(line.split()) for line in child.said.splitlines() if ".partial" in line}
    assert rows == {(".partial", "0o600"), (".partial", "0o700")}
