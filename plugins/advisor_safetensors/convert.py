"""From the tables of checkpoints, and the configuration beside them, to the advisor's model."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from advisor.errors import ModelFileError
from advisor.formats import format_named
from advisor.interfaces import ModelSource
from advisor.models import Model
from advisor.records import replace
from advisor_safetensors.files import Checkpoint
from advisor_safetensors.join import joined
from advisor_safetensors.packed import unpack
from advisor_safetensors.table_model import table_model


def from_checkpoint(checkpoint: Checkpoint, source: ModelSource) -> Model:
    """The model of tensors that were found, with the configuration beside them where there is one."""
    path = checkpoint.folder / "config.json"
    config = _config(path)
    unpacked = unpack(checkpoint.tensors, config or {})
    why = "no config.json beside the weights"
    if config is not None:
        try:
            architecture = _architecture(path, source)
        except ModelFileError as error:
            why = f"config.json is not used: {str(error)[:300]}"
        else:
            model = architecture if checkpoint.tensors else _from_index(architecture, checkpoint)
            return replace(joined(model, checkpoint, unpacked), name=source.name)
    if not checkpoint.tensors and checkpoint.total_bytes is None:
        raise ModelFileError(f"{checkpoint.path}: no tensor is described: give the shards, or config.json beside")
    return table_model(checkpoint, unpacked, source.name, why, source.options)


def _config(path: Path) -> Mapping[str, Any] | None:
    """The configuration beside the weights, where it is one of an architecture."""
    if not path.is_file():
        return None
    document = ModelSource(str(path), path=path).document
    return document if document is not None and ("model_type" in document or "architectures" in document) else None


def _architecture(path: Path, source: ModelSource) -> Model:
    try:
        from advisor_huggingface.reader import HuggingFaceReader
    except ImportError:
        raise ModelFileError("the reader of configurations is not installed") from None
    return HuggingFaceReader().read(ModelSource(source.name, path=path, options=source.options))


def _from_index(model: Model, checkpoint: Checkpoint) -> Model:
    """Where no shard is there: the plain format that makes the index's total bytes, if one does."""
    total = checkpoint.total_bytes
    if total is None:
        return model
    for name in (model.weight_format, "bf16", "fp32", "fp8", "fp64"):
        if abs(total / (model.parameters * format_named(name).bits / 8) - 1) < 0.01 and name != model.weight_format:
            note = f"stored as {name} by the index's total size"
            return replace(model, weight_format=name, notes=(*model.notes, note))
        if name == model.weight_format and abs(total / model.weight_bytes - 1) < 0.01:
            return model
    return model
