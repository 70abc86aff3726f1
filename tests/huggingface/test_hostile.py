"""Contradicting, damaged and hostile configurations end in one line that names file and field, in bounded time."""

from __future__ import annotations

import json
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from advisor.errors import ModelFileError
from advisor.interfaces import ModelSource
from advisor_catalogs.model_entries import load_models
from advisor_huggingface.reader import HuggingFaceReader, read_document

ENTRIES = {entry.id: dict(entry.document) for entry in load_models()}
LLAMA = ENTRIES["meta-llama/Llama-3.1-8B"]
DEEPSEEK = ENTRIES["deepseek-ai/DeepSeek-V3"]


@pytest.mark.parametrize(("change", "field"), [
    ({"num_key_value_heads": 7}, "num_attention_heads"),
    ({"num_attention_heads": 24, "head_dim": None}, "hidden_size"),
    ({"hidden_size": None}, "hidden_size"),
    ({"vocab_size": "many"}, "vocab_size"),
    ({"vocab_size": True}, "vocab_size"),
    ({"intermediate_size": 14336.5}, "intermediate_size"),
    ({"intermediate_size": -1}, "intermediate_size"),
    ({"hidden_size": 2**60}, "hidden_size"),
    ({"num_hidden_layers": 10**6}, "num_hidden_layers"),
    ({"num_hidden_layers": 0}, "num_hidden_layers"),
    ({"attention_bias": "yes"}, "attention_bias"),
    ({"hidden_size": 2**26, "intermediate_size": 2**26, "head_dim": 2**20}, "hidden_size"),
    ({"torch_dtype": "complex64"}, "torch_dtype"),
    ({"quantization_config": {"quant_method": "gtpq"}}, "quant_method"),
    ({"quantization_config": {"quant_method": "modelopt", "quant_algo": "FP5"}}, "quant_algo"),
    ({"quantization_config": []}, None),
    ({"quantization_config": "fp8"}, "quantization_config"),
    ({"quantization_config": {"quant_method": "fp8", "ignore": "lm_head"}}, "ignore"),
    ({"quantization_config": {"quant_method": "fp8", "ignore": ["re:(a+)+$"]}}, "(a+)+$"),
    ({"quantization_config": {"quant_method": "fp8", "ignore": ["re:("]}}, "("),
    ({"quantization_config": {"quant_method": "fp8", "ignore": [f"*{n}*" for n in range(999)]}}, "globs"),
    ({"quantization_config": {"quant_method": "fp8", "ignore": ["x" * 501]}}, "characters"),
    ({"quantization_config": {"quant_method": "compressed-tensors", "config_groups": {"a": {}}}}, "config_groups.a"),
    ({"layer_types": 5, "model_type": "qwen3", "use_sliding_window": True}, "layer_types"),
])  # fmt: skip
def test_llama_changes(change, field):
    if field is None:  # an empty list says nothing
        assert read_document({**LLAMA, **change}, "dir/config.json", "m").weight_format == "bf16"
        return
    with pytest.raises(ModelFileError) as caught:
        read_document({**LLAMA, **change}, "dir/config.json", "m")
    line = str(caught.value)
    assert line.startswith("dir/config.json: ")
    assert field in line
    assert "\n" not in line
    assert len(line) < 400


@pytest.mark.parametrize(("document", "change", "field"), [
    (DEEPSEEK, {"num_experts_per_tok": 500}, "num_experts_per_tok"),
    (DEEPSEEK, {"kv_lora_rank": None}, "kv_lora_rank"),
    (ENTRIES["openai/gpt-oss-20b"], {"layer_types": ["sliding_attention"]}, "layer_types"),
    (ENTRIES["nvidia/Nemotron-H-56B-Base-8K"], {"hybrid_override_pattern": "MX"}, "hybrid_override_pattern"),
    (ENTRIES["Qwen/Qwen3.5-27B"], {"text_config": 3}, "text_config"),
    (ENTRIES["nvidia/Llama-3_3-Nemotron-Super-49B-v1"], {"block_configs": [{}] * 80}, "block_configs"),
    (ENTRIES["deepseek-ai/DeepSeek-V4-Flash"], {"compress_ratios": [7] * 44}, "compress_ratios"),
])  # fmt: skip
def test_other_changes(document, change, field):
    with pytest.raises(ModelFileError, match=field):
        read_document({**document, **change}, "config.json", "m")


