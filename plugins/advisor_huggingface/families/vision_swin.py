"""Swin: attention within windows, patches merged between stages (Liu et al. 2021)."""

from __future__ import annotations

from advisor.models import Layer
from advisor.operators import Convolution, Elementwise, MatMul, Operator
from advisor_huggingface.assembly import grouped
from advisor_huggingface.blocks.convolution import Map, image, normed, pointwise
from advisor_huggingface.config import MOST_LAYERS, Config
from advisor_huggingface.family import Family
from advisor_huggingface.network import Network, end, labels, task
from advisor_huggingface.samples import FixedKeysAttention


def _product(name: str, given: Map, outputs: int, bias: bool, split: str = "none", inputs: int = 0) -> MatMul:
    return MatMul(name=name, inputs=inputs or given.channels, outputs=outputs, bias=bias, positions=given.positions,
                  split=split, saved_elements=given.positions * (inputs or given.channels))  # type: ignore[arg-type]  # fmt: skip


def _block(config: Config, given: Map, heads: int, shifted: bool) -> tuple[Operator, ...]:
    """Attention within windows, to whose multiples the map is padded, and a plain network.

    Scores get a learned bias, so that they are written out; ``shifted`` blocks roll the map and back.
    """
    if given.channels % heads:
        raise config.error("num_heads", f"{heads} does not divide the {given.channels} channels of the stage")
    window = config.integer("window_size")
    edge = min(window, given.height, given.width)
    padded = Map(given.channels, -(-given.height // edge) * edge, -(-given.width // edge) * edge)
    width, biased = given.channels // heads, config.flag("qkv_bias", True)
    inner = int(config.number("mlp_ratio", 4) * given.channels)
    wide = Map(inner, given.height, given.width)
    shift = (pointwise("shift", padded),) if shifted and edge < max(padded.height, padded.width) else ()
    scored = Map(heads * edge * edge, padded.height, padded.width)
    return (
        normed("norm1", given),
        *shift,
        pointwise("windows", padded),
        _product("qkv", padded, 3 * given.channels, biased, "columns"),
        FixedKeysAttention(name="attention", heads=heads, kv_heads=heads, key_width=width, value_width=width,
                           positions=padded.positions, keys=edge * edge, parameters_own=(2 * window - 1) ** 2 * heads,
                           saved_elements=4 * padded.elements),
        pointwise("score_bias", scored),
        pointwise("softmax", scored),
        _product("o", padded, given.channels, True, "rows"),
        pointwise("merged_windows", padded),
        *shift,
        pointwise("addition1", given, 2),
        normed("norm2", given),
        _product("up", given, inner, True, "columns"),
        pointwise("activation", wide),
        _product("down", wide, given.channels, True, "rows"),
        pointwise("addition2", given, 2),
    )  # fmt: skip


def _network(config: Config) -> Network:
    depths, heads = config.integers("depths"), config.integers("num_heads")
    if len(heads) != len(depths) or not depths or not 0 < min(depths) <= sum(depths) <= MOST_LAYERS or not min(heads):
        raise config.error("depths", f"must give at least one block for each of the {len(heads)} num_heads")
    pixels, patch, width = image(config), config.integer("patch_size"), config.integer("embed_dim")
    made = Map(width, -(-pixels.height // patch), -(-pixels.width // patch))
    positions = made.elements if config.flag("use_absolute_embeddings") else 0
    first = (
        Convolution(name="patch_embedding", inputs=patch * patch * pixels.channels, outputs=width, bias=True,
                    positions=made.positions, input_elements=pixels.elements, saved_elements=pixels.elements),
        normed("norm", made),
        *((Elementwise(name="positions", elements=3 * made.elements, parameters_own=positions),) if positions else ()),
    )  # fmt: skip
    layers = [end("embedding", first)]
    for stage, depth in enumerate(depths):
        blocks = [_block(config, made, heads[stage], shifted=index % 2 == 1) for index in range(depth)]
        layers += grouped(blocks, prefix=f"stage{stage}", kind="stage")
        if stage < len(depths) - 1:
            merged = Map(4 * made.channels, -(-made.height // 2), -(-made.width // 2))
            half = _product("merging", merged, 2 * made.channels, False)
            layers.append(Layer(name=f"stage{stage}.downsampling", kind="downsampling",
                                operators=(normed("norm", merged), half)))  # fmt: skip
            made = Map(2 * made.channels, merged.height, merged.width)
    pooled = Elementwise(name="mean_pool", elements=made.elements + made.channels)
    last: tuple[Operator, ...] = (normed("norm", made), pooled)
    if task(config) == "ImageClassification":
        last = (*last, MatMul(name="classifier", inputs=made.channels, outputs=labels(config), bias=True,
                              quantizable=False, saved_elements=made.channels))  # fmt: skip
    return Network(layers=(*layers, end("output", last)), unit="sample", hidden_size=made.channels, blocks=sum(depths),
                   heads=min(heads), sample_elements=pixels.elements)  # fmt: skip


SWIN = Family(
    name="swin", model_types=("swin",), network=_network,
    defaults={"patch_size": 4, "embed_dim": 96, "depths": [2, 2, 6, 2], "num_heads": [3, 6, 12, 24], "window_size": 7},
)  # fmt: skip
FAMILIES = (SWIN,)
