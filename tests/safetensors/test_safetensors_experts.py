"""Experts that are stored as one tensor: gpt-oss's blocks and scales, and packed experts of their own."""

import json

import pytest
from safetensors_made import size, write

from advisor.interfaces import ModelSource
from advisor_huggingface.reader import read_document
from advisor_safetensors.reader import SafetensorsReader

GPT_OSS = {
    "model_type": "gpt_oss",
    "hidden_size": 128,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 32,
    "vocab_size": 500,
    "num_local_experts": 4,
    "num_experts_per_tok": 2,
    "intermediate_size": 96,
    "sliding_window": 16,
    "torch_dtype": "bfloat16",
    "quantization_config": {"quant_method": "mxfp4", "modules_to_not_convert": ["model.layers.*.self_attn"]},
}


def gpt_oss():
    tensors = {
        "model.embed_tokens.weight": ("BF16", [500, 128]),
        "model.norm.weight": ("BF16", [128]),
        "lm_head.weight": ("BF16", [500, 128]),
    }
    for block in range(2):
        base = f"model.layers.{block}."
        for name, rows in (("q", 128), ("k", 64), ("v", 64), ("o", 128)):
            tensors[f"{base}self_attn.{name}_proj.weight"] = ("BF16", [rows, 128])
            tensors[f"{base}self_attn.{name}_proj.bias"] = ("BF16", [rows])
        tensors[f"{base}self_attn.sinks"] = ("BF16", [4])
        tensors[f"{base}input_layernorm.weight"] = ("BF16", [128])
        tensors[f"{base}post_attention_layernorm.weight"] = ("BF16", [128])
        tensors[f"{base}mlp.router.weight"] = ("BF16", [4, 128])
        tensors[f"{base}mlp.router.bias"] = ("BF16", [4])
        for name, rows, columns in (("gate_up_proj", 192, 128), ("down_proj", 128, 96)):
            tensors[f"{base}mlp.experts.{name}_blocks"] = ("U8", [4, rows, columns // 32, 16])
            tensors[f"{base}mlp.experts.{name}_scales"] = ("U8", [4, rows, columns // 32])
            tensors[f"{base}mlp.experts.{name}_bias"] = ("BF16", [4, rows])
    return tensors


@pytest.mark.parametrize("configured", [True, False])
def test_gpt_oss(tmp_path, configured):
    tensors = gpt_oss()
    write(tmp_path / "model.safetensors", tensors)
    if configured:
        (tmp_path / "config.json").write_text(json.dumps(GPT_OSS))
    model = SafetensorsReader().read(ModelSource("m", path=tmp_path))
    published = read_document(GPT_OSS, "c", "c")
    assert model.parameters == published.parameters
    assert model.weight_bytes == sum(size(*entry) for entry in tensors.values())
    assert model.weight_format == ("bf16" if configured else "mxfp4")
    assert {model.format_of(op) for op, _ in model.operators() if op.name.endswith("experts.down")} <= {"mxfp4"}
    if configured:
        assert model.active_parameters == published.active_parameters
        assert model.forward_flops(7) == published.forward_flops(7)


def test_bytes_with_a_scale_each_sixteen_are_packed(tmp_path):
    tensors = {
        "layers.0.ffn.w1.weight": ("I8", [64, 128]),
        "layers.0.ffn.w1.scale": ("F8_E8M0", [64, 8]),
        "layers.0.ffn.w2.weight": ("I8", [64, 128]),
        "layers.0.ffn.w2.scale": ("F32", [64]),
    }
    model = SafetensorsReader().read(ModelSource("m", path=write(tmp_path / "m.safetensors", tensors)))
    formats = {op.name: model.format_of(op) for op, _ in model.operators()}
    assert formats["ffn.w1"] == "mxfp4"
    assert formats["ffn.w2"] == "int8"
    assert model.parameters == 64 * 256 + 64 * 128 + 64
    assert model.weight_bytes == sum(size(*entry) for entry in tensors.values())
