"""Writes safetensors files from their specification: true headers, data as a hole in the file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

BITS = {
    "BOOL": 8,
    "F4": 4,
    "F6_E2M3": 6,
    "F6_E3M2": 6,
    "U8": 8,
    "I8": 8,
    "F8_E5M2": 8,
    "F8_E4M3": 8,
    "F8_E8M0": 8,
    "F8_E4M3FNUZ": 8,
    "F8_E5M2FNUZ": 8,
    "I16": 16,
    "U16": 16,
    "F16": 16,
    "BF16": 16,
    "I32": 32,
    "U32": 32,
    "F32": 32,
    "C64": 64,
    "F64": 64,
    "I64": 64,
    "U64": 64,
}
Table = dict[str, tuple[str, list[int]]]


def size(dtype: str, shape: list[int]) -> int:
    bits = BITS[dtype]
    for extent in shape:
        bits *= extent
    return bits // 8


def entries(tensors: Table) -> dict[str, Any]:
    answer, begin = {}, 0
    for name, (dtype, shape) in tensors.items():
        end = begin + size(dtype, shape)
        answer[name] = {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}
        begin = end
    return answer


def write(path: Path, tensors: Table) -> Path:
    total = sum(size(dtype, shape) for dtype, shape in tensors.values())
    return write_raw(path, json.dumps({"__metadata__": {"format": "pt"}, **entries(tensors)}).encode(), total)


def write_raw(path: Path, header: bytes, data: int, length: int | None = None) -> Path:
    path.write_bytes((len(header) if length is None else length).to_bytes(8, "little") + header)
    with path.open("r+b") as stream:
        stream.truncate(8 + len(header) + data)
    return path


def write_sharded(folder: Path, shards: dict[str, Table], write_files: set[str] | None = None) -> Path:
    names = {name: shard for shard, tensors in shards.items() for name in tensors}
    total = sum(size(dtype, shape) for tensors in shards.values() for dtype, shape in tensors.values())
    index = folder / "model.safetensors.index.json"
    index.write_text(json.dumps({"metadata": {"total_size": total}, "weight_map": names}))
    for shard, tensors in shards.items():
        if write_files is None or shard in write_files:
            write(folder / shard, tensors)
    return index


LLAMA = {
    "architectures": ["LlamaForCausalLM"],
    "model_type": "llama",
    "hidden_size": 256,
    "num_hidden_layers": 3,
    "num_attention_heads": 8,
    "num_key_value_heads": 2,
    "intermediate_size": 704,
    "vocab_size": 1000,
    "max_position_embeddings": 4096,
    "tie_word_embeddings": False,
    "torch_dtype": "bfloat16",
}


def llama(dtype: str = "BF16", config: dict[str, Any] = LLAMA, products: str | None = None) -> Table:
    """Tensors of a Llama; ``products`` is the dtype of the blocks' matrices."""
    hidden, inner, rows = config["hidden_size"], config["intermediate_size"], config["vocab_size"]
    keys = hidden // config["num_attention_heads"] * config["num_key_value_heads"]
    tensors: Table = {"model.embed_tokens.weight": (dtype, [rows, hidden])}
    for block in range(config["num_hidden_layers"]):
        for name, shape in (
            ("self_attn.q_proj", [hidden, hidden]),
            ("self_attn.k_proj", [keys, hidden]),
            ("self_attn.v_proj", [keys, hidden]),
            ("self_attn.o_proj", [hidden, hidden]),
            ("mlp.gate_proj", [inner, hidden]),
            ("mlp.up_proj", [inner, hidden]),
            ("mlp.down_proj", [hidden, inner]),
            ("input_layernorm", [hidden]),
            ("post_attention_layernorm", [hidden]),
        ):
            kind = products if products and len(shape) == 2 else dtype
            tensors[f"model.layers.{block}.{name}.weight"] = (kind, shape)
    tensors["model.norm.weight"] = (dtype, [hidden])
    if not config.get("tie_word_embeddings"):
        tensors["lm_head.weight"] = (dtype, [rows, hidden])
    return tensors
