"""The reader: pickled checkpoints in, the advisor's model out. Nothing is unpickled."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from advisor.errors import ModelFileError
from advisor.interfaces import ModelReader, ModelSource
from advisor.models import Model
from advisor.records import replace

if TYPE_CHECKING:
    from advisor_pickle.tensors import Found

NOTE = "read from the pickle's opcodes: nothing in the file was loaded or run; safetensors is the safer format"

INDEX = ".bin.index.json"
MOST_SHARDS = 512


class PickleReader(ModelReader):
    """Reads names, shapes and sizes of tensors from opcodes; a pickle of anything else is refused."""

    name = "pickle"
    doc = "torch .pt, .pth and .bin: the table of tensors alone, never unpickled"

    def claims(self, source: ModelSource) -> bool:
        if source.path is None:
            return False
        from advisor_pickle.files import LEGACY, ZIP, is_torch_zip, looks_pickled

        if source.path.name.endswith(INDEX):
            return source.document is not None and isinstance(source.document.get("weight_map"), Mapping)
        if source.head.startswith(ZIP):
            return is_torch_zip(source.path)
        return source.head.startswith(LEGACY) or looks_pickled(source.head)

    def read(self, source: ModelSource) -> Model:
        """Read the model; raises ``ModelFileError`` in one line that says what to do instead."""
        from advisor_safetensors.convert import from_checkpoint
        from advisor_safetensors.files import Checkpoint

        if source.path is None:
            raise ModelFileError(f"{source.name}: no file to read")
        paths = _shards(source) if source.path.name.endswith(INDEX) else [source.path]
        parts = [_read(path) for path in paths]
        tensors = [tensor for found in parts for tensor in found.tensors]
        if len({tensor.name for tensor in tensors}) != len(tensors):
            raise ModelFileError(f"{source.path}: two files hold a tensor of the same name")
        notes = [NOTE]
        skipped = [name for found in parts for name in found.skipped]
        if skipped:
            notes.append(f"parts that are no weights left out: {', '.join(skipped[:4])}")
        model = from_checkpoint(Checkpoint(source.path, tensors, len(paths)), source)
        return replace(model, reader="pickle", notes=(*notes, *model.notes))


def _read(path: Path) -> Found:
    from advisor_pickle.files import ADVICE, LEGACY, ZIP, read_legacy, read_zip

    head = ModelSource(str(path), path=path).head
    if head.startswith(ZIP):
        return read_zip(path)
    if head.startswith(LEGACY):
        return read_legacy(path)
    raise ModelFileError(f"{path}: a pickle that torch.save did not make; {ADVICE}")


def _shards(source: ModelSource) -> list[Path]:
    """The files that an index names, all of them beside it."""
    assert source.path is not None
    names = source.document.get("weight_map") if source.document is not None else None
    if not isinstance(names, Mapping) or not names:
        raise ModelFileError(f"{source.path}: weight_map: must be an object from tensor to file name")
    shards = list(dict.fromkeys(names.values())) if all(isinstance(name, str) for name in names.values()) else [""]
    if len(shards) > MOST_SHARDS:
        raise ModelFileError(f"{source.path}: weight_map names {len(shards)} files; at most {MOST_SHARDS} are read")
    for shard in shards:
        if shard in ("", ".", "..") or re.search(r"[/\\\0]", shard):
            raise ModelFileError(f"{source.path}: weight_map: {shard[:60]!r} is not the name of a file beside the "
                                 "index; files elsewhere are not followed")  # fmt: skip
        if not source.path.with_name(shard).is_file():
            raise ModelFileError(f"{source.path}: its shard {shard[:60]} is not beside it; give all, or config.json")
    return [source.path.with_name(shard) for shard in shards]
