"""The reader of Hugging Face ``config.json``: a file, a folder that holds one, or a catalog's document."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from advisor.errors import ModelFileError, nearest
from advisor.interfaces import ModelReader, ModelSource
from advisor.models import Model


class HuggingFaceReader(ModelReader):
    """Reads the configuration alone: nothing is executed, no weights are opened."""

    name = "huggingface"
    doc = "Hugging Face config.json: a file, a folder that holds one, or a catalog id"

    def claims(self, source: ModelSource) -> bool:
        """Say whether the source is a configuration: a JSON object with ``model_type`` or ``architectures``."""
        if source.given_document is None and source.path is not None and source.path.is_dir():
            return (source.path / "config.json").is_file()
        document = source.document
        return document is not None and ("model_type" in document or "architectures" in document)

    def read(self, source: ModelSource) -> Model:
        """Read the model; raises ``ModelFileError`` with the file, the field and what is accepted."""
        origin = source.name
        if source.given_document is None and source.path is not None:
            path = source.path / "config.json" if source.path.is_dir() else source.path
            origin = str(path)
            beside = ModelSource(name=source.name, path=path.with_name("hf_quant_config.json"))
            document = ModelSource(name=source.name, path=path).document
            if document is not None and "quantization_config" not in document:
                document = _with_sidecar(document, beside)
        else:
            document = source.document
        if document is None:
            raise ModelFileError(f"{origin}: not a JSON object with model_type, as a config.json is")
        try:
            return read_document(document, origin, source.name)
        except (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError) as error:
            # a contradiction that no check foresaw is still the file's fault, and one line
            reason = f"{type(error).__name__}: {error}".replace("\n", " ")[:200]
            raise ModelFileError(f"{origin}: the fields do not fit together ({reason})") from error


def _with_sidecar(document: Mapping[str, Any], beside: ModelSource) -> Mapping[str, Any]:
    """Add what NVIDIA ModelOpt writes beside the configuration, where there is such a file."""
    if beside.path is None or not beside.path.is_file():
        return document
    found = (beside.document or {}).get("quantization")
    if not isinstance(found, Mapping):
        return document
    return {**document, "quantization_config": {"quant_method": "modelopt", **found}}


def read_document(document: Mapping[str, Any], origin: str, name: str) -> Model:
    """Make the model that a configuration describes."""
    from advisor_huggingface.assembly import assemble
    from advisor_huggingface.families import by_type, known_types

    family = by_type(model_type(document))
    if family is None:
        raise _unknown(document, origin, known_types())
    if family.network is not None:
        from advisor_huggingface.network import assemble_network

        return assemble_network(family, document, origin, name)
    if not family.text:
        return assemble(family, document, document, origin, name)
    document = family.expand(document) if family.expand is not None else document
    field = next((key for key in family.text if isinstance(document.get(key), Mapping)), None)
    if field is None:  # some files hold the text model's fields at the top
        flat = by_type(family.text_family)
        if flat is None or "vocab_size" not in document:
            raise ModelFileError(f"{origin}: {family.text[0]}: is missing; it holds the text model of a {family.name}")
        return assemble(flat, document, document, origin, name, towers_of=family)
    inner = document[field]
    own = by_type(model_type(inner, allow_architecture=False))
    text = own if own is not None and not own.text else by_type(family.text_family)
    if text is None or text.network is not None:
        raise _unknown(inner, f"{origin}: {field}", known_types())
    if document.get("tie_word_embeddings") is not None:  # the whole model's word counts before its text part's
        inner = {**inner, "tie_word_embeddings": document["tie_word_embeddings"]}
    return assemble(text, document, inner, origin, name, towers_of=family, prefix=f"{field}.")


def model_type(document: Mapping[str, Any], allow_architecture: bool = True) -> str:
    """The declared type; without one, the type whose class ``architectures`` names."""
    declared = document.get("model_type")
    if isinstance(declared, str) and declared:
        return declared
    architectures = document.get("architectures")
    if allow_architecture and isinstance(architectures, list) and architectures and isinstance(architectures[0], str):
        from advisor_huggingface.families import type_of_architecture

        return type_of_architecture(architectures[0])
    return ""


def _unknown(document: Mapping[str, Any], origin: str, known: list[str]) -> ModelFileError:
    declared = str(document.get("model_type") or json.dumps(document.get("architectures"), default=str))[:60]
    close = nearest(declared, known)
    hint = f"nearest known: {', '.join(close)}" if close else f"known: {', '.join(known[:12])} and more"
    return ModelFileError(
        f"{origin}: model_type: {declared!r} is not an architecture that the reader knows ({hint}); other types of "
        "transformers are read with: pip install 'hardware-advisor[transformers]'; or set model_type to a known one of "
        "the same shapes, or give the sizes instead of a file"
    )
