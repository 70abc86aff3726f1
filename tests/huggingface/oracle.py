"""Builds published architectures with transformers on the meta device and counts them: the tests' oracle."""

from __future__ import annotations

import contextlib
import copy
from typing import Any

DOC_KEYS_LEFT_OUT = {"transformers_version", "_name_or_path", "id2label", "label2id"}


def make_config(model_type: str, overrides: dict[str, Any]) -> Any:
    from transformers import AutoConfig

    return AutoConfig.for_model(model_type, **copy.deepcopy(overrides))


def make_model(config: Any, device: str = "meta") -> Any:
    import torch
    from transformers import AutoModelForCausalLM, AutoModelForImageTextToText
    from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING, MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING

    whole = hasattr(config, "vision_config") and type(config) in MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING
    whole = whole or type(config) not in MODEL_FOR_CAUSAL_LM_MAPPING
    auto = AutoModelForImageTextToText if whole else AutoModelForCausalLM
    config = copy.deepcopy(config)
    with torch.device(device):
        for options in ({"attn_implementation": "eager", "experts_implementation": "eager"},
                        {"attn_implementation": "eager"}, {}):
            with contextlib.suppress(TypeError, ValueError):
                return auto.from_config(config, **options).eval()
    raise AssertionError(f"{type(config).__name__} could not be built")


def count_parameters(model: Any) -> int:
    return sum(parameter.numel() for parameter in model.parameters())


def count_flops(model: Any, batch: int, tokens: int) -> int:
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    vocabulary = model.config.get_text_config().vocab_size
    device = next(model.parameters()).device
    ids = torch.arange(batch * tokens, device=device).reshape(batch, tokens) % (vocabulary - 4)
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        model(input_ids=ids, use_cache=False)
    return int(counter.get_total_flops())


def document_of(config: Any) -> dict[str, Any]:
    document = config.to_diff_dict()
    for part in (document, *(value for value in document.values() if isinstance(value, dict))):
        for key in DOC_KEYS_LEFT_OUT:
            part.pop(key, None)
    return document
