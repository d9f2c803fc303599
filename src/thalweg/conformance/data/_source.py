"""Source: read without a trace, the same each time, and at prediction as in training."""

from collections.abc import Iterator
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from thalweg.conformance._suite import NotApplicable, Verdict
from thalweg.conformance.data._case import SPLITS, SplitsCase
from thalweg.data import PARTS
from thalweg.errors import ThalwegError


@SPLITS.check("Work on a copy of what you are given; open files for reading only.")
def check_source_untouched(case: SplitsCase) -> Verdict:
    """Loading changes no array, frame or file that it reads."""
    if case.before is None:
        return NotApplicable("nothing was given that could change")
    return None if case.digest() == case.before else "another content than before loading."


@SPLITS.check("Let the reader draw from a generator seeded by `seed`, and sort what it lists.")
def check_loads_again(case: SplitsCase) -> Verdict:
    """Loaded again, the parts, the fingerprint and the schema are the same, bit for bit."""
    if case.reload is None:
        return NotApplicable("the data were handed over split, and do not say where from")
    first, again = case.splits, case.reload()
    if again.schema.fingerprint != first.schema.fingerprint:
        return f"fingerprint {again.schema.fingerprint}, not {first.schema.fingerprint}."
    for part in PARTS:
        if again[part].names != first[part].names:
            return f"other examples, or another order, in {part}."
        if not torch.equal(again[part].targets, first[part].targets):
            return f"other targets in {part}."
        pairs = zip(again[part].inputs, first[part].inputs, strict=True)
        if not all(torch.equal(one, other) for one, other in pairs):
            return f"other inputs in {part}."
    same = again.schema.encoder.to_json() == first.schema.encoder.to_json()
    return None if same else "another encoder."


@SPLITS.check("Let the encoder's read() treat what it gets as the source's reader does.")
def check_reads_alike(case: SplitsCase) -> Verdict:
    """Read as at prediction, the same source gives the same stored examples, bit for bit."""
    if case.given is None:
        return NotApplicable("there is only what was loaded")
    encoder = case.splits.schema.encoder
    try:
        inputs, names = encoder.read(case.given)
    except ThalwegError as error:
        return NotApplicable(f"it is not what is met at prediction: {error}")
    stored = dict(zip(names, encoder.encode(inputs), strict=True))
    compared = 0
    for part in PARTS:
        for name, expected in zip(case.splits[part].names, case.splits[part].inputs, strict=True):
            if name in stored:
                compared += 1
                if not torch.equal(stored[name], expected):
                    return f"{name!r} of {part} is encoded in another way."
    return None if compared else NotApplicable("examples are called by other names there")


def digest(data: Any, target: Any = None) -> bytes | None:
    """Return a digest of arrays, frames, files and folders; None where the data are none of them.

    Example:
        >>> digest([1, 2]) == digest([1, 2]), digest([1, 2]) == digest([1, 3]), digest("iris")
        (True, False, None)
    """
    pieces = list(_pieces(data))
    total = blake2b(digest_size=16)
    for piece in [*pieces, *_pieces(target)]:
        total.update(blake2b(piece).digest())
    return total.digest() if pieces else None


def _pieces(given: Any) -> Iterator[bytes]:
    """Yield the content of what was given, piece by piece."""
    if isinstance(given, (str, Path)):
        path = Path(given)
        files = sorted(path.rglob("*")) if path.is_dir() else [path]
        for file in files:
            if file.is_file():
                yield str(file).encode("utf-8", "surrogateescape")
                yield file.read_bytes()
    elif isinstance(given, (np.ndarray, Tensor)):
        values = given.detach().cpu().numpy() if isinstance(given, Tensor) else given
        yield str((values.dtype, values.shape)).encode()
        yield repr(values.tolist()).encode() if values.dtype.hasobject else values.tobytes()
    elif isinstance(given, dict):
        for name, each in given.items():
            yield repr(name).encode()
            yield from _pieces(each)
    elif isinstance(given, (list, tuple)):
        for each in given:
            yield from _pieces(each)
    elif given is None or isinstance(given, (bool, int, float, set, frozenset)):
        yield repr(given).encode()
    else:
        import narwhals as nw  # Late, as where frames are read.

        frame = nw.from_native(given, pass_through=True)
        if isinstance(frame, nw.LazyFrame):
            frame = frame.collect()
        if isinstance(frame, nw.DataFrame):
            yield repr(frame.to_dict(as_series=False)).encode()
