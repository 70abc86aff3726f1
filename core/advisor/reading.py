"""From what the user pointed at to a model: which reader takes it is decided by content."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from advisor.errors import ModelFileError, PluginError, UnknownNameError
from advisor.interfaces import ModelReader, ModelSource
from advisor.models import Model
from advisor.plugins import guarded
from advisor.records import replace
from advisor.registry import Registry

#: Endings that make a name a file's rather than a catalog id.
MODEL_SUFFIXES = (".json", ".h5", ".hdf5", ".keras", ".onnx", ".gguf", ".safetensors", ".pt", ".pt2", ".pth", ".bin")


def read_model(registry: Registry, name: str | os.PathLike[str], options: Mapping[str, Any] | None = None) -> Model:
    """Read a model from a path or by its catalog name.

    Raises ``ModelFileError`` if no reader takes the file, ``UnknownNameError`` for an unknown name.
    """
    text = os.fspath(name)
    if not text.strip():
        raise ModelFileError(f"model: expected a file, a folder or a name (advisor models list), not {text!r}")
    path = Path(text).expanduser()
    options = dict(options or {})
    if path.exists():
        return read_source(registry, ModelSource(text, path=path, options=options))
    if path.suffix in MODEL_SUFFIXES or text.startswith((".", "/", "~")):
        raise ModelFileError(f"{text}: no such file")
    entry = registry.models.find(text)
    if entry is None:
        known = [known.id for known in registry.models] + [a for known in registry.models for a in known.aliases]
        error = UnknownNameError("model", text, known)
        raise ModelFileError(
            f"{error}; give a catalog id (advisor models list), or a path to a model file or folder that exists"
        )
    model = read_source(registry, ModelSource(entry.id, given_document=entry.document, options=options))
    return replace(model, name=entry.id)


def read_source(registry: Registry, source: ModelSource) -> Model:
    """Read a model from a source with the first reader that claims its content and does not refuse it.

    Where every reader that claims it refuses it, the first one's reason is raised.
    """
    refused: ModelFileError | None = None
    try:
        source.head  # noqa: B018 - a file that cannot be opened is no reader's fault
        for reader in sorted(registry.model_readers, key=lambda reader: -getattr(reader, "precedence", 0)):
            try:
                model = guarded(registry.owner(reader), f"reader {reader.name!r}", registry.plugins.warn,
                                lambda reader=reader: _read(reader, source))  # type: ignore[misc]  # fmt: skip
            except ModelFileError as error:  # another reader may know better
                refused = refused or error
                continue
            if model is not None:
                return replace(model, reader=reader.name, source=source.name)
    except OSError as error:
        raise ModelFileError(f"{source.name}: cannot be read ({error.strerror or error})") from None
    if refused is not None:
        raise refused
    names = ", ".join(sorted(reader.name for reader in registry.model_readers))
    raise ModelFileError(f"{source.name}: not a model file that a reader knows; readers here: {names or 'none'}")


def _read(reader: ModelReader, source: ModelSource) -> Model | None:
    """Read with one reader; None where it does not claim the source."""
    if not reader.claims(source):
        return None
    model = reader.read(source)
    if not isinstance(model, Model):
        raise PluginError(f"read gave a {type(model).__name__}, not a Model")
    return model
