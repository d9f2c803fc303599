import os

from thalweg._core import memory


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
