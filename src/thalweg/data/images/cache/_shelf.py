"""One place in the cache: found as it was left, or made anew because something has changed."""

import numpy as np
import PIL
from jaxtyping import UInt8
from torch import Tensor

from thalweg._core import formats
from thalweg._core.progress import say
from thalweg.data.images._facts import Facts
from thalweg.data.images._plan import Plan
from thalweg.data.images._reading import Files
from thalweg.data.images._wanted import Wanted
from thalweg.data.images.cache._draft import Draft, UnavailableError, drafted
from thalweg.data.images.cache._entry import HEADER, VERSION, About, DamagedError, Entry, checksum
from thalweg.data.images.cache._folder import alone, cache_folder, make_room, place_of
from thalweg.data.images.cache._sources import SourceFiles

# Bytes of what is known of a picture, thumbnail and all.
FACTS = 1200


class Shelf:
    """The file that holds the pictures of one origin, decoded in one way.

    Args:
        files: The pictures.
        wanted: How they are read.
        origin: The folder or table that names them.

    Raises:
        UnavailableError: Nobody says where the cache is.
    """

    def __init__(self, files: Files, wanted: Wanted, origin: str) -> None:
        folder = cache_folder(None if isinstance(wanted.cache, bool) else wanted.cache)
        settings = f"{wanted.sides} {wanted.channels} {wanted.margin or 0}"
        self.path = place_of(folder, origin, settings)
        self.sources = SourceFiles.of(files.paths, files.names)
        self.origin = origin
        self.wanted = wanted
        self.changed = ""
        """Why what was there could not be taken."""

    def find(self) -> Entry | None:
        """Return what is there, unless it is damaged or its files have changed since."""
        try:
            entry = Entry.open(self.path)
            changes = self.sources.changes(entry.sources)
            if changes is None and entry.about.pillow != PIL.__version__:
                changes = "another version of Pillow"
            if changes is not None:
                self.changed = f"{changes} since"
                return None
            if not entry.pictures.stays:
                entry.check_pixels()
        except FileNotFoundError:
            return None
        except DamagedError as error:
            self.changed = f"what was kept was damaged, {error}"
            return None
        entry.touch()
        return entry

    def make(self, plan: Plan) -> tuple[Entry, str]:
        """Return what another process has made in the meantime, or what is decoded now; and why.

        Raises:
            DataError: More than half of the pictures cannot be read.
            UnavailableError: There is no room for them, or they cannot be written.
        """

        def wait() -> None:
            say("Another process is decoding these pictures: waiting for it.")

        with alone(self.path, wait):
            if (entry := self.find()) is not None:
                return entry, "decoded by another process just now"
            removed = make_room(self.path, HEADER + len(plan.files) * (plan.bytes_each + FACTS))
            with drafted(self.path, len(plan.files), plan.shape) as draft:
                self._fill(draft, plan)
            try:
                entry = Entry.open(self.path)
            except (DamagedError, FileNotFoundError) as error:
                raise UnavailableError(f"{self.path} was removed at once") from error
        reason = f"decoded anew ({self.changed})" if self.changed else "decoded once"
        if removed:
            reason += f", {formats.count(len(removed))} older files removed to make room"
        return entry, f"{reason}; kept for the next time"

    def _fill(self, draft: Draft, plan: Plan) -> None:
        """Decode all pictures into a file and put it in its place."""
        repaired = plan.files.decode(plan.rows, plan.shape, draft.put, plan.failed)
        kept = np.array(sorted(repaired), dtype=np.int64)
        draft.keep(kept, plan.shape[0])
        if plan.is_grey(draft.values(), self.wanted):
            draft.keep(np.arange(len(kept)), 1)
        checks: list[int] = []

        def seen(chunk: UInt8[Tensor, "chunk channels height width"]) -> None:
            checks.append(checksum(chunk.numpy()))

        facts = Facts.of(draft.values(), plan.size, seen)
        arrays = {
            "kept": kept,
            "names": self.sources.names,
            "states": self.sources.states,
            "digests": facts.digests,
            "sums": facts.sums,
            "thumbnails": facts.thumbnails,
        }
        about = About(
            version=VERSION,
            pillow=PIL.__version__,
            origin=self.origin,
            shape=(draft.pictures, *draft.shape),
            size=plan.size,
            choices=plan.told(self.wanted, draft.shape[0], repaired),
            checks={"pixels": checks, **{name: [checksum(each)] for name, each in arrays.items()}},
        )
        draft.finish(about, arrays)
