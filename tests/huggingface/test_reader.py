"""What the reader makes of published configurations: known answers, formats, caches, groups, saved activations."""

from __future__ import annotations

import json

import pytest

from advisor.interfaces import ModelSource
from advisor.operators import Attention
from advisor_catalogs.model_entries import load_models
from advisor_huggingface.families import MODULES, by_type
from advisor_huggingface.reader import HuggingFaceReader, read_document

ENTRIES = {entry.id: entry for entry in load_models()}


def model(name):
    return read_document(ENTRIES[name].document, name, name)


@pytest.mark.parametrize(("name", "parameters"), [
    ("meta-llama/Llama-3.1-8B", 8_030_261_248),
    ("mistralai/Mixtral-8x7B-v0.1", 46_702_792_704),
    ("deepseek-ai/DeepSeek-V3", 671_026_404_352),
    ("nvidia/Llama-3_3-Nemotron-Super-49B-v1", 49_867_145_216),
])  # fmt: skip
def test_published_parameters(name, parameters):
    assert model(name).parameters == parameters


@pytest.mark.parametrize(("name", "billions"), [
    # as their model cards state them
    ("deepseek-ai/DeepSeek-V3", 37), ("Qwen/Qwen3-30B-A3B", 3.3), ("Qwen/Qwen3-235B-A22B", 22),
    ("openai/gpt-oss-120b", 5.1), ("mistralai/Mixtral-8x7B-v0.1", 12.9), ("moonshotai/Kimi-K2-Instruct", 32),
])  # fmt: skip
def test_active_parameters(name, billions):
    assert model(name).active_parameters / 1e9 == pytest.approx(billions, rel=0.13)


def test_forward_flops_of_llama_by_hand():
    read, tokens = model("meta-llama/Llama-3.1-8B"), 512
    products = 32 * (4096 * (4096 + 2 * 1024) + 4096 * 4096 + 3 * 4096 * 14336) + 4096 * 128256
    attention = 32 * 2 * 2 * tokens * tokens * 4096
    assert read.forward_flops(tokens) == 2 * tokens * products + attention


@pytest.mark.parametrize(("name", "cached"), [
    ("meta-llama/Llama-3.1-8B", 32 * 2 * 8 * 128),
    ("meta-llama/Llama-3.1-70B", 80 * 2 * 8 * 128),
    ("deepseek-ai/DeepSeek-V3", 61 * (512 + 64)),
    ("deepseek-ai/DeepSeek-V3.2", 61 * (512 + 64 + 128)),
    ("Qwen/Qwen3.5-397B-A17B", 15 * 2 * 2 * 256),
    ("zai-org/GLM-5.2", 78 * 576 + 21 * 128),
])  # fmt: skip
def test_cache_elements_per_token(name, cached):
    assert model(name).cache_elements_per_token == cached


def test_sliding_layers_keep_a_window():
    read = model("openai/gpt-oss-120b")
    assert read.cache_elements(100_000) == 18 * 1024 * (100_000 + 128)


def test_index_selection_bounds_what_is_attended_not_what_is_kept():
    read = model("deepseek-ai/DeepSeek-V3.2")
    main = next(op for op, _ in read.operators() if isinstance(op, Attention) and op.name == "attention")
    assert (main.attended(100_000), main.cached(100_000)) == (2048, 100_000)


def test_latent_attention_decodes_from_the_latent():
    main = next(op for op, _ in model("deepseek-ai/DeepSeek-V3").operators() if isinstance(op, Attention))
    assert main.absorbed_flops(1, 1000) == 2 * 128 * (512 + 64 + 512) * 1000
    assert main.flops(1, 1000) == 2 * 128 * (192 + 128) * 1000


def test_recurrent_state():
    read = model("Qwen/Qwen3.5-397B-A17B")
    assert read.state_elements == 45 * (64 * 128 * 128 + 3 * (2 * 16 * 128 + 64 * 128))
    assert read.attributes["state_format"] == "fp32"


@pytest.mark.parametrize(("name", "weights", "cache", "gigabytes"), [
    ("meta-llama/Llama-3.1-8B", "bf16", "bf16", 16.06),
    ("nvidia/Llama-3.1-70B-Instruct-FP8", "fp8", "fp8", 72.7),
    ("deepseek-ai/DeepSeek-V3", "fp8", "bf16", 673),
    ("openai/gpt-oss-120b", "bf16", "bf16", 65.2),  # the checkpoint is 65.2 GB
    ("moonshotai/Kimi-K2.5", "int4", "bf16", 551),
    ("nvidia/Qwen3-235B-A22B-NVFP4", "nvfp4", "fp8", 134.5),
    ("deepseek-ai/DeepSeek-V4-Flash", "fp8", "bf16", 156),
])  # fmt: skip
def test_formats_and_bytes(name, weights, cache, gigabytes):
    read = model(name)
    assert (read.weight_format, read.cache_format) == (weights, cache)
    assert read.weight_bytes / 1e9 == pytest.approx(gigabytes, rel=0.02)


