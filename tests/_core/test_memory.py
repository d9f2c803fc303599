import os
import subprocess
import sys

import pytest

from thalweg._core import memory

has_glibc = pytest.mark.skipif(memory._glibc() is None, reason="malloc is not glibc's here")
CHURN = """
import resource
from pathlib import Path
from thalweg._core import memory

def faults():
    "What twenty steps of sixteen blocks of a MiB have the system fill with zeros, in pages."
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(20):
        blocks = [bytearray(2**20) for _ in range(16)]
        del blocks
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096
"""


def churned(code, **environment):
    """Run it in a process whose malloc nobody has changed; return the numbers that it prints."""
    clean = {name: value for name, value in os.environ.items() if "MALLOC" not in name.upper()}
    done = subprocess.run(
        [sys.executable, "-c", CHURN + code],
        env={**clean, **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    return [int(each) for each in done.stdout.split()]


def mounted(root, meminfo=None, **group):
    (root / "proc").mkdir()
    (root / "sys/fs/cgroup").mkdir(parents=True)
    if meminfo is not None:
        (root / "proc/meminfo").write_text(f"MemTotal: 9 kB\nMemAvailable:   {meminfo} kB\n")
    for name, text in group.items():
        (root / "sys/fs/cgroup" / name.replace("_", ".")).write_text(text)
    return root


def test_what_the_kernel_says_is_available(tmp_path):
    assert memory.available(mounted(tmp_path, meminfo=2048)) == 2 * 2**20


def test_a_container_has_what_its_limit_leaves(tmp_path):
    root = mounted(tmp_path, meminfo=10**6, memory_max="5000\n", memory_current="3000\n")
    assert memory.available(root) == 2000
    (root / "sys/fs/cgroup/memory.stat").write_text("anon 100\ninactive_file 700\n")
    assert memory.available(root) == 2700


def test_a_container_without_a_limit_has_the_machine(tmp_path):
    root = mounted(tmp_path, meminfo=1, memory_max="max\n", memory_current="3000\n")
    assert memory.available(root) == 1024


def test_where_nobody_says_it_is_all_there_is(tmp_path):
    total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    assert memory.available(tmp_path) == total
    assert 0 < memory.available() <= total


@has_glibc
def test_what_is_freed_is_kept_for_what_is_asked_for_next():
    code = """
usual = faults()
with memory.kept():
    faults()
    print(usual, faults())
"""
    usual, kept = churned(code)
    pages = 20 * 16 * 2**20 // os.sysconf("SC_PAGE_SIZE")
    assert usual > pages / 2
    assert kept < pages / 100


@has_glibc
def test_only_the_last_of_several_blocks_gives_back():
    code = """
with memory.kept():
    with memory.kept():
        faults()
    print(faults())
with memory.kept():
    print(faults())
"""
    kept, again = churned(code)
    pages = 16 * 2**20 // os.sysconf("SC_PAGE_SIZE")
    assert kept < pages / 5
    assert pages / 2 < again < 2 * pages  # Once for all twenty steps.


@has_glibc
def test_all_that_is_free_goes_back_at_the_end_even_of_a_failure():
    code = """
before = resident()
try:
    with memory.kept():
        blocks = [bytearray(2**20) for _ in range(64)]
        del blocks
        print(resident() - before)
        1 / 0
except ZeroDivisionError:
    print(resident() - before)
"""
    inside, after = churned(code)
    assert inside > 60 * 2**20
    assert after < 8 * 2**20


@has_glibc
@pytest.mark.parametrize(
    "environment",
    [
        {"MALLOC_TRIM_THRESHOLD_": "131072"},
        {"MALLOC_MMAP_MAX_": "65536"},
        {"GLIBC_TUNABLES": "glibc.malloc.trim_threshold=131072"},
    ],
)
def test_settings_of_the_environment_stay(environment):
    code = """
with memory.kept():
    faults()
    print(faults())
"""
    (kept,) = churned(code, **environment)
    assert kept > 20 * 16 * 2**20 // os.sysconf("SC_PAGE_SIZE") / 2


@pytest.mark.parametrize("error", [ValueError, AttributeError, OSError])
def test_where_malloc_is_another_one_nothing_happens(monkeypatch, error):
    def confstr(name):
        raise error(name)

    monkeypatch.setattr(memory.os, "confstr", confstr)
    with memory.kept():
        assert memory._glibc() is None
