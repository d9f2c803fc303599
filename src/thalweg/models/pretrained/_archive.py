"""The archive that `torch.save` writes, looked over before torch reads it."""

import zipfile
from pathlib import Path

BEGINNING = b"PK\x03\x04"
PIECE = 2**20
"""Bytes read at once."""


def check_archive(path: Path) -> None:
    """Refuse an archive in which a bit has flipped, or that unpacks to more than it seems.

    `torch.save` stores everything as it is, with checksums. `torch.load` does not compare them,
    and unpacks what somebody else has compressed: a thousand times the size of the file. A file of
    the old format is no archive and has neither.

    Args:
        path: The file.

    Raises:
        OSError: It cannot be read.
        ValueError: It is not as it was written.
        zipfile.BadZipFile: The same.
    """
    with path.open("rb") as file:
        if file.read(len(BEGINNING)) != BEGINNING:
            return
    with zipfile.ZipFile(path) as archive:
        for entry in archive.infolist():
            if entry.compress_type != zipfile.ZIP_STORED:
                raise ValueError(f"{entry.filename!r} is compressed, which torch.save never does")
            # torch.save can be told to leave the checksums out, which are zeros then.
            if entry.CRC != 0:
                with archive.open(entry) as content:
                    while content.read(PIECE):
                        pass
