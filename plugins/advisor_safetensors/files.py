"""A checkpoint's files: one, the shards of an index, or what a folder holds. Nothing outside the folder is followed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from advisor.errors import ModelFileError
from advisor.interfaces import ModelSource
from advisor.records import replace
from advisor_safetensors.header import read_header
from advisor_safetensors.reader import INDEX
from advisor_tensors import Tensor

_SHARD = re.compile(r"^(?P<stem>.+)-(?P<part>\d{4,6})-of-(?P<parts>\d{4,6})\.safetensors$")
MOST_SHARDS = 4096
MOST_NAMES = 500_000


@dataclass(frozen=True)
class Checkpoint:
    """Tensors of all files that are there; ``total_bytes`` and ``missing`` as the index says."""

    path: Path
    tensors: list[Tensor]
    files: int
    missing: tuple[str, ...] = ()
    total_bytes: int | None = None
    notes: tuple[str, ...] = ()

    @property
    def folder(self) -> Path:
        """Where ``config.json`` may be."""
        return self.path if self.path.is_dir() else self.path.parent


def read_checkpoint(path: Path) -> Checkpoint:
    """Read a file, an index or a folder; raises ``ModelFileError`` in one line."""
    if path.is_dir():
        return _read_folder(path)
    if path.name.endswith(".json"):
        return _read_index(path, path)
    shard = _SHARD.match(path.name)
    index = path.with_name(f"{shard['stem']}{INDEX}") if shard else None
    if index is not None and index.is_file():
        whole = _read_index(index, path)
        return replace(whole, notes=("one shard was given: all of its model are read", *whole.notes))
    return Checkpoint(path, _unique(read_header(path), path), 1)


def _read_folder(path: Path) -> Checkpoint:
    found = sorted(entry.name for entry in path.iterdir() if entry.is_file() or entry.is_symlink())
    indexes = [name for name in found if name.endswith(INDEX)]
    chosen = f"model{INDEX}" if f"model{INDEX}" in indexes else indexes[0] if indexes else ""
    files = [name for name in found if name.endswith(".safetensors")]
    if chosen and (len(indexes) == 1 or chosen == f"model{INDEX}"):
        return _read_index(path / chosen, path)
    if "model.safetensors" in files:
        files = ["model.safetensors"]
    elif any(_SHARD.match(name) for name in files):
        files = [name for name in files if _SHARD.match(name)]
    if len(files) > MOST_SHARDS:
        raise ModelFileError(f"{path}: holds {len(files)} safetensors files; at most {MOST_SHARDS} are read")
    if not files:
        raise ModelFileError(f"{path}: holds no .safetensors file")
    tensors = [tensor for name in files for tensor in read_header(path / name)]
    expected = {int(match["parts"]) for name in files if (match := _SHARD.match(name))}
    if len(expected) == 1 and expected != {len(files)}:
        raise ModelFileError(f"{path}: holds {len(files)} of {expected.pop()} shards and no index that says what the "
                             "others hold")  # fmt: skip
    return Checkpoint(path, _unique(tensors, path), len(files))


def _read_index(index: Path, path: Path) -> Checkpoint:
    document = ModelSource(str(index), path=index).document
    names = document.get("weight_map") if document is not None else None
    if not isinstance(names, Mapping) or not names or len(names) > MOST_NAMES:
        raise ModelFileError(f"{index}: weight_map: must be an object from tensor to file name")
    shards: dict[str, None] = {}
    for shard in names.values():
        if not isinstance(shard, str) or not shard or shard in (".", "..") or re.search(r"[/\\\0]", shard):
            raise ModelFileError(f"{index}: weight_map: {str(shard)[:60]!r} is not the name of a file beside the "
                                 "index; files elsewhere are not followed")  # fmt: skip
        shards[shard] = None
    if len(shards) > MOST_SHARDS:
        raise ModelFileError(f"{index}: weight_map names {len(shards)} files; at most {MOST_SHARDS} are read")
    there = [shard for shard in shards if (index.parent / shard).is_file()]
    tensors = _unique([tensor for shard in there for tensor in read_header(index.parent / shard)], index)
    missing = tuple(shard for shard in shards if shard not in set(there))
    held, notes = {tensor.name for tensor in tensors}, []
    absent = [name for name, shard in names.items() if shard not in missing and name not in held]
    if absent:
        raise ModelFileError(f"{index}: weight_map: {absent[0][:60]!r} is not in {names[absent[0]]}: damaged")
    if len(held) > len(names) - sum(shard in missing for shard in names.values()):
        notes.append("the shards hold tensors that the index does not name")
    metadata: Any = (document or {}).get("metadata")
    metadata = metadata if isinstance(metadata, Mapping) else {}
    return Checkpoint(path, tensors, len(there), missing, _total(metadata, "total_size"), tuple(notes))


def _total(metadata: Mapping[str, Any], field: str) -> int | None:
    value = metadata.get(field)
    if isinstance(value, float) and value == value and abs(value) < 1e18 and value == int(value):
        value = int(value)
    return value if type(value) is int and 0 < value < 1 << 60 else None


def _unique(tensors: list[Tensor], path: Path) -> list[Tensor]:
    names: set[str] = set()
    for tensor in tensors:
        if tensor.name in names:
            raise ModelFileError(f"{path}: two files hold the tensor {tensor.name[:60]!r}")
        names.add(tensor.name)
    if len(tensors) > MOST_NAMES:
        raise ModelFileError(f"{path}: lists {len(tensors)} tensors; at most {MOST_NAMES} are read")
    return tensors
