"""Gemma 4: wider heads in full layers, caches shared between layers, per-layer inputs, optional experts."""

from __future__ import annotations

from collections.abc import Mapping

from advisor.operators import Elementwise, Embedding, MatMul, Operator
from advisor_huggingface.blocks.attention import attention, layer_kind
from advisor_huggingface.blocks.ends import embedding
from advisor_huggingface.blocks.experts import experts
from advisor_huggingface.blocks.mlp import gated_mlp
from advisor_huggingface.blocks.norms import norm
from advisor_huggingface.config import Config
from advisor_huggingface.family import Family, choose, sequence
from advisor_huggingface.vision import gemma4


def _full(config: Config, layer: int) -> bool:
    if layer == config.layers - 1:  # the last layer always is
        return True
    kind = layer_kind(config, layer)
    return "sliding" not in kind if kind else (layer + 1) % 6 == 0


def _overridden(config: Config, layer: int, field: str) -> int | None:
    """A field that ``per_layer_config`` sets for the layer."""
    table = config.raw("per_layer_config")
    if not isinstance(table, Mapping):
        return None
    entry = next((table[key] for key in (str(layer), f"{layer:02d}", f"{layer:03d}", layer) if key in table), None)
    value = entry.get(field) if isinstance(entry, Mapping) else None
    return None if value is None else config.whole("per_layer_config", value, 1)


def _head_width(config: Config, layer: int) -> int:
    found = _overridden(config, layer, "head_dim")
    if found is not None:
        return found
    wide = _full(config, layer) and config.raw("per_layer_config") is None
    return config.integer("global_head_dim", 512) if wide else config.integer("head_dim")


def _kv_heads(config: Config, layer: int) -> int:
    groups = _overridden(config, layer, "num_key_value_heads")
    if groups is None:
        groups = config.integer("num_key_value_heads")
        if _keys_are_values(config, layer):
            groups = config.integer("num_global_key_value_heads", groups)
    heads = config.integer("num_attention_heads")
    if heads % groups:
        raise config.error("num_attention_heads", f"{heads} is not divisible by {groups} key-value heads")
    return groups


def _keys_are_values(config: Config, layer: int) -> bool:
    return config.flag("attention_k_eq_v") and _full(config, layer)


def shares_cache(config: Config, layer: int) -> bool:
    """Whether a layer reads the keys and values of an earlier one: the last ``num_kv_shared_layers``."""
    return layer >= config.layers - config.integer("num_kv_shared_layers", 0, least=0)


def _window(config: Config, layer: int) -> int | None:
    return None if _full(config, layer) else config.optional("sliding_window")


def _width(config: Config, layer: int) -> int:
    wide = config.flag("use_double_wide_mlp") and shares_cache(config, layer)
    return config.integer("intermediate_size") * (2 if wide else 1)


def _router_own(config: Config, layer: int) -> int:
    return config.hidden + config.integer("num_experts")


def _input_width(config: Config) -> int:
    return config.optional("hidden_size_per_layer_input", 256) or 0


def per_layer_input(config: Config, layer: int) -> tuple[Operator, ...]:
    """The layer's own embedding of the token, gated by the residual stream and added to it."""
    width, hidden = _input_width(config), config.hidden
    if not width:
        return ()
    return (
        MatMul(name="layer_input.gate", inputs=hidden, outputs=width, saved_elements=hidden),
        Elementwise(name="layer_input.product", elements=3 * width, saved_elements=2 * width),
        MatMul(name="layer_input.out", inputs=width, outputs=hidden, saved_elements=width),
        *norm("layer_input.norm")(config, layer),
    )


def all_layer_inputs(config: Config, layer: int) -> tuple[Operator, ...]:
    """One packed table of per-layer embeddings, and the projection that is added to it."""
    width, layers = _input_width(config), config.layers
    if not width:
        return ()
    rows = config.integer("vocab_size_per_layer_input", config.integer("vocab_size"))
    return (
        Embedding(name="embed_tokens_per_layer", rows=rows, width=layers * width),
        MatMul(name="layer_inputs.projection", inputs=config.hidden, outputs=layers * width, quantizable=False,
               saved_elements=config.hidden),
        Elementwise(name="layer_inputs.norm", elements=3 * layers * width, parameters_own=width,
                    saved_elements=layers * width),
    )  # fmt: skip


_EXPERTS = sequence(
    norm("post_feedforward_norm_1"),
    norm("pre_feedforward_norm_2"),
    experts(router_parameters=_router_own),
    norm("post_feedforward_norm_2"),
)

GEMMA4_TEXT = Family(
    name="gemma4",
    model_types=("gemma4_text",),
    embedding=embedding(then=all_layer_inputs),
    layer=sequence(
        norm("input_norm"),
        attention(width=_head_width, kv_heads=_kv_heads, bias="attention_bias", qk_norm="head", value_norm=True,
                  keys_are_values=_keys_are_values, reads_other_cache=shares_cache, window=_window),
        norm("post_attention_norm"),
        norm("pre_feedforward_norm"),
        gated_mlp(width=_width),
        choose("enable_moe_block", _EXPERTS),
        norm("post_feedforward_norm"),
        per_layer_input,
    ),
    defaults={"vocab_size": 262144, "hidden_size": 2304, "intermediate_size": 9216, "num_hidden_layers": 30,
              "num_attention_heads": 8, "num_key_value_heads": 4, "head_dim": 256, "sliding_window": 512,
              "tie_word_embeddings": True, "max_position_embeddings": 131072, "vocab_size_per_layer_input": 262144},
    experts_modules=("experts",),
)  # fmt: skip
GEMMA4 = Family(name="gemma4", model_types=("gemma4",), text=("text_config",), text_family="gemma4_text",
                towers=(gemma4.GEMMA4,), notes=("an audio tower, where there is one, is not counted",))  # fmt: skip

FAMILIES = (GEMMA4_TEXT, GEMMA4)
