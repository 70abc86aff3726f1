"""The reader: a Keras file in, the advisor's model out. Imports the rest of the plugin only for a file of its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from advisor.errors import ModelFileError
from advisor.interfaces import ModelReader, ModelSource

if TYPE_CHECKING:
    from advisor.models import Model
    from advisor_keras.files import KerasFile

HDF5_MAGIC = b"\x89HDF\r\n\x1a\n"
ZIP_MAGIC = b"PK\x03\x04"
_BLANK = b"\xef\xbb\xbf \t\r\n"


def _is_keras_document(document: Mapping[str, Any]) -> bool:
    kind, config = document.get("class_name"), document.get("config")
    if not isinstance(kind, str) or not isinstance(config, (dict, list)):
        return False
    known = kind in ("Sequential", "Functional", "Model")
    return known or "keras_version" in document or "registered_name" in document


class KerasReader(ModelReader):
    """Reads Keras 2 and 3 models from ``.h5``, ``.keras`` and ``model.to_json()``.

    Options: ``seq_len`` (size of an open sequence axis, 128 by default) and ``image_size`` (size of
    open image axes, 224 by default).
    """

    name = "keras"
    doc = "Keras 2 and 3: .h5 and .keras files and model.to_json(), without TensorFlow or Keras"

    def claims(self, source: ModelSource) -> bool:
        if source.given_document is not None:
            return _is_keras_document(source.given_document)
        if source.path is None or source.head.startswith(HDF5_MAGIC):
            return source.path is not None
        if source.head.startswith(ZIP_MAGIC):
            from advisor_keras.files import looks_like_keras_zip

            return looks_like_keras_zip(source.path)
        # Only what starts like the text of a Keras model is worth parsing.
        if not source.head.lstrip(_BLANK).startswith((b"{", b'"{')) or b"class_name" not in source.head:
            return False
        from advisor_keras.config import ConfigError
        from advisor_keras.files import read_json

        try:
            return _is_keras_document(read_json(source.path))
        except ConfigError:
            return b"keras" in source.head.lower()

    def read(self, source: ModelSource) -> Model:
        """Read the model; raises ``ModelFileError`` in one line."""
        from advisor_keras.config import ConfigError
        from advisor_keras.convert import to_model
        from advisor_keras.graph import run_network
        from advisor_keras.walk import Walk

        origin = str(source.path or source.name)
        try:
            file = self._open(source)
            walk = Walk(source.options)
            walk.run(file.document, run_network)
            return to_model(file, walk, origin)
        except ConfigError as error:
            raise ModelFileError(f"{origin}: {error}") from None
        except OSError as error:
            raise ModelFileError(f"{origin}: cannot be read ({error.strerror or error})") from None
        except RecursionError:
            raise ModelFileError(f"{origin}: its configuration is nested too deeply") from None
        except (ArithmeticError, AttributeError, LookupError, MemoryError, TypeError, ValueError) as error:
            # No file is known to end here (tests look for the words), but a hostile one may find a way.
            raise ModelFileError(f"{origin}: not understood ({type(error).__name__})") from error

    def _open(self, source: ModelSource) -> KerasFile:
        from advisor_keras import files
        from advisor_keras.config import ConfigError

        document = source.given_document
        if document is None:
            if source.path is None or not source.path.is_file():
                raise ConfigError("not a file; expected HDF5, a .keras zip, or the JSON of model.to_json()")
            if source.head.startswith(HDF5_MAGIC):
                return files.read_hdf5(source.path)
            if source.head.startswith(ZIP_MAGIC):
                return files.read_zip(source.path)
            document = files.read_json(source.path)
        version = document.get("keras_version")
        return files.KerasFile(document, keras_version=version[:40] if isinstance(version, str) else "")
