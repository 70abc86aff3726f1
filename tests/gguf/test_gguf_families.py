"""Architectures under the names that the ``gguf`` package gives their weights (record_families.py)."""

import gzip
import json
from pathlib import Path

import pytest
from gguf_made import F16, F32, size, write

from advisor.interfaces import ModelSource
from advisor_gguf.reader import GGUFReader
from advisor_huggingface.families import by_type
from advisor_huggingface.reader import read_document

FAMILIES = json.loads(gzip.decompress((Path(__file__).parent / "data" / "families.json.gz").read_bytes()))
#: Metadata key, and the fields of a configuration that converters take it from.
KEYS = {
    "block_count": ("num_hidden_layers", "n_layer"), "embedding_length": ("hidden_size", "n_embd"),
    "attention.head_count": ("num_attention_heads", "n_head"), "attention.head_count_kv": ("num_key_value_heads",),
    "attention.key_length": ("head_dim",), "attention.value_length": ("head_dim",),
    "attention.sliding_window": ("sliding_window",), "attention.q_lora_rank": ("q_lora_rank",),
    "attention.kv_lora_rank": ("kv_lora_rank",), "expert_used_count": ("num_experts_per_tok",),
    "expert_count": ("n_routed_experts", "num_local_experts", "num_experts"),
    "ssm.conv_kernel": ("conv_kernel", "mamba_d_conv", "linear_conv_kernel_dim"),
    "ssm.state_size": ("state_size", "mamba_d_state", "linear_key_head_dim"),
    "ssm.time_step_rank": ("num_heads", "time_step_rank", "mamba_dt_rank", "linear_num_value_heads"),
}  # fmt: skip


def metadata(arch, config):
    answer = {"general.architecture": arch, f"{arch}.rope.freq_base": 1e4}
    for key, fields in KEYS.items():
        found = next((config[field] for field in fields if isinstance(config.get(field), int)), None)
        if found is not None:
            answer[f"{arch}.{key}"] = found
    if "qk_rope_head_dim" in config:
        answer |= {f"{arch}.rope.dimension_count": config["qk_rope_head_dim"],
                   f"{arch}.attention.key_length": config["qk_rope_head_dim"] + config["qk_nope_head_dim"],
                   f"{arch}.attention.value_length": config["v_head_dim"]}  # fmt: skip
    if arch == "mamba2":
        answer |= {
            f"{arch}.ssm.inner_size": config["num_heads"] * config["head_dim"],
            f"{arch}.attention.head_count": 0,
        }
    if arch == "qwen3next":
        answer[f"{arch}.ssm.inner_size"] = config["linear_num_value_heads"] * config["linear_value_head_dim"]
    if arch == "falcon" and config.get("multi_query"):
        answer[f"{arch}.attention.head_count_kv"] = 1
    return answer


@pytest.mark.parametrize("family", FAMILIES)
def test_same_work_as_the_configuration(tmp_path, family):
    entry = FAMILIES[family]
    config, arch = entry["config"], entry["architecture"]
    if family == "mistral":  # converters leave its window out, as llama.cpp has none in this architecture
        config = {**config, "sliding_window": None}
    if by_type(config["model_type"]) is None:
        pytest.skip("no such family yet")
    tensors = [(name, shape, F16 if len(shape) > 1 else F32) for name, shape in entry["tensors"]]
    path = write(tmp_path / "m.gguf", metadata(arch, config), tensors)
    model = GGUFReader().read(ModelSource(family, path=path))
    published = read_document(config, family, family)
    assert model.parameters == published.parameters
    assert model.weight_bytes == sum(size(shape, kind) for _, shape, kind in tensors)
    for length, batch in ((1, 1), (64, 4)):
        assert model.forward_flops(length, batch) == published.forward_flops(length, batch)
    assert model.active_parameters == published.active_parameters
    assert model.cache_elements_per_token == published.cache_elements_per_token
    assert [int(model.cache_elements(context)) for context in (10, 9000)] == [
        int(published.cache_elements(context)) for context in (10, 9000)]  # fmt: skip
