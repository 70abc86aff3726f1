"""Builds published encoders and vision models with transformers and counts them: the tests' oracle."""

from __future__ import annotations

import copy
from typing import Any

LEFT_OUT = {"transformers_version", "_name_or_path"}
GENERATING = {"t5": "T5", "mt5": "MT5", "bart": "Bart", "mbart": "MBart", "pegasus": "Pegasus", "marian": "MarianMT",
              "whisper": "Whisper", "llava": "Llava", "m2m_100": "M2M100"}  # fmt: skip


def make_config(model_type: str, overrides: dict[str, Any]) -> Any:
    from transformers import AutoConfig

    return AutoConfig.for_model(model_type, **copy.deepcopy(overrides))


def make_model(config: Any, device: str = "meta") -> Any:
    """The class that ``architectures`` names, else the one that generates, else the bare model."""
    import torch
    import transformers

    config = copy.deepcopy(config)
    config._attn_implementation = "eager"
    name = (config.architectures or [None])[0]
    if name is None and config.model_type in GENERATING:
        stem = GENERATING[config.model_type]
        name = "MarianMTModel" if stem == "MarianMT" else f"{stem}ForConditionalGeneration"
    with torch.device(device):
        made = getattr(transformers, name)(config) if name else transformers.AutoModel.from_config(config)
    return made.eval()


def count_parameters(model: Any) -> int:
    return sum(parameter.numel() for parameter in model.parameters())


def count_flops(model: Any, batch: int, tokens: int) -> int:
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        model(**_inputs(model, batch, tokens))
    return int(counter.get_total_flops())


def _inputs(model: Any, batch: int, tokens: int) -> dict[str, Any]:
    import torch

    config = model.config
    kind, size = config.model_type, getattr(config, "image_size", 224)
    if kind == "wav2vec2":
        return {"input_values": torch.zeros(batch, 160000)}
    if kind == "whisper":
        return {"input_features": torch.zeros(batch, config.num_mel_bins, 2 * config.max_source_positions),
                "decoder_input_ids": _ids(batch, tokens, config.vocab_size), "use_cache": False}  # fmt: skip
    if kind in ("clip", "siglip"):
        text, vision = config.text_config, config.vision_config
        pixels = torch.zeros(batch, vision.num_channels, vision.image_size, vision.image_size)
        ids = _ids(batch, text.max_position_embeddings, text.vocab_size)
        ids[:, -1] = text.vocab_size - 1
        return {"input_ids": ids, "pixel_values": pixels}
    if not hasattr(config, "vocab_size"):
        return {"pixel_values": torch.zeros(batch, config.num_channels, size, size)}
    inputs = {"input_ids": _ids(batch, tokens, config.vocab_size)}
    if kind in GENERATING:
        inputs |= {"decoder_input_ids": _ids(batch, tokens, config.vocab_size), "use_cache": False}
    return inputs


def _ids(batch: int, tokens: int, vocabulary: int) -> Any:
    import torch

    return torch.arange(batch * tokens).reshape(batch, tokens) % (vocabulary - 4) + 2


def document_of(config: Any) -> dict[str, Any]:
    document = {"model_type": config.model_type, **config.to_diff_dict()}
    for part in (document, *(value for value in document.values() if isinstance(value, dict))):
        for key in LEFT_OUT:
            part.pop(key, None)
    return document
