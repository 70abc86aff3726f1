"""Takes the graph out of a ``torch.export`` archive: JSON in a zip, read without torch, nothing unpickled."""

from __future__ import annotations

import json
import struct
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

ZIP_MAGIC = b"PK\x03\x04"
MOST_DIRECTORY = 4 << 20
MOST_JSON = 48 << 20
MOST_VALUES = 3_000_000
_END = struct.Struct("<4s4H2LH")


class ArchiveError(Exception):
    """An archive that cannot be read; the reader adds the file's name."""


def directory(path: Path) -> zipfile.ZipFile:
    """Open the zip; refuse one whose table of contents is of an unbelievable size before it is read."""
    size = path.stat().st_size
    with path.open("rb") as stream:
        stream.seek(max(0, size - 65_557))
        tail = stream.read(65_557)
    place = tail.rfind(b"PK\x05\x06")
    if place < 0 or len(tail) - place < _END.size:
        raise ArchiveError("the zip has no table of contents; truncated or damaged")
    declared = _END.unpack_from(tail, place)[5]
    if declared == 0xFFFFFFFF:  # a zip64 archive says its size elsewhere: what lies before its end record
        found = tail.rfind(b"PK\x06\x06")
        declared = struct.unpack_from("<Q", tail, found + 40)[0] if 0 <= found <= len(tail) - 48 else 0
    if declared > MOST_DIRECTORY:
        raise ArchiveError(f"the zip's table of contents claims {declared} bytes; at most {MOST_DIRECTORY} are read")
    try:
        return zipfile.ZipFile(path)
    except (zipfile.BadZipFile, ValueError, OSError, struct.error, OverflowError, NotImplementedError) as error:
        raise ArchiveError(f"not a readable zip ({str(error)[:80]})") from None


def _is_program(name: str) -> bool:
    return name == "serialized_exported_program.json" or ("/models/" in name and name.endswith(".json"))


def is_export(path: Path, head: bytes) -> bool:
    """Whether the file is an archive with a serialised program, or is called one and is a zip."""
    if not head.startswith(ZIP_MAGIC):
        return False
    try:
        with directory(path) as archive:
            return any(map(_is_program, archive.namelist()))
    except ArchiveError:
        return path.suffix == ".pt2"


def program(archive: zipfile.ZipFile) -> Mapping[str, Any]:
    """Return the serialised program."""
    names = archive.namelist()
    wanted = [name for name in names if _is_program(name)]
    wanted.sort(key=lambda name: (not name.endswith("/models/model.json"), name))
    if not wanted:
        raise ArchiveError("holds no program; expected one saved by torch.export.save")
    found = json_member(archive, wanted[0])
    if not isinstance(found.get("graph_module"), Mapping):
        raise ArchiveError(f"{wanted[0][:80]} holds no graph_module; expected a program saved by torch.export.save")
    return found


def json_member(archive: zipfile.ZipFile, name: str) -> Mapping[str, Any]:
    """Read a JSON object from a member, of bounded size whatever it claims."""
    info = archive.getinfo(name)
    if info.file_size > MOST_JSON:
        raise ArchiveError(f"{name[:80]} claims {info.file_size} bytes; at most {MOST_JSON} are read")
    try:
        with archive.open(info) as stream:
            data = stream.read(MOST_JSON + 1)
    except (zipfile.BadZipFile, zlib.error, ValueError, OSError, EOFError, RuntimeError, NotImplementedError) as error:
        raise ArchiveError(f"{name[:80]} cannot be read ({str(error)[:80]})") from None
    if len(data) > MOST_JSON or sum(map(data.count, (b",", b"[", b"{"))) > MOST_VALUES:
        raise ArchiveError(f"{name[:80]} holds too many values; this reader stops at {MOST_VALUES}")
    try:
        found = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise ArchiveError(f"{name[:80]} is not valid JSON ({str(error)[:80]})") from None
    if not isinstance(found, Mapping):
        raise ArchiveError(f"{name[:80]} is not a JSON object")
    return found
