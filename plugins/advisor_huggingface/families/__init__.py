"""The families of architectures, each declared once; looked up by ``model_type``."""

from __future__ import annotations

import re
from functools import cache
from importlib import import_module

from advisor_huggingface.family import Family

#: The model types that each module declares, so that a look-up imports no other.
MODULES: dict[str, str] = {
    "llama": "llama mistral qwen2 qwen3",
    "mixture": "mixtral qwen3_moe gpt_oss",
    "deepseek": "deepseek_v3 kimi_k2 deepseek_v2 deepseek_v32 glm_moe_dsa kimi_k25",
    "qwen_hybrid": "qwen3_next qwen3_5_text qwen3_5_moe_text qwen3_5 qwen3_5_moe qwen3_vl_text qwen3_vl_moe_text "
    "qwen3_vl qwen3_vl_moe",
    "llama4": "llama4_text llama4",
    "nemotron": "nemotron_h nemotron-nas deci",
    "deepseek_v4": "deepseek_v4 deepseek_ref",
    "mimo": "mimo mimo_v2_flash",
    "step": "step3p5 step3p7_text step3p7",
    "gemma": "gemma gemma2 gemma3_text gemma3",
    "gemma4": "gemma4_text gemma4",
    "gemma3n": "gemma3n_text gemma3n",
    "minimax": "minimax minimax_text_01 minimax_m1 minimax_m2 minimax_m3_vl_text minimax_m3 minimax_m3_vl",
    "kimi": "kimi_linear kimi_k3",
    "dense": "olmo olmo2 olmo3 granite glm glm4 ernie4_5 hunyuan_v1_dense exaone4 smollm3 seed_oss arcee "
    "nemotron apertus ministral ministral3",
    "classic": "gpt2 gpt_neo gptj gpt_neox gpt_bigcode opt bloom falcon RefinedWeb RefinedWebModel mpt",
    "phi": "phi phi3 phimoe stablelm stablelm_epoch starcoder2 cohere cohere2",
    "more_mixtures": "qwen2_moe olmoe granitemoe granitemoeshared glm4_moe dots1 ernie4_5_moe hunyuan_v1_moe "
    "longcat_flash",
    "state_space": "mamba mamba2 jamba bamba falcon_h1 granitemoehybrid",
    "recurrent": "lfm2 rwkv",
    "zamba2": "zamba2",
    "encoder_bert": "bert roberta xlm-roberta camembert distilbert electra mpnet",
    "encoder_albert": "albert",
    "encoder_deberta": "deberta-v2",
    "encoder_modernbert": "modernbert",
    "encoder_t5": "t5 mt5",
    "encoder_bart": "bart mbart pegasus marian m2m_100",
    "encoder_whisper": "whisper",
    "encoder_wav2vec2": "wav2vec2 hubert",
    "vision_vit": "vit deit dinov2",
    "vision_swin": "swin",
    "vision_convnext": "convnext",
    "vision_resnet": "resnet",
    "vision_clip": "clip siglip clip_vision_model clip_text_model siglip_vision_model siglip_text_model",
    "vision_llava": "llava",
    "multimodal": "qwen2_vl_text qwen2_5_vl_text qwen2_vl qwen2_5_vl mistral3",
}  # fmt: skip


@cache
def _places() -> dict[str, str]:
    return {model_type: module for module, types in MODULES.items() for model_type in types.split()}


@cache
def by_type(model_type: str) -> Family | None:
    """The family of a ``model_type``; None where none is known."""
    module = _places().get(model_type)
    if module is None:
        return None
    families: tuple[Family, ...] = import_module(f"advisor_huggingface.families.{module}").FAMILIES
    return next(family for family in families if model_type in family.model_types)


def known_types() -> list[str]:
    """Every ``model_type`` that can be read."""
    return sorted(_places())


def type_of_architecture(architecture: str) -> str:
    """``Qwen3MoeForCausalLM`` to ``qwen3_moe``: the type that the class's name spells."""
    stem = re.sub(r"(For[A-Z]\w*|LMHeadModel|Model)$", "", architecture)
    plain = stem.replace("_", "").lower()
    return next((known for known in known_types() if known.replace("_", "").replace("-", "") == plain), stem)
