"""Fuzzing led by coverage: `make fuzz`, or `python tests/fuzz/campaign.py TARGET --seconds 300`.

Needs the extra `fuzz` (atheris, which is libFuzzer for Python). Python code is instrumented:
Thalweg's, and that of Pillow, zipfile, tomllib, csv and the like that it reads with. Decoders in
C and Rust are exercised but lead nothing. What breaks the property is written to --out, once per
place where it broke, and the campaign goes on. Without a target, each has its seconds in turn.
"""

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
import traceback
from collections import Counter
from contextlib import suppress
from pathlib import Path
from random import Random

import atheris

READERS = ("thalweg", "PIL", "zipfile", "gzip", "tomllib", "csv", "json", "struct", "ast")

with atheris.instrument_imports(include=list(READERS), enable_loader_override=False):
    from mutations import LARGEST, mutate
    from targets import TARGETS, hold, seeds


def place(error: BaseException) -> str:
    """Return what tells one fault from another: the kind of error, and the last lines of ours."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [f"{Path(each.filename).name}:{each.lineno}" for each in frames]
    cause = f" < {place(error.__cause__)}" if error.__cause__ is not None else ""
    return f"{type(error).__name__} {' '.join(ours[-3:])}{cause}"


def main() -> None:
    """Run one target until its seconds are over."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("target", nargs="?", choices=list(TARGETS))
    parser.add_argument("--seconds", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, default=Path("found"))
    given = parser.parse_args()
    if given.target is None:
        options = [f"--{name}={getattr(given, name)}" for name in ("seconds", "seed", "out")]
        # libFuzzer's loop ends with its process, so that each target has one of its own.
        codes = [
            subprocess.run([sys.executable, __file__, name, *options], check=False).returncode
            for name in TARGETS
        ]
        raise SystemExit(max(map(bool, codes)))
    known = seeds(given.target)
    corpus = Path(tempfile.mkdtemp())
    for content in known:
        # What is imported late writes folders of its own then.
        with suppress(Exception), tempfile.TemporaryDirectory() as folder:
            TARGETS[given.target](content, Path(folder))
    ends, faults = Counter[str](), Counter[str]()
    began = time.monotonic()

    def report() -> None:
        print(
            f"{given.target}: {sum(ends.values()):,} executions in {time.monotonic() - began:.0f} "
            f"s, {ends['taken']:,} taken, {ends['refused']:,} refused, {len(faults)} faults",
            flush=True,
        )

    def one(content: bytes) -> None:
        try:
            ends["taken" if hold(given.target, content) else "refused"] += 1
        except BaseException as error:  # polars' panics are no Exception
            if isinstance(error, KeyboardInterrupt):
                raise
            ends["broken"] += 1
            where = place(error)
            faults[where] += 1
            if faults[where] == 1:
                given.out.mkdir(parents=True, exist_ok=True)
                digest = hashlib.sha256(where.encode()).hexdigest()[:8]
                path = given.out / f"{given.target}-{digest}"
                path.write_bytes(content)
                print(f"{path}: {where}: {str(error)[:200]!r}", flush=True)
        if time.monotonic() - began > given.seconds:
            report()
            shutil.rmtree(corpus)
            # libFuzzer is in the middle of its loop, which nothing ends but the process.
            os._exit(len(faults) > 0)

    def change(content: bytes, largest: int, seed: int) -> bytes:
        draw = Random(seed)
        if draw.random() < 0.5:
            return mutate(content, known, draw)[:largest]
        return atheris.Mutate(content, largest)

    for number, content in enumerate(known):
        (corpus / str(number)).write_bytes(content)
    words = [sys.argv[0], str(corpus), f"-max_len={LARGEST}", "-rss_limit_mb=8192", "-timeout=120"]
    words += [f"-seed={given.seed}", "-len_control=0", "-print_final_stats=0", "-verbosity=0"]
    atheris.Setup(words, one, custom_mutator=change)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
