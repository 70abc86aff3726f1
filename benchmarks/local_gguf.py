"""A small Llama with random weights as a GGUF file, for benchmarks/local_cpu.py. Needs the gguf package."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np


def write_gguf(path: Path, name: str, shape: Mapping[str, Any]) -> None:
    """Write the model of a Hugging Face configuration with all matrices in one ggml format: f16, q8_0 or q4_0."""
    import gguf

    kind = {"f16": gguf.GGMLQuantizationType.F16, "q8_0": gguf.GGMLQuantizationType.Q8_0,
            "q4_0": gguf.GGMLQuantizationType.Q4_0}[name]  # fmt: skip
    hidden, inner, vocabulary = shape["hidden_size"], shape["intermediate_size"], shape["vocab_size"]
    width = shape["num_key_value_heads"] * shape["head_dim"]
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_context_length(2048)
    writer.add_embedding_length(hidden)
    writer.add_block_count(shape["num_hidden_layers"])
    writer.add_feed_forward_length(inner)
    writer.add_head_count(shape["num_attention_heads"])
    writer.add_head_count_kv(shape["num_key_value_heads"])
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_dimension_count(shape["head_dim"])
    writer.add_vocab_size(vocabulary)
    writer.add_tokenizer_model("llama")
    writer.add_token_list([f"<{number}>" for number in range(vocabulary)])
    writer.add_token_scores([0.0] * vocabulary)
    writer.add_token_types([2, 3, 3] + [1] * (vocabulary - 3))
    random = np.random.default_rng(0)

    def matrix(label: str, outputs: int, inputs: int) -> None:
        values = (0.02 * random.standard_normal((outputs, inputs), dtype=np.float32))
        writer.add_tensor(label, gguf.quants.quantize(values, kind), raw_dtype=kind)

    matrix("token_embd.weight", vocabulary, hidden)
    matrix("output.weight", vocabulary, hidden)
    writer.add_tensor("output_norm.weight", np.ones(hidden, np.float32))
    for layer in range(shape["num_hidden_layers"]):
        for label, outputs, inputs in (
            ("attn_q", hidden, hidden), ("attn_k", width, hidden), ("attn_v", width, hidden),
            ("attn_output", hidden, hidden), ("ffn_gate", inner, hidden), ("ffn_up", inner, hidden),
            ("ffn_down", hidden, inner),
        ):  # fmt: skip
            matrix(f"blk.{layer}.{label}.weight", outputs, inputs)
        for label in ("attn_norm", "ffn_norm"):
            writer.add_tensor(f"blk.{layer}.{label}.weight", np.ones(hidden, np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
