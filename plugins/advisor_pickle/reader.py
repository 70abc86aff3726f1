"""The reader: pickled checkpoints in, the advisor's model out. Nothing is unpickled."""

from __future__ import annotations

from dataclasses import replace

from advisor.errors import ModelFileError
from advisor.interfaces import ModelReader, ModelSource
from advisor.models import Model
from advisor_pickle.files import ADVICE, LEGACY, ZIP, is_torch_zip, looks_pickled, read_legacy, read_zip

NOTE = "read from the pickle's opcodes: nothing in the file was loaded or run; safetensors is the safer format"


class PickleReader(ModelReader):
    """Reads names, shapes and sizes of tensors from opcodes; a pickle of anything else is refused."""

    name = "pickle"
    doc = "torch .pt, .pth and .bin: the table of tensors alone, never unpickled"

    def claims(self, source: ModelSource) -> bool:
        if source.path is None:
            return False
        if source.head.startswith(ZIP):
            return is_torch_zip(source.path)
        return source.head.startswith(LEGACY) or looks_pickled(source.head)

    def read(self, source: ModelSource) -> Model:
        """Read the model; raises ``ModelFileError`` in one line that says what to do instead."""
        from advisor_safetensors.files import Checkpoint
        from advisor_safetensors.reader import from_checkpoint

        if source.path is None:
            raise ModelFileError(f"{source.name}: no file to read")
        if source.head.startswith(ZIP):
            found = read_zip(source.path)
        elif source.head.startswith(LEGACY):
            found = read_legacy(source.path)
        else:
            raise ModelFileError(f"{source.path}: a pickle that torch.save did not make; {ADVICE}")
        notes = [NOTE]
        if found.skipped:
            notes.append(f"parts that are no weights left out: {', '.join(found.skipped[:4])}")
        model = from_checkpoint(Checkpoint(source.path, found.tensors, 1), source)
        return replace(model, reader="pickle", notes=(*notes, *model.notes))