def test_unknown_type_names_the_nearest_and_what_to_do():
    with pytest.raises(ModelFileError, match=r"model_type: 'qwen3_mo'.*nearest known: .*qwen3_moe.*set model_type"):
        read_document({**LLAMA, "model_type": "qwen3_mo"}, "config.json", "m")


def test_no_type_at_all():
    with pytest.raises(ModelFileError, match="model_type"):
        read_document({"architectures": ["TotallyNew"]}, "config.json", "m")


@pytest.mark.parametrize("text", ["", "{", "[1]", "nul", '{"model_type": "llama"', "{" * 100_000, '{"a":' * 50_000])
def test_damaged_files(tmp_path, text):
    path = tmp_path / "config.json"
    path.write_text(text)
    reader, source = HuggingFaceReader(), ModelSource(name="m", path=path)
    with pytest.raises(ModelFileError, match=r"config\.json"):
        reader.read(source)


def test_long_lists_take_bounded_time():
    names = [f"model.layers.{layer}.mlp.experts.{expert}.down_proj" for layer in range(61) for expert in range(256)]
    names += [f"model.layers.{layer}.self_attn*" for layer in range(61)]
    document = {**DEEPSEEK, "quantization_config": {"quant_method": "modelopt", "quant_algo": "NVFP4", "ignore": names}}
    begun = time.process_time()
    read = read_document(document, "config.json", "m")
    assert time.process_time() - begun < 2
    assert {op.name: read.format_of(op) for op, _ in read.operators()}["o"] == "bf16"


def test_deepest_model_takes_bounded_time():
    begun = time.process_time()
    read_document({**LLAMA, "num_hidden_layers": 2048}, "config.json", "m")
    assert time.process_time() - begun < 2


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
SUBJECTS = [
    LLAMA, DEEPSEEK, ENTRIES["openai/gpt-oss-20b"], ENTRIES["Qwen/Qwen3.5-397B-A17B"],
    ENTRIES["google/gemma-4-26B-A4B"],
    ENTRIES["nvidia/NVIDIA-Nemotron-3-Nano-30B-A3B-NVFP4"], ENTRIES["moonshotai/Kimi-K3"],
    ENTRIES["nvidia/MiniMax-M3-NVFP4"], ENTRIES["deepseek-ai/DeepSeek-V4-Flash"], ENTRIES["zai-org/GLM-5.2"],
    ENTRIES["XiaomiMiMo/MiMo-V2-Flash"], ENTRIES["stepfun-ai/Step-3.7-Flash"],
    ENTRIES["meta-llama/Llama-4-Scout-17B-16E-Instruct"], ENTRIES["nvidia/Llama-3_3-Nemotron-Super-49B-v1"],
]  # fmt: skip


@settings(max_examples=120, deadline=2000)
@given(data=st.data())
def test_any_value_in_any_field_is_read_or_refused(data):
    document = json.loads(json.dumps(data.draw(st.sampled_from(SUBJECTS))))
    parts = [document, *(value for value in document.values() if isinstance(value, dict))]
    part = data.draw(st.sampled_from(parts))
    if part:
        part[data.draw(st.sampled_from(sorted(part)))] = data.draw(ANYTHING)
    line = "config.json: read"
    try:
        read_document(document, "config.json", "m")
    except ModelFileError as error:
        line = str(error)
    assert line.startswith("config.json: ")
    assert "\n" not in line
