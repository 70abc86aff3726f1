"""Softmax attention over keys and values: multi-head, grouped, multi-query, windowed."""

from __future__ import annotations

from advisor.operators import Attention, Elementwise, MatMul, Operator
from advisor_huggingface.config import Config
from advisor_huggingface.family import Block, OptionalSize, Setting, Size, enabled, optional_size, size


def head_width(config: Config, layer: int) -> int:
    """``head_dim``, by default the hidden size over the heads."""
    given = config.optional("head_dim", least=1)
    return given if given is not None else config.divided("hidden_size", "num_attention_heads")


def key_value_heads(config: Config, layer: int) -> int:
    """``num_key_value_heads``, by default one a head; it must divide the heads."""
    heads = config.integer("num_attention_heads")
    groups = config.integer("num_key_value_heads", heads)
    if heads % groups:
        raise config.error("num_attention_heads", f"{heads} is not divisible by "
                           f"{config.key('num_key_value_heads')} {groups}")  # fmt: skip
    return groups


def layer_kind(config: Config, layer: int, field: str = "layer_types") -> str:
    """What ``layer_types`` says of the layer; empty where there is no such list."""
    kinds = config.each_layer(field)
    return str(kinds[layer]) if kinds else ""


def typed_window(config: Config, layer: int) -> int | None:
    """``sliding_window`` in the layers that ``layer_types`` calls sliding."""
    return config.optional("sliding_window") if "sliding" in layer_kind(config, layer) else None


def attention(
    *,
    heads: Size = "num_attention_heads",
    kv_heads: Size = key_value_heads,
    width: Size = head_width,
    value_width: Size | None = None,
    bias: Setting = False,
    output_bias: Setting | None = None,
    qk_norm: str = "",
    qk_norm_bias: Setting = False,
    qk_normed: Setting = True,
    value_norm: Setting = False,
    output_gate: Setting = False,
    head_gate: Setting = False,
    keys_are_values: Setting = False,
    reads_other_cache: Setting = False,
    sinks: Setting = False,
    rotary: Setting = True,
    window: OptionalSize = None,
    chunk: OptionalSize = None,
    attended: OptionalSize = None,
    causal: bool = True,
    input_width: Size = "hidden_size",
    output: bool = True,
) -> Block:
    """Fused q, k, v product, attention and output product.

    ``bias`` is of q, k and v; ``output_bias`` follows it unless given. ``qk_norm`` is ``head`` (one
    scale a channel of a head), ``width`` (one scale a channel of all heads) or ``plain`` (no scale).
    ``output_gate`` multiplies the attention output by a second query-sized product; ``head_gate`` by one
    value a head. ``keys_are_values`` has no v product. ``reads_other_cache`` has neither k nor v: the
    layer uses those of an earlier one. ``sinks`` are one learned score a head. A ``window`` bounds what
    is seen and kept; a ``chunk`` likewise (attention within blocks of so many tokens). ``attended`` bounds
    what is seen alone, where an index selects tokens.
    """

    def build(config: Config, layer: int) -> tuple[Operator, ...]:
        count, groups = size(heads, config, layer), size(kv_heads, config, layer)
        key = size(width, config, layer)
        value = key if value_width is None else size(value_width, config, layer)
        inputs = size(input_width, config, layer)
        shares, biased = enabled(reads_other_cache, config, layer), enabled(bias, config, layer)
        query = count * key * (2 if enabled(output_gate, config, layer) else 1)
        query += count if enabled(head_gate, config, layer) else 0
        if shares:
            outputs = query
        else:
            outputs = query + groups * (key if enabled(keys_are_values, config, layer) else key + value)
        operators: list[Operator] = [
            MatMul(name="q" if shares else "qkv", inputs=inputs, outputs=outputs, bias=biased, split="columns",
                   saved_elements=inputs)
        ]  # fmt: skip
        normed = count * key + (0 if shares else groups * key)
        if qk_norm and enabled(qk_normed, config, layer):
            channels = {"head": key + (0 if shares else key), "width": normed, "plain": 0}[qk_norm]
            own = channels * (2 if enabled(qk_norm_bias, config, layer) else 1)
            operators.append(Elementwise(name="qk_norm", elements=2 * normed, parameters_own=own, split="heads",
                                         saved_elements=normed))  # fmt: skip
        if enabled(value_norm, config, layer) and not shares:
            operators.append(Elementwise(name="v_norm", elements=2 * groups * value, split="heads",
                                         saved_elements=groups * value))  # fmt: skip
        if enabled(rotary, config, layer):
            operators.append(Elementwise(name="rotary", elements=2 * normed, split="heads"))
        limit = optional_size(window, config, layer) or optional_size(chunk, config, layer)
        operators.append(Attention(
            name="attention", heads=count, kv_heads=groups, key_width=key, value_width=value, causal=causal,
            cache_width=0 if shares else None, cached_limit=limit,
            attended_limit=limit if limit is not None else optional_size(attended, config, layer),
            parameters_own=count if enabled(sinks, config, layer) else 0,
            saved_elements=count * (key + value) + (0 if shares else groups * (key + value)),
        ))  # fmt: skip
        if enabled(output_gate, config, layer):
            operators.append(Elementwise(name="output_gate", elements=3 * count * value, split="heads",
                                         saved_elements=2 * count * value))  # fmt: skip
        if output:
            last = biased if output_bias is None else enabled(output_bias, config, layer)
            operators.append(MatMul(name="o", inputs=count * value, outputs=inputs, bias=last, split="rows"))
        return tuple(operators)

    return build
