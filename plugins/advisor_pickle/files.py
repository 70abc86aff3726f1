"""The two containers of torch: a zip of ``data.pkl`` and storages (since 1.6), and pickles in a row (before)."""

from __future__ import annotations

import io
import zipfile
import zlib
from pathlib import Path

from advisor.errors import ModelFileError
from advisor_pickle.opcodes import PickleError, outline
from advisor_pickle.tensors import Found, find_tensors

ZIP = b"PK\x03\x04"
#: Pickle of the number 0x1950a86a20f9469cfc6c, with which torch's older files begin.
LEGACY = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."
MOST_PICKLE_BYTES = 24 << 20
MOST_DIRECTORY_BYTES = 4 << 20  # about 50,000 storages
ADVICE = ("a pickle can run any code when it is loaded, so it is not loaded; save the weights as safetensors "
          "(safetensors.torch.save_file), or give the model's config.json")  # fmt: skip


class _Bounded(io.RawIOBase):
    """A file that stops giving bytes after a budget, whatever a zip file's directory claims."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("rb", buffering=0)
        self._size = path.stat().st_size
        self.left = MOST_DIRECTORY_BYTES

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
            size = max(self._size - self._file.tell(), 0)
        self.left -= size
        if self.left < 0:
            raise zipfile.BadZipFile("its directory is larger than any checkpoint needs")
        return self._file.read(size) or b""

    def close(self) -> None:
        self._file.close()
        super().close()


def is_torch_zip(path: Path) -> bool:
    """Whether a zip holds a pickle of torch and its storages, by its names alone."""
    try:
        with _Bounded(path) as stream, zipfile.ZipFile(stream) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, MemoryError):
        return False
    return any(name.endswith("/data.pkl") or name == "data.pkl" for name in names) and not any(
        name.endswith(("/archive_format", "/models/model.json")) for name in names
    )


def looks_pickled(head: bytes) -> bool:
    """Whether bytes begin as a pickle of protocol 2 to 5 does."""
    return len(head) > 2 and head[0] == 0x80 and 2 <= head[1] <= 5 and head[2:3] in (
        b"\x8a", b"\x95", b"}", b"]", b"c", b"(", b"X", b"\x8c", b"K")  # fmt: skip


def read_zip(path: Path) -> Found:
    """Tensors of a zip, whose storages must be there and large enough."""
    try:
        with _Bounded(path) as file, zipfile.ZipFile(file) as archive:
            members = archive.infolist()
            entry = next(member for member in members if member.filename.endswith("data.pkl"))
            prefix = entry.filename.removesuffix("data.pkl")
            file.left = 2 * MOST_PICKLE_BYTES
            known = entry.compress_type in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
            if entry.file_size > MOST_PICKLE_BYTES or not known:
                raise ModelFileError(f"{path}: its table of tensors takes {entry.file_size} bytes; at most "
                                     f"{MOST_PICKLE_BYTES} are read")  # fmt: skip
            with archive.open(entry) as stream:
                raw = stream.read(MOST_PICKLE_BYTES + 1)
            if len(raw) > MOST_PICKLE_BYTES:
                raise ModelFileError(f"{path}: its table of tensors is larger than {MOST_PICKLE_BYTES} bytes")
            sizes = {member.filename.removeprefix(f"{prefix}data/"): member.file_size for member in members}
    except (zipfile.BadZipFile, ValueError, NotImplementedError, RuntimeError, EOFError, zlib.error,
            StopIteration) as error:  # fmt: skip
        raise ModelFileError(f"{path}: damaged zip file ({' '.join(str(error).split())[:100]})") from None
    found = _find(io.BytesIO(raw), path)
    size = path.stat().st_size
    for key, held in found.storages.items():
        if sizes.get(key, -1) < held or held > size:
            raise ModelFileError(f"{path}: damaged: storage {key[:40]!r} should hold {held} bytes and holds "
                                 f"{sizes.get(key, 0)}")  # fmt: skip
    return found


def read_legacy(path: Path) -> Found:
    """Tensors of pickles in a row: magic number, protocol, system, then the state dict."""
    with path.open("rb") as file:
        raw = file.read(MOST_PICKLE_BYTES)
    stream = io.BytesIO(raw)
    try:
        for _ in range(3):
            outline(stream)
    except PickleError as error:
        raise ModelFileError(f"{path}: damaged pickle ({error})") from None
    found = _find(stream, path)
    claimed = sum(found.storages.values())
    if claimed > path.stat().st_size:
        raise ModelFileError(f"{path}: damaged or cut off: its storages claim {claimed} bytes in a file of "
                             f"{path.stat().st_size}")  # fmt: skip
    return found


def _find(stream: io.BytesIO, path: Path) -> Found:
    try:
        found = find_tensors(outline(stream))
    except PickleError as error:
        raise ModelFileError(f"{path}: no plain table of tensors ({error}); {ADVICE}") from None
    except RecursionError:
        raise ModelFileError(f"{path}: its table of tensors is nested too deeply; {ADVICE}") from None
    if not found.tensors:
        raise ModelFileError(f"{path}: a pickle without a table of tensors at its top; {ADVICE}")
    return found
