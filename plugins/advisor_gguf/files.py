"""A model's files: one, or the parts of a split one, with every tensor seen to lie inside its file."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from advisor.errors import ModelFileError
from advisor_gguf.header import Entry, Header, read_header
from advisor_gguf.types import Q8_1_WIDE, BlockType
from advisor_tensors import Tensor

_PART = re.compile(r"^(?P<stem>.*)-(?P<part>\d{5})-of-(?P<parts>\d{5})\.gguf$")
MOST_PARTS = 512


@dataclass(frozen=True)
class Contents:
    """Metadata and tensors of a whole model."""

    path: Path
    metadata: dict[str, Any]
    tensors: list[Tensor]
    files: int
    padding: int


def model_file(path: Path) -> Path:
    """The file itself, or the one model of a folder; raises ``ModelFileError`` where there are several."""
    if not path.is_dir():
        return path
    found = sorted(entry for entry in path.iterdir() if entry.name.endswith(".gguf") and entry.is_file())
    first = {_stem(entry): entry for entry in reversed(found)}
    models = [entry for entry in first.values() if not entry.name.lower().startswith("mmproj")] or list(first.values())
    if len(models) != 1:
        names = ", ".join(sorted(entry.name for entry in models)[:6])
        raise ModelFileError(f"{path}: holds {len(models)} GGUF models; give one of them: {names or 'none found'}")
    return models[0]


def _stem(path: Path) -> str:
    match = _PART.match(path.name)
    return f"{match['stem']}-of-{match['parts']}" if match else path.name


def read_files(path: Path) -> Contents:
    """Read the header of the file and of the other parts beside it."""
    match = _PART.match(path.name)
    paths = [path]
    if match:
        parts = int(match["parts"])
        if not 1 <= int(match["part"]) <= parts <= MOST_PARTS:
            raise ModelFileError(f"{path}: part {match['part']} of {match['parts']} makes no sense")
        paths = [path.with_name(f"{match['stem']}-{part:05d}-of-{match['parts']}.gguf") for part in range(1, parts + 1)]
        missing = [part.name for part in paths if not part.is_file()]
        if missing:
            raise ModelFileError(f"{path}: {len(missing)} of its {parts} parts are not beside it: {missing[0]}"
                                 f"{' and more' if len(missing) > 1 else ''}")  # fmt: skip
    headers = [read_header(part) for part in paths]
    metadata = headers[0].metadata
    split = metadata.get("split.count", 1)
    if not match and isinstance(split, int) and split > 1:
        raise ModelFileError(f"{path}: is one of {split} parts; keep the name *-00001-of-{split:05d}.gguf and its "
                             "other parts beside it")  # fmt: skip
    tensors = [tensor for part, header in zip(paths, headers, strict=True) for tensor in _tensors(part, header)]
    if len({tensor.name for tensor in tensors}) != len(tensors):
        raise ModelFileError(f"{path}: two parts hold a tensor of the same name")
    claimed = metadata.get("split.tensors.count")
    if match and isinstance(claimed, int) and claimed != len(tensors):
        raise ModelFileError(f"{path}: split.tensors.count is {claimed}, but the parts hold {len(tensors)} tensors")
    data = sum(header.file_size - header.data_start for header in headers if header.entries)
    return Contents(path, metadata, tensors, len(paths), data - sum(tensor.bytes for tensor in tensors))


def _tensors(path: Path, header: Header) -> list[Tensor]:
    """The table with sizes; raises where data overlap or end after the file does."""
    ordered = sorted(header.entries, key=lambda entry: entry.offset)
    room = header.file_size - header.data_start
    sizes: dict[str, tuple[BlockType, int]] = {}
    for index, entry in enumerate(ordered):
        limit = ordered[index + 1].offset if index + 1 < len(ordered) else max(room, 0)
        block = _block(entry, limit, header.alignment)
        size = entry.size(block)
        if entry.offset + size > max(room, 0):
            end = header.data_start + entry.offset + size
            raise ModelFileError(f"{path}: cut off or damaged: tensor {entry.name[:60]!r} ends at byte {end} of a file "
                                 f"of {header.file_size}")  # fmt: skip
        if entry.offset + size > limit:
            raise ModelFileError(f"{path}: damaged GGUF file: tensors {entry.name[:60]!r} and "
                                 f"{ordered[index + 1].name[:60]!r} overlap")  # fmt: skip
        sizes[entry.name] = block, size
    return [Tensor(entry.name, entry.shape or (1,), block.name, block.format, entry.values, size)
            for entry, (block, size) in ((entry, sizes[entry.name]) for entry in header.entries)]  # fmt: skip


def _block(entry: Entry, limit: int, alignment: int) -> BlockType:
    """The type as it is stored: of Q8_1 there are two layouts, and the place of the next tensor tells which."""
    if entry.type.name != "Q8_1":
        return entry.type

    def fits(block: BlockType) -> bool:
        return -(-(entry.offset + entry.size(block)) // alignment) * alignment == -(-limit // alignment) * alignment

    return Q8_1_WIDE if fits(Q8_1_WIDE) and not fits(entry.type) else entry.type
