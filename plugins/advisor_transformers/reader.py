"""The reader of ``config.json`` whose ``model_type`` only ``transformers`` knows."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from typing import Any

from advisor.errors import ModelFileError
from advisor.interfaces import ModelReader, ModelSource
from advisor.models import Model


class TransformersReader(ModelReader):
    """Builds the architecture without weights and traces one pass of it. Option: ``trace_tokens``."""

    name = "transformers"
    doc = (
        "Hugging Face config.json of any type that transformers knows (extra 'transformers'), built on the meta device"
    )

    def claims(self, source: ModelSource) -> bool:
        """Say whether it is a configuration of a type that the native reader lacks, and torch is there to build it."""
        document = _document(source)
        kind = document.get("model_type") if document is not None else None
        if not isinstance(kind, str) or kind in _native():
            return False
        return all(importlib.util.find_spec(name) is not None for name in ("torch", "transformers"))

    def read(self, source: ModelSource) -> Model:
        """Read the model; raises ``ModelFileError`` in one line."""
        from advisor_transformers.build import build
        from advisor_transformers.model import to_model

        document = _document(source)
        origin = str(source.path or source.name)
        if document is None:
            raise ModelFileError(f"{origin}: not a JSON object with model_type, as a config.json is")
        return to_model(build(document, origin), document, origin, source.name)


def _document(source: ModelSource) -> Mapping[str, Any] | None:
    if source.given_document is None and source.path is not None and source.path.is_dir():
        path = source.path / "config.json"
        return ModelSource(name=source.name, path=path).document if path.is_file() else None
    return source.document


def _native() -> frozenset[str]:
    """Types that the native reader knows: a configuration of these that it refuses is not to be guessed at here."""
    try:
        from advisor_huggingface.families import known_types
    except ImportError:
        return frozenset()
    return frozenset(known_types())
