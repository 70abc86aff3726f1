"""Takes the configuration out of a file, with bounds on what is read: nothing is trusted, nothing is run."""

from __future__ import annotations

import io
import json
import time
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from advisor_keras import hdf5
from advisor_keras.config import ConfigError, shown

MOST_CONFIG_BYTES = 12 << 20
MOST_CONTAINERS = 200_000
MOST_VALUES = 1_000_000
MOST_DIRECTORY_BYTES = 2 << 20
MOST_SECONDS = 1.5  # of this thread's processor time


@dataclass(frozen=True)
class KerasFile:
    """The configuration of a saved model and what was saved beside it."""

    document: Mapping[str, Any]
    training: Mapping[str, Any] = field(default_factory=dict)
    keras_version: str = ""
    container: str = "json"


class BoundedFile(io.RawIOBase):
    """A file that stops giving bytes after a budget of bytes or seconds, whatever a library asks of it."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("rb", buffering=0)
        self._left = MOST_DIRECTORY_BYTES
        self._until = time.thread_time() + MOST_SECONDS

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = 0) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def read(self, size: int = -1) -> bytes:
        if size < 0:
            here = self._file.tell()
            size = self._file.seek(0, 2) - here
            self._file.seek(here)
        if size > self._left or time.thread_time() > self._until:
            raise ConfigError("its structure asks for more reading than any Keras configuration needs")
        raw = self._file.read(size) or b""
        self._left -= len(raw)
        return raw

    def allow(self, size: int) -> None:
        """Let so many more bytes be read."""
        self._left += size

    def close(self) -> None:
        self._file.close()
        super().close()


def parse_json(raw: bytes | str, what: str) -> Mapping[str, Any]:
    """Parse a JSON object of bounded size and depth."""
    if len(raw) > MOST_CONFIG_BYTES:
        raise ConfigError(f"{what} is larger than {MOST_CONFIG_BYTES >> 20} MiB")
    try:
        text = raw.decode("utf-8-sig") if isinstance(raw, bytes) else raw
        if text.count("[") + text.count("{") > MOST_CONTAINERS or text.count(",") > MOST_VALUES:
            raise ConfigError(f"{what} has more parts than any Keras configuration needs")
        loaded = json.loads(text)
    except RecursionError:
        raise ConfigError(f"{what} is nested too deeply") from None
    except UnicodeDecodeError:
        raise ConfigError(f"{what} is not UTF-8 text") from None
    except ValueError as error:
        raise ConfigError(f"{what} is not valid JSON ({str(error)[:100]})") from None
    if not isinstance(loaded, dict):
        raise ConfigError(f"{what} holds {shown(loaded)}; expected a JSON object")
    return loaded


def read_hdf5(path: Path) -> KerasFile:
    """Read the root attributes ``model_config`` and ``training_config`` of an HDF5 file."""
    found = hdf5.root_texts(path, ("model_config", "training_config", "keras_version"), MOST_CONFIG_BYTES)
    document, version = found["model_config"], found["keras_version"]
    if document is None:
        raise ConfigError(
            "an HDF5 file without the attribute 'model_config': weights alone do not describe a model; save the whole "
            "model with model.save(...)"
        )
    return KerasFile(
        document=parse_json(document, "attribute 'model_config'"),
        training=_optional(found["training_config"], "attribute 'training_config'"),
        keras_version=version[:40].decode("utf-8", "replace") if version else "",
        container="hdf5",
    )


def _optional(raw: bytes | None, what: str) -> Mapping[str, Any]:
    """Parse what is useful but not needed; an unreadable one counts as absent."""
    if not raw:
        return {}
    try:
        return parse_json(raw, what)
    except ConfigError:
        return {}


def read_json(path: Path) -> Mapping[str, Any]:
    """Read the text of ``model.to_json()``, also where it was written as one JSON string."""
    size = path.stat().st_size
    if size > MOST_CONFIG_BYTES:
        raise ConfigError(f"{size} bytes of JSON; at most {MOST_CONFIG_BYTES} are read")
    raw = path.read_bytes()
    if raw.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b'"'):
        try:
            inner = json.loads(raw.decode("utf-8-sig"))
        except ValueError as error:
            raise ConfigError(f"not valid JSON ({str(error)[:100]})") from None
        return parse_json(str(inner), "the JSON in the file")
    return parse_json(raw, "the file")


def looks_like_keras_zip(path: Path) -> bool:
    """Whether a zip file has Keras's members at its top, judged without reading them."""
    try:
        with BoundedFile(path) as stream, zipfile.ZipFile(stream) as archive:
            names = set(archive.namelist())
    except (ConfigError, zipfile.BadZipFile, OSError, ValueError, NotImplementedError, MemoryError):
        return path.suffix.lower() == ".keras"
    return "config.json" in names and bool(names & {"metadata.json", "model.weights.h5"})


def read_zip(path: Path) -> KerasFile:
    """Read ``config.json`` and ``metadata.json`` of a ``.keras`` file; the weights may be missing."""
    try:
        with BoundedFile(path) as stream, zipfile.ZipFile(stream) as archive:
            stream.allow(2 * MOST_CONFIG_BYTES)
            raw = _member(archive, "config.json", MOST_CONFIG_BYTES)
            about = _member(archive, "metadata.json", 1 << 20) if "metadata.json" in archive.namelist() else b""
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, RuntimeError, EOFError, zlib.error) as error:
        raise ConfigError(f"damaged .keras file ({' '.join(str(error).split())[:120]})") from None
    document = parse_json(raw, "config.json")
    version = _optional(about, "metadata.json").get("keras_version")
    return KerasFile(document, keras_version=version[:40] if isinstance(version, str) else "", container="keras")


def _member(archive: zipfile.ZipFile, name: str, most: int) -> bytes:
    """Return a member, its declared size checked before and its real size while it is unpacked."""
    try:
        entry = archive.getinfo(name)
    except KeyError:
        raise ConfigError(f"the zip file has no {name}; expected a .keras file written by model.save(...)") from None
    if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) or entry.flag_bits & 0x1:
        raise ConfigError(f"{name} is encrypted or packed in a way that Keras does not use")
    if max(entry.file_size, entry.compress_size) > most:
        raise ConfigError(f"{name} unpacks to {entry.file_size} bytes; at most {most} are read")
    with archive.open(entry) as member:
        raw = member.read(most + 1)
    if len(raw) > most:
        raise ConfigError(f"{name} unpacks to more than {most} bytes")
    return raw
