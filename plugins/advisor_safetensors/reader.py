"""The reader: safetensors headers in, the advisor's model out. Tensor data is never read."""

from __future__ import annotations

from collections.abc import Mapping

from advisor.errors import ModelFileError
from advisor.interfaces import ModelReader, ModelSource
from advisor.models import Model

INDEX = ".safetensors.index.json"
LIKELY_HEADER = 1 << 40  # a longer header is refused by name, not taken for another kind of file


class SafetensorsReader(ModelReader):
    """Reads a file, a sharded index or a folder; the architecture comes from ``config.json`` beside."""

    name = "safetensors"
    doc = "safetensors: a file, a sharded index or a folder; headers only, with config.json where it is beside"
    precedence = 1  # of a folder with weights and a configuration it sees both

    def claims(self, source: ModelSource) -> bool:
        if source.path is None:
            return False
        if source.path.is_dir():
            return any(entry.name.endswith((".safetensors", INDEX)) for entry in source.path.iterdir())
        head, named = source.head, source.path.name.endswith(".safetensors")
        if len(head) > 8 and head[8:9] == b"{" and not head.lstrip().startswith(b"{"):
            return named or int.from_bytes(head[:8], "little") < LIKELY_HEADER
        if named and len(head) <= 8:
            return True
        document = source.document if head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{") else None
        shards = document.get("weight_map") if document is not None else None
        if not isinstance(shards, Mapping):
            return False
        return source.path.name.endswith(INDEX) or any(str(shard).endswith(".safetensors") for shard in shards.values())

    def read(self, source: ModelSource) -> Model:
        """Read the model; raises ``ModelFileError`` in one line."""
        if source.path is None:
            raise ModelFileError(f"{source.name}: no file to read")
        from advisor_safetensors.convert import from_checkpoint
        from advisor_safetensors.files import read_checkpoint

        return from_checkpoint(read_checkpoint(source.path), source)
