"""DeepSeek-V4: one shared key-value head, a short window beside compressed context, residual streams."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from advisor.operators import Attention, Elementwise, MatMul, Operator
from advisor_huggingface.blocks.ends import output
from advisor_huggingface.blocks.experts import experts
from advisor_huggingface.blocks.norms import norm
from advisor_huggingface.config import Config
from advisor_huggingface.families.deepseek import shared_width
from advisor_huggingface.family import Block, Family, sequence

#: ``compress_ratios`` of the published file to what transformers calls the layer.
_RATIOS = {0: "sliding_attention", 4: "compressed_sparse_attention", 128: "heavily_compressed_attention"}


def _kind(config: Config, layer: int) -> str:
    kinds = config.each_layer("layer_types")
    if kinds:
        return str(kinds[layer])
    ratios = config.each_layer("compress_ratios")
    if not ratios:
        if layer < 2:
            return _RATIOS[128]
        return _RATIOS[4] if layer % 2 else _RATIOS[128]
    if ratios[layer] not in _RATIOS:
        raise config.error("compress_ratios", f"must be 0, 4 or 128, not {str(ratios[layer])[:20]}")
    return _RATIOS[ratios[layer]]


def _compressor(name: str, config: Config, width: int, ratio: int) -> tuple[Operator, ...]:
    """Values and gates of a compressor, its biases by position and its norm."""
    return (
        MatMul(name=f"{name}.kv_gate", inputs=config.hidden, outputs=2 * width, extra_parameters=ratio * width),
        Elementwise(name=f"{name}.norm", elements=2 * width),
    )


def _attention(config: Config, layer: int) -> tuple[Operator, ...]:
    """Queries through a low rank; one head of ``head_dim`` is key and value at once.

    A layer that keeps one entry for each ``ratio`` tokens is written as attention over all tokens with
    widths divided by the ratio: the same cache, FLOPs and bytes. Where an index selects ``index_topk``
    entries, that bounds the attended tokens at ``index_topk x ratio``.
    """
    hidden, heads, width = config.hidden, config.integer("num_attention_heads"), config.integer("head_dim")
    rank, window = config.integer("q_lora_rank"), config.integer("sliding_window")
    groups, output_rank = config.integer("o_groups"), config.integer("o_lora_rank")
    if heads * width % groups:
        raise config.error("o_groups", f"{groups} does not divide {heads} heads of {width}")
    kind = _kind(config, layer)
    operators: list[Operator] = [
        MatMul(name="qkv_a", inputs=hidden, outputs=rank + width, saved_elements=hidden),
        Elementwise(name="q_a_norm", elements=2 * rank, parameters_own=rank, saved_elements=rank),
        MatMul(name="q_b", inputs=rank, outputs=heads * width, split="columns", saved_elements=rank),
        Elementwise(name="qk_norm", elements=2 * (heads + 1) * width, parameters_own=width, split="heads",
                    saved_elements=(heads + 1) * width),
        Attention(name="attention.window", heads=heads, kv_heads=1, key_width=width, value_width=width,
                  cache_width=width, attended_limit=window, cached_limit=window, parameters_own=heads,
                  saved_elements=2 * heads * width + width),
    ]  # fmt: skip
    if kind == "compressed_sparse_attention":
        operators += _compressed_sparse(config, heads, width, rank)
    elif kind == "heavily_compressed_attention":
        operators += _compressor("compressor", config, width, 128)
        operators.append(Elementwise(name="compressor.scale", elements=0, parameters_own=width))
        operators.append(_entries("attention.compressed", heads, width, 128, None))
    operators += [
        MatMul(name="o_a", inputs=heads * width, outputs=groups * output_rank, groups=groups, split="columns"),
        MatMul(name="o", inputs=groups * output_rank, outputs=hidden, split="rows",
               saved_elements=groups * output_rank),
    ]  # fmt: skip
    return tuple(operators)


def _compressed_sparse(config: Config, heads: int, width: int, rank: int) -> list[Operator]:
    index_heads, index_width = config.integer("index_n_heads"), config.integer("index_head_dim")
    return [
        *_compressor("compressor", config, 2 * width, 4),
        *_compressor("index.compressor", config, 2 * index_width, 4),
        Elementwise(name="compressor.scale", elements=0, parameters_own=width + index_width),
        MatMul(name="index.q_b", inputs=rank, outputs=index_heads * index_width),
        MatMul(name="index.weights", inputs=config.hidden, outputs=index_heads, quantizable=False),
        Attention(name="index.scores", heads=index_heads, kv_heads=1, key_width=index_width // 4, value_width=0,
                  split="none"),
        _entries("attention.compressed", heads, width, 4, config.integer("index_topk")),
    ]  # fmt: skip


def _entries(name: str, heads: int, width: int, ratio: int, chosen: int | None) -> Attention:
    share = max(1, width // ratio)
    return Attention(name=name, heads=heads, kv_heads=1, key_width=share, value_width=share, cache_width=share,
                     attended_limit=None if chosen is None else chosen * ratio)  # fmt: skip


def _hyper_connection(name: str) -> Block:
    """Weights that collapse ``hc_mult`` residual streams into a block's input and spread its output."""

    def build(config: Config, layer: int) -> tuple[Operator, ...]:
        streams, hidden = config.integer("hc_mult"), config.hidden
        weights = (2 + streams) * streams
        return (
            MatMul(name=f"{name}.weights", inputs=streams * hidden, outputs=weights, quantizable=False,
                   extra_parameters=weights + 3, saved_elements=streams * hidden),
            Elementwise(name=f"{name}.mix", elements=(2 * streams + 2) * hidden),
        )  # fmt: skip

    return build


def _last(config: Config, layer: int) -> tuple[Operator, ...]:
    streams, hidden = config.integer("hc_mult"), config.hidden
    collapse = MatMul(name="hyper_head", inputs=streams * hidden, outputs=streams, quantizable=False,
                      extra_parameters=streams + 1)  # fmt: skip
    return (collapse, *norm("norm")(config, layer))


def _attributes(config: Config) -> Mapping[str, Any]:
    return {"mtp_layers": config.optional("num_nextn_predict_layers", 0)}


DEEPSEEK_V4 = Family(
    name="deepseek_v4",
    model_types=("deepseek_v4", "deepseek_ref"),
    layer=sequence(
        _hyper_connection("hyper_attention"),
        norm("input_norm"),
        _attention,
        _hyper_connection("hyper_experts"),
        norm("post_attention_norm"),
        experts(shared_width=shared_width),
    ),
    output=output(last=_last),
    defaults={"n_shared_experts": 1, "num_experts_per_tok": 6, "hc_mult": 4, "sliding_window": 128, "o_groups": 8,
              "o_lora_rank": 1024, "q_lora_rank": 1024, "index_n_heads": 64, "index_head_dim": 128, "index_topk": 512,
              "head_dim": 512},
    attributes=_attributes,
)  # fmt: skip

FAMILIES = (DEEPSEEK_V4,)
