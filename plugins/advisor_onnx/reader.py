"""The reader: an ONNX file in, the advisor's model out."""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from advisor.errors import ModelFileError
from advisor.interfaces import ModelReader, ModelSource
from advisor.models import Model

if TYPE_CHECKING:
    from advisor_onnx.wire import Wire

#: Fields of a model looked at to tell whether a file is one: there are few, and the graph is one of them.
MOST_CLAIM_FIELDS = 2000


class OnnxReader(ModelReader):
    """Reads the graph of an ONNX file and the sizes of its tensors; their values stay where they are.

    Options: ``dim`` (sizes of named open dimensions), ``seq_len`` and ``image_size`` (sizes of those
    that look like a sequence or an image).
    """

    name = "onnx"
    doc = "ONNX: the graph and the sizes of its tensors, without the onnx package; --dim NAME=SIZE sets open dimensions"

    def claims(self, source: ModelSource) -> bool:
        """Say whether the file is a protobuf message with the fields of an ONNX model, or is called ``.onnx``."""
        path = source.path
        if path is None or not path.is_file():
            return False
        if path.suffix.lower() == ".onnx":
            return True
        # A model starts with its version or its producer; every other format's first bytes are other ones.
        return source.head[:1] in (b"\x08", b"\x12", b"\x3a", b"\x42") and _looks_like_onnx(path)

    def read(self, source: ModelSource) -> Model:
        """Read the model; raises ``ModelFileError`` in one line."""
        from advisor_onnx.convert import to_model
        from advisor_onnx.dimensions import Dimensions
        from advisor_onnx.errors import OnnxError
        from advisor_onnx.parse import Parser
        from advisor_onnx.stored import Store
        from advisor_onnx.walk import Walk

        path = source.path
        origin = str(path or source.name)
        if path is None or not path.is_file():
            raise ModelFileError(f"{origin}: expected an ONNX file")
        try:
            with _opened(path) as wire:
                document = Parser(wire).document()
                walk = Walk(document, Store(wire, path.parent), Dimensions(source.options))
                walk.run()
                return to_model(walk, path.stem, origin)
        except OnnxError as error:
            raise ModelFileError(f"{origin}: {error}") from None
        except OSError as error:
            raise ModelFileError(f"{origin}: cannot be read ({error.strerror or error})") from None
        except RecursionError:
            raise ModelFileError(f"{origin}: its graphs are nested too deeply") from None


@contextmanager
def _opened(path: Path) -> Iterator[Wire]:
    """The file's bytes, of which only those that are looked at are loaded."""
    from advisor_onnx.errors import OnnxError
    from advisor_onnx.wire import Wire

    with path.open("rb") as stream:
        if path.stat().st_size == 0:
            raise OnnxError("is empty")
        with mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as data:
            yield Wire(data)


def _looks_like_onnx(path: Path) -> bool:
    from advisor_onnx.errors import OnnxError
    from advisor_onnx.parse import MODEL_FIELDS

    try:
        with _opened(path) as wire:
            graph = False
            for count, (number, kind, _, _) in enumerate(wire.fields(0, wire.size)):
                if MODEL_FIELDS.get(number) != kind or count > MOST_CLAIM_FIELDS:
                    return False
                graph = graph or number == 7
            return graph
    except (OnnxError, OSError, ValueError):
        return False
