"""Linear attention with a matrix state: gated delta networks (Yang et al. 2024) and their kin."""

from __future__ import annotations

from advisor.operators import Convolution, Elementwise, MatMul, Operator, Recurrence
from advisor_huggingface.config import Config
from advisor_huggingface.family import Block, Setting, Size, enabled, size

#: Tokens that kernels work on at once; one state a chunk is kept for the backward pass.
CHUNK = 64


def short_convolution(channels: int, kernel: int, bias: bool = False) -> Convolution:
    """A causal depthwise convolution over the last ``kernel`` tokens."""
    return Convolution(
        name="convolution", inputs=kernel * channels, outputs=channels, groups=channels, bias=bias,
        input_elements=channels, quantizable=False, split="columns", saved_elements=channels,
    )  # fmt: skip


def gated_delta_net(
    *,
    key_heads: Size = "linear_num_key_heads",
    value_heads: Size = "linear_num_value_heads",
    key_width: Size = "linear_key_head_dim",
    value_width: Size = "linear_value_head_dim",
    kernel: Size = "linear_conv_kernel_dim",
) -> Block:
    """Gated delta rule with a short convolution and a gated norm.

    A token reads the state with its key, corrects it along that key and reads it with its query: three
    products of ``key_width x value_width`` a value head, 6 FLOPs an element. State: that matrix a value
    head and ``kernel - 1`` tokens of the convolution.
    """

    def build(config: Config, layer: int) -> tuple[Operator, ...]:
        heads, groups = size(value_heads, config, layer), size(key_heads, config, layer)
        if heads % groups:
            raise config.error("linear_num_value_heads", f"{heads} is not divisible by linear_num_key_heads {groups}")
        key, value = size(key_width, config, layer), size(value_width, config, layer)
        mixed, inner = 2 * groups * key + heads * value, heads * value
        taps, state = size(kernel, config, layer), heads * key * value
        return (
            MatMul(name="in_proj", inputs=config.hidden, outputs=mixed + inner, split="columns",
                   saved_elements=config.hidden),
            MatMul(name="in_proj.gates", inputs=config.hidden, outputs=2 * heads, split="columns"),
            short_convolution(mixed, taps),
            Recurrence(name="delta_rule", state_width=state + (taps - 1) * mixed, flops_each=6 * state,
                       activation_width=mixed + inner + 2 * heads, parameters_own=2 * heads,
                       saved_elements=mixed + inner + 2 * heads + state // CHUNK),
            Elementwise(name="gated_norm", elements=3 * inner, parameters_own=value, split="heads",
                        saved_elements=2 * inner),
            MatMul(name="out_proj", inputs=inner, outputs=config.hidden, split="rows", saved_elements=inner),
        )  # fmt: skip

    return build


def lightning_attention(*, bias: Setting = False) -> Block:
    """Lightning attention (MiniMax-01, 2025): q, k, v of full heads, one decayed state a head, a gate and a norm."""

    def build(config: Config, layer: int) -> tuple[Operator, ...]:
        heads = config.integer("num_attention_heads")
        width = config.optional("head_dim") or config.divided("hidden_size", "num_attention_heads")
        inner, biased = heads * width, enabled(bias, config, layer)
        state = heads * width * width
        return (
            MatMul(name="qkv", inputs=config.hidden, outputs=3 * inner, bias=biased, split="columns",
                   saved_elements=config.hidden),
            Recurrence(name="lightning_attention", state_width=state, flops_each=4 * state, activation_width=4 * inner,
                       saved_elements=4 * inner + state // CHUNK),
            Elementwise(name="norm", elements=2 * inner, parameters_own=inner, split="heads", saved_elements=inner),
            MatMul(name="output_gate.product", inputs=config.hidden, outputs=inner, bias=biased, split="columns"),
            Elementwise(name="output_gate", elements=3 * inner, split="heads", saved_elements=2 * inner),
            MatMul(name="out_proj", inputs=inner, outputs=config.hidden, bias=biased, split="rows",
                   saved_elements=inner),
        )  # fmt: skip

    return build
