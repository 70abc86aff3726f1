"""The parts of an unfinished sweep: one file a chunk, there whole or not at all, so that a kill loses no more than it.

A part is named for the positions in it. What is done is what is there: a sweep goes on with the rest,
whatever the size of its chunks.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from advisor.errors import InputError
from advisor_sweep.grid import Grid

MANIFEST = "sweep.json"
#: How a part that is whole ends, by its kind of file.
ENDS = {".json": b"]\n", ".parquet": b"PAR1"}


class Parts:
    """A folder of parts, locked while a sweep works on it; they hold what ``encoded_chunk`` gives."""

    def __init__(self, folder: Path, grid: Grid, suffix: str = ".json", force: bool = False) -> None:
        self.folder = folder
        self.suffix = suffix
        self._name = re.compile(rf"^part-(\d{{12}})-(\d{{12}})\{suffix}$")
        self._lock: BinaryIO | None = None
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._take_lock()
            if force:
                for path in [self.folder / MANIFEST, *self.folder.glob("part-*")]:
                    path.unlink(missing_ok=True)
            self._check_manifest(grid)
        except InputError:
            self.close()
            raise
        except OSError as error:
            self.close()
            raise InputError(f"{self.folder}: cannot be written ({error.strerror or error})") from None

    def _take_lock(self) -> None:
        """Refuse to work where another process does; the lock goes with its process, however that ends."""
        try:
            import fcntl
        except ImportError:  # no such locks on this system
            return
        self._lock = (self.folder / ".lock").open("wb")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise InputError(f"{self.folder}: another sweep is at work there") from None

    def _check_manifest(self, grid: Grid) -> None:
        manifest = self.folder / MANIFEST
        strange = [name for name in os.listdir(self.folder) if not name.startswith((".", "part-"))]
        if not manifest.exists() and strange:
            raise InputError(f"{self.folder}: holds other files ({strange[0]}); give a folder of its own")
        if manifest.exists():
            try:
                digest = json.loads(manifest.read_text("utf-8")).get("grid")
            except ValueError:
                digest = None
            if digest != grid.digest:
                raise InputError(f"{self.folder}: holds an unfinished sweep of another grid; --force starts over")
            return
        _write_whole(manifest, json.dumps({"grid": grid.digest, "points": len(grid)}).encode())

    def done(self) -> list[tuple[int, int]]:
        """Ranges of positions that are there, in order; what a loss of power left torn is removed."""
        found = []
        for name in os.listdir(self.folder):
            match = self._name.match(name)
            if match and _is_whole(self.folder / name, ENDS[self.suffix]):
                found.append((int(match[1]), int(match[2])))
            elif match:
                (self.folder / name).unlink()
        return sorted(found)

    def missing(self, points: int, chunk: int) -> Iterator[tuple[int, int]]:
        """Ranges of at most ``chunk`` positions that are not there yet, in order."""
        position = 0
        for start, stop in [*self.done(), (points, points)]:
            while position < start:
                end = min(position + chunk, start)
                yield position, end
                position = end
            position = max(position, stop)

    def _path(self, start: int, stop: int) -> Path:
        return self.folder / f"part-{start:012d}-{stop:012d}{self.suffix}"

    def write(self, start: int, stop: int, contents: bytes) -> None:
        """Write one part."""
        _write_whole(self._path(start, stop), contents)

    def read(self) -> Iterator[list[dict[str, Any]]]:
        """The records of each part, in the order of their positions; of parts in JSON."""
        for span in self.done():
            yield json.loads(self._path(*span).read_text("utf-8"))

    def close(self) -> None:
        """Give the folder back."""
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def remove(self) -> None:
        """Remove the folder, when the output is written."""
        shutil.rmtree(self.folder)


def _is_whole(path: Path, end: bytes) -> bool:
    with path.open("rb") as stream:
        stream.seek(0, os.SEEK_END)
        stream.seek(max(0, stream.tell() - len(end)))
        return stream.read() == end


def _write_whole(path: Path, contents: bytes) -> None:
    """Write a file so that a kill leaves it whole or not there."""
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    partial.write_bytes(contents)
    os.replace(partial, path)
