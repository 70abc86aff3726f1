"""Names that the ``gguf`` package gives the weights of published architectures: run where it is installed.

Reads tests/safetensors/data/families.json.gz (transformers on the meta device) and writes
data/families.json.gz: for each type the configuration, the architecture, and name and shape of each tensor.
"""

from __future__ import annotations

import gzip
import json
from pathlib import Path

from gguf import MODEL_ARCH, get_tensor_name_map
from gguf.constants import MODEL_ARCH_NAMES

HERE = Path(__file__).parent
ARCHITECTURES = {
    "llama": "llama", "mistral": "llama", "qwen2": "qwen2", "starcoder2": "starcoder2", "cohere2": "cohere2",
    "olmo2": "olmo2", "granite": "granite", "stablelm": "stablelm", "seed_oss": "seed_oss", "exaone4": "exaone4",
    "ernie4_5": "ernie4_5", "arcee": "arcee", "qwen3": "qwen3", "gemma": "gemma", "gemma2": "gemma2",
    "gemma3_text": "gemma3", "mixtral": "llama", "olmoe": "olmoe", "granitemoe": "granitemoe", "glm4_moe": "glm4moe",
    "phimoe": "phimoe", "qwen3_moe": "qwen3moe", "gpt_oss": "gpt-oss", "qwen2_moe": "qwen2moe",
    "deepseek_v3": "deepseek2", "deepseek_v2": "deepseek2", "qwen3_next": "qwen3next", "gpt2": "gpt2",
    "gpt_neox": "gptneox", "phi": "phi2", "bloom": "bloom", "falcon": "falcon", "mamba": "mamba", "mamba2": "mamba2",
    "jamba": "jamba", "nemotron_h": "nemotron_h",
}  # fmt: skip
#: Names that converters rewrite before they look them up.
REWRITES = (
    ("mixer.dt_bias", "mixer.dt_proj.bias"),
    ("linear_attn.dt_bias", "linear_attn.dt_proj.bias"),
    ("e_score_correction_bias", "e_score_correction.bias"),
    ("router.layer", "gate"),
)


def fused_experts(name: str, shape: list[int], family: str) -> list[list]:
    """Gate and up as the tensors of their own that converters make of them."""
    block, bias = name.split(".")[2], name.endswith("bias")
    kind = "bias" if bias else "weight"
    if family == "gpt_oss" and not bias:  # kept the other way around
        shape = [shape[0], shape[2], shape[1]]
    if "down_proj" in name or "output_linear" in name:
        return [[f"blk.{block}.ffn_down_exps.{kind}", shape[::-1]]]
    half = [shape[0], shape[1] // 2, *shape[2:]]
    return [[f"blk.{block}.ffn_{part}_exps.{kind}", half[::-1]] for part in ("gate", "up")]


def main() -> None:
    families = json.loads(gzip.decompress((HERE.parent / "safetensors" / "data" / "families.json.gz").read_bytes()))
    codes = {name: code for code, name in MODEL_ARCH_NAMES.items()}
    answers = {}
    for family, entry in families.items():
        if family not in ARCHITECTURES:
            continue
        code: MODEL_ARCH = codes[ARCHITECTURES[family]]
        names = get_tensor_name_map(code, 8)
        tensors, unknown = [], []
        for name, shape in entry["parameters"].items():
            if ".experts." in name and len(shape) >= 2:
                tensors += fused_experts(name, shape, family)
                continue
            plain = name
            for old, new in REWRITES:
                plain = plain.replace(old, new)
            found = names.get_name(plain, try_suffixes=(".weight", ".bias"))
            if found is None:
                unknown.append(name)
                continue
            shape = [extent for extent in shape if extent > 1] or [1]
            if family == "gpt2" and ".c_" in name:  # kept the other way around
                shape = shape[::-1]
            tensors.append([found, shape[::-1]])
        print(family, len(tensors), unknown[:3])
        if unknown:
            continue
        answers[family] = {"config": entry["config"], "architecture": ARCHITECTURES[family], "tensors": tensors}
    path = HERE / "data" / "families.json.gz"
    path.write_bytes(gzip.compress(json.dumps(answers).encode(), 9, mtime=0))
    print(len(answers), path.stat().st_size)


if __name__ == "__main__":
    main()
