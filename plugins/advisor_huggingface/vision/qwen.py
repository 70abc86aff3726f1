"""The vision towers of Qwen2-VL, Qwen2.5-VL, Qwen3-VL and Qwen3.5."""

from __future__ import annotations

from advisor.operators import Operator
from advisor_huggingface.blocks.attention import attention
from advisor_huggingface.blocks.mlp import gated_mlp, plain_mlp
from advisor_huggingface.blocks.norms import norm
from advisor_huggingface.config import Config
from advisor_huggingface.family import sequence
from advisor_huggingface.vision.tower import layer_norm, linear, patches, side, text_hidden, tower

FIELDS = {"num_hidden_layers": "depth", "num_attention_heads": "num_heads"}


def _embedding(config: Config, whole: Config) -> tuple[Operator, ...]:
    return patches(config, bias=True, channels="in_channels", frames=side(config, "temporal_patch_size"),
                   positions=config.integer("num_position_embeddings"))  # fmt: skip


def _merger(config: Config, name: str, after_merge: bool) -> tuple[Operator, ...]:
    merged = config.hidden * config.integer("spatial_merge_size") ** 2
    return (
        layer_norm(f"{name}.norm", merged if after_merge else config.hidden),
        linear(f"{name}.up", merged, merged),
        linear(f"{name}.down", merged, config.integer("out_hidden_size")),
    )


def _mergers(config: Config, whole: Config) -> tuple[Operator, ...]:
    extra = len(config.integers("deepstack_visual_indexes"))
    operators = list(_merger(config, "merger", after_merge=False))
    for index in range(extra):
        operators += _merger(config, f"deepstack_merger_{index}", after_merge=True)
    return tuple(operators)


QWEN3_VL = tower(
    fields=FIELDS,
    defaults={"depth": 27, "hidden_size": 1152, "intermediate_size": 4304, "num_heads": 16, "in_channels": 3,
              "patch_size": 16, "spatial_merge_size": 2, "temporal_patch_size": 2, "out_hidden_size": 3584,
              "num_position_embeddings": 2304, "deepstack_visual_indexes": [8, 16, 24]},
    before=_embedding,
    block=sequence(norm("norm1", bias=True), attention(bias=True, causal=False), norm("norm2", bias=True), plain_mlp()),
    after=_mergers,
)  # fmt: skip

QWEN3_5 = tower(
    fields=FIELDS,
    defaults={"depth": 27, "hidden_size": 1152, "intermediate_size": 4304, "num_heads": 16, "in_channels": 3,
              "patch_size": 16, "spatial_merge_size": 2, "temporal_patch_size": 2, "out_hidden_size": 3584,
              "num_position_embeddings": 2304},
    before=_embedding,
    block=sequence(norm("norm1", bias=True), attention(bias=True, causal=False), norm("norm2", bias=True), plain_mlp()),
    after=_mergers,
)  # fmt: skip


def _embedding_2(config: Config, whole: Config) -> tuple[Operator, ...]:
    channels = "in_channels" if config.raw("in_channels") is not None else "in_chans"
    return patches(config, bias=False, channels=channels, frames=side(config, "temporal_patch_size"))


def _merger_2(config: Config, whole: Config) -> tuple[Operator, ...]:
    """Qwen2-VL: ``hidden_size`` is the text model's, ``embed_dim`` the tower's."""
    width = config.hidden
    merged = width * config.integer("spatial_merge_size") ** 2
    return (
        layer_norm("merger.norm", width),
        linear("merger.up", merged, merged),
        linear("merger.down", merged, config.document.get("hidden_size") or text_hidden(whole)),
    )


def _merger_2_5(config: Config, whole: Config) -> tuple[Operator, ...]:
    merged = config.hidden * config.integer("spatial_merge_size") ** 2
    return (
        layer_norm("merger.norm", config.hidden, bias=False),
        linear("merger.up", merged, merged),
        linear("merger.down", merged, config.integer("out_hidden_size")),
    )


def _ratio_width(config: Config, layer: int) -> int:
    return int(config.hidden * config.number("mlp_ratio", 4))


def _window(config: Config, layer: int) -> int | None:
    """Patches in a window, but for the layers that see all."""
    if layer in config.integers("fullatt_block_indexes"):
        return None
    return (config.integer("window_size") // side(config, "patch_size")) ** 2


QWEN2_VL = tower(
    fields={**FIELDS, "hidden_size": "embed_dim"},
    defaults={"depth": 32, "embed_dim": 1280, "num_heads": 16, "in_channels": 3, "patch_size": 14,
              "spatial_merge_size": 2, "temporal_patch_size": 2},
    before=_embedding_2,
    block=sequence(norm("norm1", bias=True), attention(bias=True, causal=False), norm("norm2", bias=True),
                   plain_mlp(width=_ratio_width)),
    after=_merger_2,
    optional=True,
)  # fmt: skip

QWEN2_5_VL = tower(
    fields=FIELDS,
    defaults={"depth": 32, "hidden_size": 3584, "intermediate_size": 3420, "num_heads": 16, "in_channels": 3,
              "patch_size": 14, "spatial_merge_size": 2, "temporal_patch_size": 2, "out_hidden_size": 3584,
              "window_size": 112, "fullatt_block_indexes": [7, 15, 23, 31]},
    before=_embedding_2,
    block=sequence(norm("norm1"), attention(bias=True, causal=False, window=_window), norm("norm2"),
                   gated_mlp(bias=True)),
    after=_merger_2_5,
    optional=True,
)  # fmt: skip
