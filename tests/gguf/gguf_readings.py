"""Reads a file, and compares the reading with that of a configuration."""

from gguf_made import F32, Q8_0

from advisor.interfaces import ModelSource
from advisor_gguf.reader import GGUFReader
from advisor_huggingface.reader import read_document

LLAMA = {
    "model_type": "llama",
    "hidden_size": 1024,
    "num_hidden_layers": 2,
    "num_attention_heads": 8,
    "num_key_value_heads": 2,
    "intermediate_size": 2816,
    "vocab_size": 4096,
    "torch_dtype": "float16",
    "max_position_embeddings": 8192,
}


def read(path):
    source = ModelSource(str(path), path=path)
    assert GGUFReader().claims(source)
    return GGUFReader().read(source)


def same_work(model, document, beside=0):
    """Parameters, FLOPs, cache and state of both readings; ``beside`` are values that are no parameters there."""
    published = read_document(document, "config", "config")

    def figures(one):
        return {
            "parameters": one.parameters - (beside if one is model else 0),
            "hidden": one.hidden_size,
            "active": one.active_parameters - (beside if one is model else 0),
            "blocks": one.blocks,
            "vocabulary": one.vocabulary,
            "heads": one.tensor_parallel_limit,
            "flops": [one.forward_flops(length, batch) for length, batch in ((1, 1), (512, 4), (9000, 1))],
            "cache": [int(one.cache_elements(context)) for context in (1, 700, 9000)],
            "per token": one.cache_elements_per_token,
            "state": one.state_elements,
        }

    assert figures(model) == figures(published)


def block_tensors(hidden, heads, groups, width, biases=False, norms=False):
    tensors = [
        ("attn_norm.weight", [hidden], F32),
        ("attn_q.weight", [hidden, heads * width], Q8_0),
        ("attn_k.weight", [hidden, groups * width], Q8_0),
        ("attn_v.weight", [hidden, groups * width], Q8_0),
        ("attn_output.weight", [heads * width, hidden], Q8_0),
    ]
    if biases:
        tensors += [
            (f"attn_{part}.bias", [count * width], F32) for part, count in (("q", heads), ("k", groups), ("v", groups))
        ]
    if norms:
        tensors += [("attn_q_norm.weight", [width], F32), ("attn_k_norm.weight", [width], F32)]
    return tensors


def whole_model(arch, layers, hidden, heads, groups, width, vocab, block, tied=False, **more):
    metadata = {
        "general.architecture": arch,
        f"{arch}.block_count": layers,
        f"{arch}.embedding_length": hidden,
        f"{arch}.attention.head_count": heads,
        f"{arch}.attention.head_count_kv": groups,
        f"{arch}.attention.key_length": width,
        f"{arch}.attention.value_length": width,
        f"{arch}.rope.freq_base": 1e6,
        **{f"{arch}.{key}": value for key, value in more.items()},
    }
    tensors = [("token_embd.weight", [hidden, vocab], Q8_0), ("output_norm.weight", [hidden], F32)]
    tensors += [] if tied else [("output.weight", [hidden, vocab], Q8_0)]
    for index in range(layers):
        tensors += [
            (f"blk.{index}.{name}", shape, kind) for name, shape, kind in (block(index) if callable(block) else block)
        ]
    return metadata, tensors
