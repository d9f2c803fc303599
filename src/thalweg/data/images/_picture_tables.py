"""Tables that list picture files, with what is to be predicted in another column."""

from pathlib import Path
from typing import Any

import numpy as np

from thalweg._core.choices import Choice
from thalweg.data._source import Raw, Source, sources
from thalweg.data.images._decoding import decode
from thalweg.data.images._wanted import Wanted, of_pictures
from thalweg.data.tables._recognize import is_frame, is_table


def _accepts(data: Any) -> bool:
    return is_table(data) or (not isinstance(data, (str, Path)) and is_frame(data))


@of_pictures
def _read(
    data: Any,
    target: Any,
    *,
    images: str,
    group: str | None = None,
    delimiter: str | None = None,
    wanted: Wanted,
) -> Raw:
    # Late, as in `tables/_table_sources.py`.
    from thalweg.data.tables._files import read_table
    from thalweg.data.tables._frames import as_frame
    from thalweg.data.tables._tables import check_column, read_targets

    choices: list[Choice] = []
    folder, origin = Path(), f"a table with {images!r} in {Path().resolve()}"
    if isinstance(data, (str, Path)):
        # Tables name files as seen from where they lie themselves.
        folder, origin = Path(data).parent, f"{Path(data).resolve()} {images!r}"
        frame, choices = read_table(Path(data), delimiter)
    else:
        frame = as_frame(data)
    check_column(frame, images)
    targets, target_names = read_targets(frame, target, {})
    cells = enumerate(frame[images].to_list())
    names = [str(name).strip() if name else f"row {row}, which is blank" for row, name in cells]
    decoded = decode([folder / name for name in names], names, wanted, origin)
    groups = None
    if group is not None:
        check_column(frame, group)
        groups = np.array(frame[group].to_list(), dtype=object)[decoded.kept]
    return Raw(
        inputs=decoded.inputs,
        targets=targets[decoded.kept],
        names=tuple(names[row] for row in decoded.kept),
        target_names=target_names or ("target",),
        groups=groups,
        choices=[*choices, *decoded.choices],
    )


sources.register(
    "picture tables", summary="a table of picture files, with images=COLUMN and target=COLUMN"
)(Source(_accepts, _read, needs="images"))
