"""Keep checked catalogs between runs, so that a run costs a few milliseconds and not a parse of TOML.

What is kept is MessagePack in the user's cache folder and is validated again when read. Nothing depends on it:
a cache that cannot be written or read is passed over.
"""

from __future__ import annotations

import contextlib
import gc
import hashlib
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

import msgspec

from advisor.devices import Record

_in_process: dict[str, list[Any]] = {}


def cache_folder() -> Path:
    """Return the folder of this application below the user's cache folder."""
    if override := os.environ.get("XDG_CACHE_HOME"):
        return Path(override) / "hardware-advisor"
    if os.name == "nt":
        return Path(os.environ.get("LOCALAPPDATA", str(Path.home()))) / "hardware-advisor" / "cache"
    return Path.home() / ".cache" / "hardware-advisor"


def cached(kind: str, record: type[Record], root: Traversable, build: Callable[[], list[Any]]) -> list[Any]:
    """Return records of ``kind``: from this process, from disk if the files are the same, else built."""
    if kind in _in_process:
        return list(_in_process[kind])
    records = None
    file = None
    with contextlib.suppress(OSError, RuntimeError, msgspec.MsgspecError), _no_collection():
        file = cache_folder() / f"{kind}-{_fingerprint(root, record)}.msgpack"
        records = msgspec.msgpack.decode(file.read_bytes(), type=list[record])  # type: ignore[valid-type]
    if records is None:
        records = build()
        if file is not None:
            _write(file, msgspec.msgpack.encode(records))
    _in_process[kind] = records
    return list(records)


@contextlib.contextmanager
def _no_collection() -> Iterator[None]:
    """Hold the garbage collector: thousands of new objects, all of them kept, would wake it for nothing."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def forget() -> None:
    """Drop what this process holds, for tests and after an edit of the catalog."""
    _in_process.clear()


def _fingerprint(root: Traversable, record: type[Record]) -> str:
    """Digest of names, sizes and times of the catalog's data and code, and of the record's fields."""
    if not isinstance(root, Path):
        raise OSError("not a plain folder")  # inside a zip: no times, so no cache
    state = [f"{record.__qualname__} {record.__struct_fields__}"]
    for path in _data_files(root):
        status = path.stat()
        state.append(f"{path} {status.st_size} {status.st_mtime_ns}")
    return hashlib.sha256("\n".join(state).encode()).hexdigest()[:32]


def _data_files(root: Path) -> Iterable[Path]:
    for folder in (root, root / "devices", root / "systems", root / "offers"):
        with os.scandir(folder) as listed:
            names = sorted(item.name for item in listed if item.name.endswith((".toml", ".csv", ".py")))
        yield from (folder / name for name in names)


def _write(file: Path, content: bytes) -> None:
    """Write at once or not at all; older files of the same kind are removed."""
    with contextlib.suppress(OSError):
        file.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=file.parent, suffix=".part")
        try:
            with os.fdopen(handle, "wb") as stream:
                stream.write(content)
            os.replace(temporary, file)
        except OSError:
            os.unlink(temporary)
            raise
        kind = file.name.rsplit("-", 1)[0]
        for old in file.parent.glob(f"{kind}-*"):
            if old != file:
                old.unlink(missing_ok=True)
