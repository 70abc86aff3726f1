"""Records the weights of published architectures, small, on the meta device: run where transformers is installed.

Writes data/families.json.gz: for each type its configuration, and name and shape of every parameter.
"""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import torch
from transformers import AutoConfig, AutoModelForCausalLM, AutoModelForImageTextToText

COMMON = {
    "num_hidden_layers": 4,
    "hidden_size": 128,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "intermediate_size": 384,
    "vocab_size": 512,
}
MIXTURE = {
    "num_experts": 8,
    "num_local_experts": 8,
    "n_routed_experts": 8,
    "num_experts_per_tok": 2,
    "moe_intermediate_size": 64,
}
LATENT = {
    "q_lora_rank": 48,
    "kv_lora_rank": 32,
    "qk_rope_head_dim": 16,
    "qk_nope_head_dim": 32,
    "v_head_dim": 32,
    "num_key_value_heads": 4,
    "n_group": 1,
    "topk_group": 1,
    "first_k_dense_replace": 1,
}
FAMILIES: dict[str, dict[str, Any]] = {
    **{
        name: {}
        for name in (
            "llama",
            "mistral",
            "qwen2",
            "phi3",
            "starcoder2",
            "cohere2",
            "olmo2",
            "granite",
            "stablelm",
            "smollm3",
            "seed_oss",
            "exaone4",
            "glm4",
            "ernie4_5",
            "hunyuan_v1_dense",
            "arcee",
        )
    },
    **{name: {"head_dim": 32} for name in ("qwen3", "gemma", "gemma2", "gemma3_text")},
    **dict.fromkeys(("mixtral", "olmoe", "granitemoe", "glm4_moe", "phimoe"), MIXTURE),
    "qwen3_moe": {**MIXTURE, "head_dim": 32},
    "gpt_oss": {**MIXTURE, "head_dim": 32},
    "qwen2_moe": {**MIXTURE, "shared_expert_intermediate_size": 96},
    "deepseek_v3": {**MIXTURE, **LATENT},
    "deepseek_v2": {**MIXTURE, **LATENT},
    "qwen3_next": {
        **MIXTURE,
        "head_dim": 32,
        "linear_num_key_heads": 2,
        "linear_num_value_heads": 4,
        "linear_key_head_dim": 16,
        "linear_value_head_dim": 16,
        "shared_expert_intermediate_size": 96,
    },
    "gpt2": {"n_layer": 4, "n_embd": 128, "n_head": 4, "n_positions": 256},
    "gpt_neox": {},
    "gptj": {"n_layer": 4, "n_embd": 128, "n_head": 4, "rotary_dim": 16},
    "phi": {},
    "opt": {"ffn_dim": 256, "word_embed_proj_dim": 128},
    "bloom": {"n_layer": 4, "n_head": 4},
    "falcon": {},
    "mamba": {"state_size": 16, "intermediate_size": 256},
    "mamba2": {"num_heads": 8, "head_dim": 32, "state_size": 16, "n_groups": 2},
    "jamba": {**MIXTURE, "mamba_dt_rank": 8, "attn_layer_period": 2, "attn_layer_offset": 1},
    "nemotron_h": {
        "hybrid_override_pattern": "M*-M",
        "mamba_num_heads": 8,
        "mamba_head_dim": 32,
        "ssm_state_size": 16,
        "n_groups": 2,
        "head_dim": 32,
    },
}


TEXT = {**COMMON, "head_dim": 32}
VISION = {
    "hidden_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 128,
    "image_size": 56,
}
BLOCKS = {"depth": 2, "hidden_size": 64, "num_heads": 4, "intermediate_size": 128, "out_hidden_size": 128}
MULTIMODAL: dict[str, dict[str, Any]] = {
    "gemma3": {"text_config": TEXT, "vision_config": {**VISION, "patch_size": 14}},
    "qwen3_vl": {"text_config": TEXT, "vision_config": {**BLOCKS, "deepstack_visual_indexes": [0, 1]}},
    "qwen2_5_vl": {"text_config": COMMON, "vision_config": BLOCKS},
    "llama4": {
        "text_config": {**TEXT, "num_local_experts": 4, "intermediate_size_mlp": 256},
        "vision_config": {
            **VISION,
            "intermediate_size": 256,
            "vision_output_dim": 128,
            "projector_input_dim": 128,
            "projector_output_dim": 128,
        },
    },
    "llava": {
        "text_config": {**TEXT, "model_type": "llama"},
        "vision_config": {**VISION, "model_type": "clip_vision_model", "patch_size": 14},
    },
}


def main() -> None:
    answers = {}
    for name, fields in MULTIMODAL.items():
        config = AutoConfig.for_model(name, **fields)
        with torch.device("meta"):
            model = AutoModelForImageTextToText.from_config(config)
        document = json.loads(json.dumps(config.to_dict(), default=str))
        answers[name] = {
            "config": document,
            "towers": True,
            "parameters": {key: list(value.shape) for key, value in model.named_parameters()},
        }
    for name, own in FAMILIES.items():
        try:
            accepted = AutoConfig.for_model(name)
            fields = {key: value for key, value in {**COMMON, **own}.items() if hasattr(accepted, key) or key in own}
            config = AutoConfig.for_model(name, **fields)
            with torch.device("meta"):
                model = AutoModelForCausalLM.from_config(config)
        except Exception as error:
            print(name, type(error).__name__, str(error)[:150])
            continue
        document = {key: value for key, value in config.to_diff_dict().items() if key != "transformers_version"}
        answers[name] = {
            "config": document,
            "parameters": {key: list(value.shape) for key, value in model.named_parameters()},
        }
    path = Path(__file__).parent / "data" / "families.json.gz"
    path.write_bytes(gzip.compress(json.dumps(answers).encode(), 9, mtime=0))
    print(len(answers), path.stat().st_size)


if __name__ == "__main__":
    main()
