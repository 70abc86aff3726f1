"""The reader: GGUF files in, the advisor's model out. Only headers are read."""

from __future__ import annotations

from advisor.errors import ModelFileError
from advisor.interfaces import ModelReader, ModelSource
from advisor.models import Model

MAGIC = b"GGUF"


class GGUFReader(ModelReader):
    """Reads versions 1 to 3 in either byte order, alone or split; tensor data is never read."""

    name = "gguf"
    doc = "GGUF: a file, a split one, or a folder that holds one; header only"

    def claims(self, source: ModelSource) -> bool:
        if source.path is not None and source.path.is_dir():
            with_config = (source.path / "config.json").is_file()
            return not with_config and any(entry.suffix == ".gguf" for entry in source.path.iterdir())
        return source.head.startswith(MAGIC)

    def read(self, source: ModelSource) -> Model:
        """Read the model; raises ``ModelFileError`` in one line."""
        if source.path is None:
            raise ModelFileError(f"{source.name}: no file to read")
        from advisor_gguf.convert import to_model
        from advisor_gguf.files import model_file, read_files

        return to_model(read_files(model_file(source.path)), source.name)
