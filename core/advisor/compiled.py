"""Data compiled once: what was made from files is kept in the user's cache folder until one of them changes.

Nothing depends on the cache: one that cannot be read or written is passed over. What is kept is MessagePack, and
is checked against its type when it is read.
"""

from __future__ import annotations

import contextlib
import gc
import os
import sys
import time
import zlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from advisor.records import Checked, note_sound

#: Age at which a kept file is removed.
KEPT_SECONDS = 180 * 86400

Made = TypeVar("Made")


def cache_folder() -> Path:
    """Return the folder of this application below the user's cache folder."""
    if override := os.environ.get("XDG_CACHE_HOME"):
        return Path(override) / "hardware-advisor"
    if os.name == "nt":
        return Path(os.environ.get("LOCALAPPDATA", str(Path.home()))) / "hardware-advisor" / "cache"
    return Path.home() / ".cache" / "hardware-advisor"


def file_state(paths: Iterable[str | Path]) -> str:
    """Names, sizes and times of files: a text that changes when one of them does. Raises ``OSError``."""
    lines = []
    for path in paths:
        status = os.stat(path)
        lines.append(f"{path} {status.st_size} {status.st_mtime_ns}")
    return "\n".join(lines)


def compiled(name: str, state: Callable[[], str], build: Callable[[], Made], kind: Any = Any, place: str = "") -> Made:
    """Return what ``build`` makes: as it was kept, where ``state`` gives the same text as then; else built and kept.

    ``kind`` is the type of what is made, of anything that msgspec can encode: a date within ``Any`` comes back as
    text. ``place`` tells installations apart that keep something of one name. A ``state`` that raises ``OSError``
    turns the cache off.
    """
    file, now = None, ""
    found: tuple[Made] | None = None
    with contextlib.suppress(OSError, RuntimeError, msgspec.MsgspecError), _no_collection():
        now = f"{sys.version}\n{state()}"
        file = cache_folder() / f"{name}-{zlib.crc32((place + sys.prefix).encode()):08x}.msgpack"
        then, kept = msgspec.msgpack.decode(file.read_bytes(), type=tuple[str, msgspec.Raw])
        if then == now:
            found = (msgspec.msgpack.decode(kept, type=kind),)
    if found is not None:
        if isinstance(found[0], list) and found[0] and isinstance(found[0][0], Checked):
            note_sound(found[0])
        return found[0]
    made = build()
    if file is not None:
        _write(file, msgspec.msgpack.encode((now, made)))
    return made


def toml_data(path: Path) -> dict[str, Any]:
    """Return a data file in TOML of a plugin's own; dates as text. Not for files that a user gives."""

    def parse() -> dict[str, Any]:
        import tomli

        plain: dict[str, Any] = msgspec.to_builtins(tomli.loads(path.read_text("utf-8")))
        return plain

    return compiled(path.stem, lambda: file_state([path]), parse, dict[str, Any], str(path))


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


def _remove_abandoned(folder: Path) -> None:
    """Remove what has not been written for long: of installations that are no more, or made anew when asked for."""
    for old in folder.glob("*.msgpack"):
        if time.time() - old.stat().st_mtime > KEPT_SECONDS:
            old.unlink(missing_ok=True)


def _write(file: Path, content: bytes) -> None:
    """Write at once or not at all."""
    import tempfile

    with contextlib.suppress(OSError):
        file.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=file.parent, suffix=".part")
        try:
            with os.fdopen(handle, "wb") as stream:
                stream.write(content)
            os.replace(temporary, file)
            _remove_abandoned(file.parent)
        except OSError:
            os.unlink(temporary)
            raise
