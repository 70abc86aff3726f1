"""Bytes of quantized weights against what the libraries wrote (record_artefacts.py, record_runtimes.py)."""

import json
from pathlib import Path

import pytest

from advisor import Advisor
from advisor.formats import format_named
from advisor.operators import Embedding, MatMul
from advisor_quantization.gguf import FILE_TYPES, file_bits
from advisor_quantization.layouts import LAYOUTS, model_bits

DATA = Path(__file__).parent / "data"
ARTEFACTS = json.loads((DATA / "artefacts.json").read_text("utf-8"))
CONFIG = ARTEFACTS["config"]
HEAD = CONFIG["hidden_size"] // CONFIG["num_attention_heads"]
SHAPES = {
    "q_proj": (CONFIG["hidden_size"], CONFIG["hidden_size"]),
    "k_proj": (CONFIG["hidden_size"], CONFIG["num_key_value_heads"] * HEAD),
    "v_proj": (CONFIG["hidden_size"], CONFIG["num_key_value_heads"] * HEAD),
    "o_proj": (CONFIG["hidden_size"], CONFIG["hidden_size"]),
    "gate_proj": (CONFIG["hidden_size"], CONFIG["intermediate_size"]),
    "up_proj": (CONFIG["hidden_size"], CONFIG["intermediate_size"]),
    "down_proj": (CONFIG["intermediate_size"], CONFIG["hidden_size"]),
}


@pytest.mark.parametrize("name", ARTEFACTS["linear"])
def test_every_tensor_to_the_byte(name):
    layout, _, group = name.partition("=")
    made = LAYOUTS[layout](int(group or 128))
    sizes = ARTEFACTS["linear"][name]
    assert len(sizes) == len(SHAPES) * CONFIG["num_hidden_layers"]
    for layer, written in sizes.items():
        assert made.tensor_bytes(*SHAPES[layer.rsplit(".", 1)[-1]]) == written, layer


def test_every_library_is_in_the_record():
    assert set(ARTEFACTS["linear"]) >= {"int8", "fp8_channel", "fp8_block", "w4a16", "nvfp4", "mxfp4", "nf4", "awq=128",
                                        "gptq=32", "autoround=64"}  # fmt: skip


@pytest.mark.parametrize("name", ARTEFACTS["gguf"]["bytes"])
def test_blocks_of_gguf_to_the_byte(name):
    values = ARTEFACTS["gguf"]["rows"] * ARTEFACTS["gguf"]["width"]
    assert format_named(name).bits * values / 8 == ARTEFACTS["gguf"]["bytes"][name]


@pytest.mark.parametrize("layer", ["dense", "dense_1"])
def test_dynamic_int8_of_onnx_runtime(layer):
    record = json.loads((DATA / "onnxruntime.json").read_text("utf-8"))
    written = record["dynamic_int8"]["a channel"][layer]
    assert LAYOUTS["dynamic_int8"](0).tensor_bytes(*record["shapes"][layer]) == written


def test_int8_convolutions_of_litert_have_a_scale_a_channel():
    record = json.loads((DATA / "litert.json").read_text("utf-8"))
    height, width, inputs, outputs = record["convolution"]
    assert record["int8_values"] == height * width * inputs * outputs
    assert record["scales"] == outputs  # in fp32: two bytes a channel more than LLM Compressor's
    ours = LAYOUTS["int8"](0).tensor_bytes(height * width * inputs, outputs)
    assert record["int8_values"] + record["scale_bytes"] - ours == 2 * outputs


#: llama.cpp, tools/quantize/README.md: bits of a weight of Llama 3.1 8B by file type.
PUBLISHED = {
    "iq1_s": 2.0042, "iq1_m": 2.1460, "iq2_xxs": 2.3824, "iq2_xs": 2.5882, "iq2_s": 2.7403, "iq3_xxs": 3.2548,
    "iq3_s": 3.6606, "iq4_xs": 4.4597, "iq4_nl": 4.6818, "q2_k": 3.1593, "q3_k_s": 3.6429, "q3_k_l": 4.2979,
    "q4_k_s": 4.6672, "q4_k_m": 4.8944, "q5_k_s": 5.5704, "q5_k_m": 5.7036, "q6_k": 6.5633, "q8_0": 8.5008,
}  # fmt: skip
#: fedric95/Meta-Llama-3.1-8B-GGUF: file sizes in GB, which hold the tokenizer too (8 MB).
FILES = {"q8_0": 8.54, "q6_k": 6.60, "q5_k_m": 5.73, "q5_k_s": 5.60, "q4_k_m": 4.92, "q4_k_s": 4.69, "q3_k_l": 4.32,
         "q3_k_m": 4.02, "q3_k_s": 3.66, "q2_k": 3.18}  # fmt: skip


@pytest.fixture(scope="module")
def llama():
    return Advisor().read("meta-llama/Llama-3.1-8B")


def bits_of_a_weight(model, file_type):
    """Over all parameters; what is neither a product nor a table (norms) is stored in fp32."""
    weights, tables = file_bits(model, file_type)
    products = sum(copies * op.parameters for op, copies in model.operators(None) if op.quantizable)
    table = sum(copies * op.parameters for op, copies in model.operators(None)
                if isinstance(op, Embedding) or (isinstance(op, MatMul) and op.last_unit_only))  # fmt: skip
    rest = model.parameters - products - table
    return (products * weights + table * tables + 32 * rest) / model.parameters


@pytest.mark.parametrize("file_type", FILE_TYPES, ids=lambda file_type: file_type.name)
def test_file_types_have_the_published_bits(llama, file_type):
    ours = bits_of_a_weight(llama, file_type)
    if file_type.name in PUBLISHED:
        assert ours == pytest.approx(PUBLISHED[file_type.name], abs=6e-5)
    if file_type.name in FILES:
        assert ours * llama.parameters / 8e9 + 0.008 == pytest.approx(FILES[file_type.name], abs=0.006)


def test_bits_of_a_model_are_those_of_its_tensors(llama):
    """Joined operators count as the tensors they are made of: int4 in groups of 128 adds 20 bits a group."""
    assert model_bits(llama, LAYOUTS["awq"](128)) == 4 + 20 / 128
    assert model_bits(llama, LAYOUTS["nf4"](0)) == pytest.approx(4 + 8 / 64 + 32 / 64 / 256, abs=1e-5)
    per_input = model_bits(llama, LAYOUTS["gptq"](128)) - model_bits(llama, LAYOUTS["awq"](128))
    assert 0 < per_input < 0.01
