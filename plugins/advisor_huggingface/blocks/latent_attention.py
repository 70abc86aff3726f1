"""Multi-head latent attention (DeepSeek-V2, 2024): the cache holds one compressed vector a token."""

from __future__ import annotations

from advisor.operators import Attention, Elementwise, MatMul, Operator
from advisor_huggingface.config import Config
from advisor_huggingface.family import Block, OptionalSize, Setting, Size, enabled, optional_size, size


def latent_attention(
    *,
    bias: Setting = "attention_bias",
    attended: OptionalSize = None,
    heads: Size = "num_attention_heads",
    index: Block | None = None,
    rotary: bool = True,
    output_gate: Size | None = None,
) -> Block:
    """Queries through an optional low rank, keys and values through ``kv_lora_rank`` and a shared rotary key.

    The first products of queries and of the latent are one (fused by serving engines). Decoding runs
    on the latent itself: keys of ``kv_lora_rank + qk_rope_head_dim`` and values of ``kv_lora_rank``.
    ``attended`` bounds the tokens a query sees; ``index`` makes the operators that select them.
    """

    def build(config: Config, layer: int) -> tuple[Operator, ...]:
        hidden, count = config.hidden, size(heads, config, layer)
        rank, rope = config.integer("kv_lora_rank"), config.integer("qk_rope_head_dim", least=0)
        plain, value = config.integer("qk_nope_head_dim"), config.integer("v_head_dim")
        query_rank = config.optional("q_lora_rank") or None
        key, biased = plain + rope, enabled(bias, config, layer)
        operators: list[Operator] = []
        if query_rank is not None:
            operators += [
                MatMul(name="qkv_a", inputs=hidden, outputs=query_rank + rank + rope, bias=biased,
                       saved_elements=hidden),
                Elementwise(name="q_a_norm", elements=2 * query_rank, parameters_own=query_rank,
                            saved_elements=query_rank),
                MatMul(name="q_b", inputs=query_rank, outputs=count * key, split="columns",
                       saved_elements=query_rank),
            ]  # fmt: skip
        else:
            operators += [
                MatMul(name="q", inputs=hidden, outputs=count * key, split="columns", saved_elements=hidden),
                MatMul(name="kv_a", inputs=hidden, outputs=rank + rope, bias=biased),
            ]
        operators += [
            Elementwise(name="kv_a_norm", elements=2 * rank, parameters_own=rank, saved_elements=rank),
            MatMul(name="kv_b", inputs=rank, outputs=count * (plain + value), split="columns", saved_elements=rank),
        ]
        if rotary and rope:
            operators.append(Elementwise(name="rotary", elements=2 * (count + 1) * rope, split="heads"))
        if index is not None:
            operators += index(config, layer)
        operators.append(Attention(
            name="attention", heads=count, kv_heads=count, key_width=key, value_width=value,
            cache_width=rank + rope, absorbed_key_width=rank + rope, absorbed_value_width=rank,
            attended_limit=optional_size(attended, config, layer),
            saved_elements=2 * count * (key + value),
        ))  # fmt: skip
        if output_gate is not None:
            operators += _gate(hidden, size(output_gate, config, layer), count * value)
        operators.append(MatMul(name="o", inputs=count * value, outputs=hidden, bias=biased, split="rows"))
        return tuple(operators)

    return build


def _gate(hidden: int, outputs: int, width: int) -> list[Operator]:
    return [
        MatMul(name="output_gate.product", inputs=hidden, outputs=outputs, split="columns"),
        Elementwise(name="output_gate", elements=3 * width, split="heads", saved_elements=2 * width),
    ]


def lightning_index(*, query_rank: str = "q_lora_rank", shared: Setting = False) -> Block:
    """The indexer of DeepSeek sparse attention: small heads score every earlier token, the best are attended.

    It keeps one key of ``index_head_dim`` a token. Source: DeepSeek-V3.2-Exp technical report (2025).
    In a ``shared`` layer the choice of an earlier layer is used again, so it has none of this.
    """

    def build(config: Config, layer: int) -> tuple[Operator, ...]:
        if enabled(shared, config, layer):
            return ()
        heads, width = config.integer("index_n_heads"), config.integer("index_head_dim")
        hidden = config.hidden
        return (
            MatMul(name="index.q_b", inputs=config.integer(query_rank), outputs=heads * width),
            MatMul(name="index.k", inputs=hidden, outputs=width),
            Elementwise(name="index.k_norm", elements=2 * width, parameters_own=2 * width, saved_elements=width),
            MatMul(name="index.weights", inputs=hidden, outputs=heads, quantizable=False),
            Attention(name="index.scores", heads=heads, kv_heads=1, key_width=width, value_width=0, split="none"),
        )

    return build
