"""LLaVA: a CLIP or SigLIP tower and a projection before a text model (Liu et al. 2023)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from advisor.models import Layer
from advisor.operators import Operator
from advisor_huggingface.blocks.patches import PRE_NORM
from advisor_huggingface.config import Config
from advisor_huggingface.families.vision_clip import CLIP_VISION, SIGLIP_VISION
from advisor_huggingface.family import Family
from advisor_huggingface.vision import siglip
from advisor_huggingface.vision.tower import layer_norm, linear, patches, side, text_hidden, tower

#: What the published code assumes of a text part that leaves it out: Llama's own defaults (Vicuna 7B).
_LLAMA = {"vocab_size": 32000, "hidden_size": 4096, "intermediate_size": 11008, "num_hidden_layers": 32,
          "num_attention_heads": 32, "max_position_embeddings": 2048}  # fmt: skip
#: And of a vision part that is not there: CLIP ViT-L/14 at 336 pixels.
_LARGE = {"model_type": "clip_vision_model", "hidden_size": 1024, "intermediate_size": 4096, "num_hidden_layers": 24,
          "num_attention_heads": 16, "patch_size": 14, "image_size": 336}  # fmt: skip


def _with_defaults(document: Mapping[str, Any]) -> Mapping[str, Any]:
    text, vision = document.get("text_config"), document.get("vision_config")
    text = text if isinstance(text, Mapping) else {}
    if text.get("model_type", "llama") == "llama":
        text = {**_LLAMA, "model_type": "llama", **text}
    return {**document, "text_config": text, "vision_config": vision if isinstance(vision, Mapping) else _LARGE}


def _clip_before(config: Config, whole: Config) -> tuple[Operator, ...]:
    count = (side(config, "image_size") // side(config, "patch_size")) ** 2 + 1
    return (*patches(config, bias=False, positions=count, class_token=True), layer_norm("pre_norm", config.hidden))


def _projection(config: Config, whole: Config) -> tuple[Operator, ...]:
    chosen, text = whole.raw("vision_feature_layer"), text_hidden(whole)
    inputs = config.hidden * (len(chosen) if isinstance(chosen, list) else 1)
    bias = whole.flag("multimodal_projector_bias", True)
    return (linear("projector.up", inputs, text, bias=bias), linear("projector.down", text, text, bias=bias))


def _clip_after(config: Config, whole: Config) -> tuple[Operator, ...]:
    return (layer_norm("post_norm", config.hidden), *_projection(config, whole))


def _siglip_after(config: Config, whole: Config) -> tuple[Operator, ...]:
    head = siglip.pooling_head(config) if config.flag("vision_use_head", True) else ()
    return (layer_norm("post_norm", config.hidden), *head, *_projection(config, whole))


_CLIP = tower(defaults={**CLIP_VISION, "image_size": 224}, before=_clip_before, block=PRE_NORM, after=_clip_after)
_SIGLIP = tower(defaults={**SIGLIP_VISION, "image_size": 224}, before=siglip.before, block=siglip.encoder_block(),
                after=_siglip_after)  # fmt: skip


def _tower(whole: Config) -> tuple[Layer, ...]:
    kind = whole.nested("vision_config").text("model_type", "clip_vision_model")
    towers = {"clip_vision_model": _CLIP, "siglip_vision_model": _SIGLIP}
    if kind not in towers:
        raise whole.error("vision_config", f"model_type {kind[:40]!r} is not read; accepted: {', '.join(towers)}")
    return towers[kind](whole)


LLAVA = Family(name="llava", model_types=("llava",), text=("text_config",), text_family="llama", towers=(_tower,),
               expand=_with_defaults)  # fmt: skip
FAMILIES = (LLAVA,)
