"""Safetensors models: exact values and bytes, alone and joined with the configuration beside them."""

import json
import time

import pytest
from safetensors_made import BITS, LLAMA, entries, llama, size, write, write_raw, write_sharded

from advisor.errors import ModelFileError
from advisor.interfaces import ModelSource
from advisor.reading import read_source
from advisor_huggingface.reader import read_document
from advisor_safetensors.reader import SafetensorsReader


def read(path, **options):
    source = ModelSource(str(path), path=path, options=options)
    assert SafetensorsReader().claims(source)
    return SafetensorsReader().read(source)


def stored(tensors):
    return sum(size(dtype, shape) for dtype, shape in tensors.values())


def beside(folder, tensors, config):
    (folder / "config.json").write_text(json.dumps(config))
    return read(write(folder / "model.safetensors", tensors))


def same_work(model, config):
    published = read_document(config, "config", "config")
    for length, batch in ((1, 1), (512, 4)):
        assert model.forward_flops(length, batch) == published.forward_flops(length, batch)
    assert model.cache_elements_per_token == published.cache_elements_per_token
    assert model.state_elements == published.state_elements
    assert (model.family, model.blocks, model.vocabulary) == (published.family, published.blocks, published.vocabulary)
    return published


@pytest.mark.parametrize("dtype", BITS)
def test_every_dtype_alone(tmp_path, dtype):
    model = read(write(tmp_path / "one.safetensors", {"a": (dtype, [16, 24]), "b": (dtype, [8])}))
    assert model.attributes["bytes_by_type"] == {
        dtype: {"tensors": 2, "parameters": 392, "bytes": 392 * BITS[dtype] // 8}
    }
    assert (model.parameters, model.weight_bytes) == (392, 392 * BITS[dtype] / 8)


def test_without_a_configuration_layers_are_grouped_by_name(tmp_path):
    model = read(write(tmp_path / "model.safetensors", llama("F16")))
    assert (model.parameters, model.weight_bytes) == (2_627_328, 2 * 2_627_328)
    assert [(layer.name, layer.count) for layer in model.layers] == [("outside the blocks", 1), ("model.layers.0-2", 3)]
    assert model.weight_format == "fp16"
    assert not model.generates
    assert any("attention scores" in note for note in model.notes)
    products = 3 * (2 * 256 * 256 + 2 * 64 * 256 + 3 * 704 * 256) + 1000 * 256
    assert model.forward_flops(10) == 2 * 10 * products


def test_with_the_configuration_it_is_that_model(tmp_path):
    model = beside(tmp_path, llama(), LLAMA)
    published = same_work(model, LLAMA)
    assert model.parameters == published.parameters
    assert model.weight_bytes == stored(llama())
    assert model.generates
    assert model.notes == published.notes
    assert read(tmp_path).parameters == model.parameters


def test_headers_win_over_the_configuration_s_dtype(tmp_path):
    model = beside(tmp_path, llama("F32"), LLAMA)
    assert model.weight_format == "fp32"
    assert model.weight_bytes == 4 * model.parameters


def test_tied_where_there_is_no_output_tensor(tmp_path):
    model = beside(tmp_path, llama(config={**LLAMA, "tie_word_embeddings": True}), LLAMA)
    assert model.parameters == 2_627_328 - 256_000
    assert model.weight_bytes == 2 * model.parameters
    assert any("256,000 fewer than the configuration says" in note for note in model.notes)


def test_padded_and_additional_tensors_are_counted_and_said(tmp_path):
    tensors = {**llama(), "value_head.weight": ("F32", [1, 256])}
    model = beside(tmp_path, tensors, LLAMA)
    assert model.parameters == 2_627_328 + 256
    assert model.weight_bytes == stored(tensors)
    assert any("256 more than the configuration says, such as value_head.weight" in note for note in model.notes)


def _fp8(tensors, block=128):
    scaled = dict(tensors)
    for name, (dtype, shape) in tensors.items():
        if dtype == "F8_E4M3":
            scaled[f"{name}_scale_inv"] = ("F32", [-(-extent // block) for extent in shape])
    return scaled


def test_fp8_with_block_scales_is_exact_to_the_byte(tmp_path):
    tensors = _fp8(llama(products="F8_E4M3"))
    model = beside(tmp_path, tensors, {**LLAMA, "quantization_config": {"quant_method": "fp8"}})
    same_work(model, LLAMA)
    assert model.weight_format == "fp8"
    assert model.weight_bytes == stored(tensors)
    assert model.parameters == 2_627_328 + 144
    assert any(note.startswith("144 of the values are quantization scales") for note in model.notes)


def _packed(tensors, make):
    """Replace the blocks' products by what ``make(name, outputs, inputs)`` returns."""
    answer = {}
    for name, (dtype, shape) in tensors.items():
        if ".layers." in name and len(shape) == 2:
            answer.update(make(name.removesuffix(".weight"), *shape))
        else:
            answer[name] = (dtype, shape)
    return answer


def _awq(name, outputs, inputs):
    return {
        f"{name}.qweight": ("I32", [inputs, outputs // 8]),
        f"{name}.qzeros": ("I32", [inputs // 64, outputs // 8]),
        f"{name}.scales": ("F16", [inputs // 64, outputs]),
    }


def _gptq(name, outputs, inputs):
    return {
        f"{name}.qweight": ("I32", [inputs // 8, outputs]),
        f"{name}.qzeros": ("I32", [inputs // 64, outputs // 8]),
        f"{name}.scales": ("F16", [inputs // 64, outputs]),
        f"{name}.g_idx": ("I32", [inputs]),
    }


def _gptq8(name, outputs, inputs):
    return {
        f"{name}.qweight": ("I32", [inputs // 4, outputs]),
        f"{name}.qzeros": ("I32", [inputs // 64, outputs // 4]),
        f"{name}.scales": ("F16", [inputs // 64, outputs]),
        f"{name}.g_idx": ("I32", [inputs]),
    }


def _nvfp4(name, outputs, inputs):
    return {
        f"{name}.weight": ("U8", [outputs, inputs // 2]),
        f"{name}.weight_scale": ("F8_E4M3", [outputs, inputs // 16]),
        f"{name}.weight_scale_2": ("F32", []),
        f"{name}.input_scale": ("F32", []),
    }


def _nf4(name, outputs, inputs):
    count = outputs * inputs
    return {
        f"{name}.weight": ("U8", [count // 2, 1]),
        f"{name}.weight.absmax": ("U8", [count // 64]),
        f"{name}.weight.quant_map": ("F32", [16]),
        f"{name}.weight.nested_absmax": ("F32", [count // 16384]),
        f"{name}.weight.nested_quant_map": ("F32", [256]),
        f"{name}.weight.quant_state.bitsandbytes__nf4": ("U8", [80]),
    }


def _compressed(name, outputs, inputs):
    return {
        f"{name}.weight_packed": ("I32", [outputs, inputs // 8]),
        f"{name}.weight_scale": ("BF16", [outputs, inputs // 64]),
        f"{name}.weight_shape": ("I64", [2]),
    }


def _mlx(name, outputs, inputs):
    return {
        f"{name}.weight": ("U32", [outputs, inputs // 8]),
        f"{name}.scales": ("F16", [outputs, inputs // 64]),
        f"{name}.biases": ("F16", [outputs, inputs // 64]),
    }


@pytest.mark.parametrize(
    ("make", "form", "exact"),
    [
        (_awq, "int4_group64", True),
        (_gptq, "int4_group64", True),
        (_gptq8, "int8", True),
        (_nvfp4, "nvfp4", True),
        (_nf4, "nf4", False),
        (_compressed, "int4_group64_symmetric", True),
        (_mlx, "int4_group64_biased", True),
    ],
)
@pytest.mark.parametrize("joined", [False, True])
def test_packed_weights_count_as_what_they_stand_for(tmp_path, make, form, exact, joined):
    config = {**LLAMA, "hidden_size": 512, "intermediate_size": 1408}
    tensors = _packed(llama(config=config), make)
    if joined:
        model = beside(tmp_path, tensors, config)
        same_work(model, config)
    else:
        model = read(write(tmp_path / "model.safetensors", tensors))
    assert model.weight_format == form
    assert model.weight_bytes == pytest.approx(stored(tensors), abs=0.01 if exact else 3000, rel=0 if exact else 1e-5)
    logical = read_document(config, "c", "c").parameters
    scales = sum(int(note.split()[0].replace(",", "")) for note in model.notes if "quantization scales" in note)
    assert model.parameters == logical + scales
    assert any("packed" in note and "-bit values" in note for note in model.notes)


MIXTURE = {
    "model_type": "qwen3_moe",
    "hidden_size": 256,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 64,
    "vocab_size": 1000,
    "num_experts": 4,
    "num_experts_per_tok": 2,
    "moe_intermediate_size": 128,
    "intermediate_size": 512,
    "decoder_sparse_step": 1,
    "mlp_only_layers": [],
    "torch_dtype": "bfloat16",
    "tie_word_embeddings": False,
}


def mixture(products="BF16"):
    tensors = {
        "model.embed_tokens.weight": ("BF16", [1000, 256]),
        "model.norm.weight": ("BF16", [256]),
        "lm_head.weight": ("BF16", [1000, 256]),
    }
    for block in range(2):
        base = f"model.layers.{block}"
        for name, kind, shape in (
            ("self_attn.q_proj", products, [256, 256]),
            ("self_attn.k_proj", products, [128, 256]),
            ("self_attn.v_proj", products, [128, 256]),
            ("self_attn.o_proj", products, [256, 256]),
            ("self_attn.q_norm", "BF16", [64]),
            ("self_attn.k_norm", "BF16", [64]),
            ("input_layernorm", "BF16", [256]),
            ("post_attention_layernorm", "BF16", [256]),
            ("mlp.gate", "BF16", [4, 256]),
        ):
            tensors[f"{base}.{name}.weight"] = (kind, shape)
        for expert in range(4):
            for name, shape in (("gate_proj", [128, 256]), ("up_proj", [128, 256]), ("down_proj", [256, 128])):
                tensors[f"{base}.mlp.experts.{expert}.{name}.weight"] = (products, shape)
    return tensors


@pytest.mark.parametrize("products", ["BF16", "F8_E4M3"])
def test_mixtures_keep_their_experts(tmp_path, products):
    tensors = _fp8(mixture(products)) if products != "BF16" else mixture()
    model = beside(tmp_path, tensors, MIXTURE)
    published = same_work(model, MIXTURE)
    assert model.weight_bytes == stored(tensors)
    scales = sum(int(size(*entry) / 4) for name, entry in tensors.items() if name.endswith("scale_inv"))
    assert model.parameters == published.parameters + scales
    (tmp_path / "config.json").unlink()
    alone = read(tmp_path / "model.safetensors", experts_per_token=2)
    assert alone.weight_bytes == stored(tensors)
    assert alone.parameters - alone.active_parameters == published.parameters - published.active_parameters
    assert alone.forward_flops(1) < published.forward_flops(1)


def test_several_formats_within_one_operator(tmp_path):
    tensors = llama()
    for block in range(3):
        tensors[f"model.layers.{block}.self_attn.v_proj.weight"] = ("F32", [64, 256])
    model = beside(tmp_path, tensors, LLAMA)
    same_work(model, LLAMA)
    assert model.weight_bytes == stored(tensors)
    assert model.parameters == 2_627_328


def test_blocks_of_one_model_in_different_formats(tmp_path):
    tensors = llama(products="F8_E4M3")
    for name in list(tensors):
        if ".layers.1." in name and len(tensors[name][1]) == 2:
            tensors[name] = ("BF16", tensors[name][1])
    model = beside(tmp_path, tensors, LLAMA)
    assert model.weight_bytes == stored(tensors)
    assert [(layer.name, layer.count) for layer in model.layers][1:3] == [("layers.0-2:2", 2), ("layers.1", 1)]


def test_masks_and_positions_are_no_parameters(tmp_path):
    tensors = {**llama(), "model.layers.0.self_attn.rotary_emb.inv_freq": ("F32", [16])}
    model = beside(tmp_path, tensors, LLAMA)
    assert model.parameters == 2_627_328
    assert any("64 bytes of masks and positions" in note for note in model.notes)


def shards():
    tensors = list(llama().items())
    return {
        f"model-0000{part}-of-00003.safetensors": dict(tensors[first:last])
        for part, (first, last) in enumerate(((0, 10), (10, 20), (20, 99)), start=1)
    }


def test_sharded(tmp_path):
    index = write_sharded(tmp_path, shards())
    (tmp_path / "config.json").write_text(json.dumps(LLAMA))
    for path in (index, tmp_path, tmp_path / "model-00002-of-00003.safetensors"):
        model = read(path)
        assert (model.parameters, model.weight_bytes) == (2_627_328, 2 * 2_627_328)
        assert model.attributes["files"] == 3
    assert "one shard was given" in model.notes[-1]


def test_missing_shards_are_taken_from_index_and_configuration(tmp_path):
    index = write_sharded(tmp_path, shards(), {"model-00001-of-00003.safetensors"})
    alone = read(index)
    assert alone.weight_bytes == 2 * 2_627_328
    assert any("2 shards are missing, model-00002-of-00003.safetensors first" in note for note in alone.notes)
    (tmp_path / "config.json").write_text(json.dumps(LLAMA))
    model = read(index)
    same_work(model, LLAMA)
    assert (model.parameters, model.weight_bytes) == (2_627_328, 2 * 2_627_328)
    assert any("2 shards are missing" in note for note in model.notes)


def test_index_alone_with_the_configuration(tmp_path):
    folder = tmp_path / "index"
    folder.mkdir()
    wide = {name: {key: ("F32", shape) for key, (_, shape) in table.items()} for name, table in shards().items()}
    index = write_sharded(folder, wide, set())
    with_index = read(index)
    assert with_index.weight_bytes == 4 * 2_627_328
    (folder / "config.json").write_text(json.dumps(LLAMA))
    model = read(index)
    assert (model.parameters, model.weight_format, model.weight_bytes) == (2_627_328, "fp32", 4 * 2_627_328)


def test_a_configuration_that_nobody_knows_is_said(tmp_path):
    model = beside(tmp_path, llama(), {"model_type": "no-such-thing", "hidden_size": 7})
    assert model.family == "unknown"
    assert model.parameters == 2_627_328
    assert "config.json is not used" in model.notes[0]
    assert "no-such-thing" in model.notes[0]


def test_convolutions_and_odd_names(tmp_path):
    tensors = {
        "conv1.weight": ("F32", [64, 3, 7, 7]),
        "bn1.num_batches_tracked": ("I64", []),
        "layer1.0.conv1.weight": ("F32", [64, 64, 3, 3]),
        "layer1.1.conv1.weight": ("F32", [64, 64, 3, 3]),
        "empty": ("F32", [0, 4]),
        "fc.weight": ("F32", [10, 64]),
        "fc.bias": ("F32", [10]),
    }
    model = read(write(tmp_path / "resnet.safetensors", tensors))
    assert model.parameters == 64 * 147 + 1 + 2 * 36864 + 650
    assert model.weight_bytes == stored(tensors)
    assert any(layer.name == "layer1.0-1" and layer.count == 2 for layer in model.layers)


def test_a_sparse_400_gb_file_is_read_at_once(tmp_path):
    config = {
        **LLAMA,
        "hidden_size": 16384,
        "intermediate_size": 53248,
        "num_attention_heads": 128,
        "num_key_value_heads": 8,
        "num_hidden_layers": 126,
        "vocab_size": 128256,
    }
    tensors = llama(products="F8_E4M3", config=config)
    path = write(tmp_path / "model.safetensors", tensors)
    assert path.stat().st_size > 400e9
    start = time.process_time()
    model = read(path)
    assert time.process_time() - start < 2
    assert model.parameters == 405_853_388_800  # Llama 3.1 405B as published
    (tmp_path / "config.json").write_text(json.dumps(config))
    start = time.process_time()
    model = read(path)
    assert time.process_time() - start < 2
    assert (model.parameters, model.weight_bytes) == (405_853_388_800, stored(tensors))


def test_zero_tensors(tmp_path):
    path = write_raw(tmp_path / "empty.safetensors", b"{}      ", 0)
    with pytest.raises(ModelFileError):
        read(path)


def test_through_the_core(tmp_path):
    class Registry:
        model_readers = (SafetensorsReader(),)

        class plugins:
            warn = staticmethod(print)

        @staticmethod
        def owner(reader):
            return "safetensors"

    path = write(tmp_path / "weights.bin", llama())  # content decides, not the ending
    model = read_source(Registry, ModelSource("weights.bin", path=path))
    assert model.reader == "safetensors"
    assert entries({"a": ("F4", [4])})["a"]["data_offsets"] == [0, 2]


def test_three_bit_words(tmp_path):
    def make(name, outputs, inputs):
        return {
            f"{name}.qweight": ("I32", [inputs * 3 // 32, outputs]),
            f"{name}.g_idx": ("I32", [inputs]),
            f"{name}.scales": ("F16", [inputs // 128, outputs]),
            f"{name}.qzeros": ("I32", [inputs // 128, outputs * 3 // 32]),
        }

    config = {**LLAMA, "hidden_size": 512, "intermediate_size": 1408}
    tensors = _packed(llama(config=config), make)
    alone = read(write(tmp_path / "model.safetensors", tensors))
    assert alone.weight_bytes == stored(tensors)
    assert alone.weight_format == "packed3"
    model = beside(tmp_path, tensors, config)
    same_work(model, config)
    assert model.weight_bytes == stored(tensors)