def formats(read):
    return {op.name: read.format_of(op) for op, _ in read.operators() if op.parameters}


def test_only_experts_of_gpt_oss_are_quantized():
    found = formats(model("openai/gpt-oss-120b"))
    assert found["experts.down"] == "mxfp4"
    assert {found[name] for name in ("qkv", "o", "router", "lm_head", "embed_tokens")} == {"bf16"}


def test_excluded_modules_stay_wide():
    found = formats(model("nvidia/DeepSeek-V3.1-NVFP4"))
    assert found["q_b"] == "bf16"
    assert found["o"] == found["experts.gate_up"] == found["shared_expert.down"] == "nvfp4"
    assert formats(model("moonshotai/Kimi-K2.5"))["shared_expert.down"] == "bf16"
    assert formats(model("nvidia/Gemma-4-26B-A4B-NVFP4"))["gate_up"] == "bf16"
    assert formats(model("nvidia/Gemma-4-26B-A4B-NVFP4"))["experts.gate_up"] == "nvfp4"


def test_mixed_precision_follows_the_list():
    found = formats(model("nvidia/MiniMax-M3-NVFP4"))
    assert (found["experts.gate_up"], found["qkv"], found["router"]) == ("nvfp4", "mxfp8", "bf16")


def test_excluded_layers_of_a_block_make_groups_of_their_own():
    read = model("nvidia/NVIDIA-Nemotron-3-Nano-30B-A3B-NVFP4")
    mixers = [layer for layer in read.layers if any(op.name == "in_proj" for op in layer.operators)]
    assert sorted(layer.count for layer in mixers) == [6, 17]


def test_identical_layers_are_one_group():
    read = model("deepseek-ai/DeepSeek-V3")
    assert [(layer.name, layer.count) for layer in read.layers] == [
        ("embedding", 1), ("layers.0-2", 3), ("layers.3-60", 58), ("output", 1)]  # fmt: skip
    assert read.blocks == 61
    assert model("openai/gpt-oss-20b").layers[1].name == "layers.0-22:2"


def test_multi_token_head_is_noted_not_counted():
    assert model("deepseek-ai/DeepSeek-V3").attributes["mtp_layers"] == 1


def test_towers_have_their_own_stack():
    read = model("Qwen/Qwen3-VL-2B-Instruct")
    stacks = {stack: sum(layer.parameters for layer in read.layers if layer.stack == stack)
              for stack in ("main", "vision")}  # fmt: skip
    assert stacks["main"] == 1_720_574_976  # Qwen3-1.7B
    assert sum(stacks.values()) == read.parameters


def test_saved_elements_of_a_llama_layer():
    """Korthikanti et al. 2022 for fused attention, with SwiGLU and grouped heads."""
    layer = model("meta-llama/Llama-3.1-8B").layers[1]
    assert sum(op.saved_elements for op in layer.operators) == 4 * 4096 + 2 * 4096 + 2 * 1024 + 3 * 14336


def test_saved_elements_of_a_gelu_layer():
    """Their 34 bytes a channel less 2 of dropout masks: 16 elements of 16 bits."""
    document = {"model_type": "gpt2", "n_embd": 768, "n_layer": 12, "n_head": 12, "vocab_size": 50257}
    layer = read_document(document, "gpt2", "gpt2").layers[1]
    assert sum(op.saved_elements for op in layer.operators) == 16 * 768


def test_every_declared_type_is_found():
    for types in MODULES.values():
        for model_type in types.split():
            family = by_type(model_type)
            assert family is not None
            assert model_type in family.model_types
            if family.text:
                assert by_type(family.text_family) is not None


def test_reads_a_folder_and_its_sidecar(tmp_path):
    document = dict(ENTRIES["nvidia/Llama-3.1-70B-Instruct-FP8"].document)
    document.pop("quantization_config")
    (tmp_path / "config.json").write_text(json.dumps(document))
    reader, source = HuggingFaceReader(), ModelSource(name="mine", path=tmp_path)
    assert reader.claims(source)
    assert reader.read(source).weight_format == "bf16"
    side = {"producer": {"name": "modelopt"}, "quantization": {"quant_algo": "FP8", "kv_cache_quant_algo": "FP8"}}
    (tmp_path / "hf_quant_config.json").write_text(json.dumps(side))
    assert reader.read(source).weight_format == "fp8"
    assert reader.read(ModelSource(name="mine", path=tmp_path / "config.json")).cache_format == "fp8"


def test_claims_by_content(tmp_path):
    reader = HuggingFaceReader()
    other = tmp_path / "config.json"
    other.write_text('{"class_name": "Sequential"}')
    assert not reader.claims(ModelSource(name="other", path=other))
    assert not reader.claims(ModelSource(name="folder", path=tmp_path / "nothing"))
    assert reader.claims(ModelSource(name="x", given_document={"architectures": ["LlamaForCausalLM"]}))


def test_architecture_names_the_type():
    document = {**ENTRIES["Qwen/Qwen3-30B-A3B"].document}
    del document["model_type"]
    assert read_document(document, "c", "m").family == "qwen3_moe"
