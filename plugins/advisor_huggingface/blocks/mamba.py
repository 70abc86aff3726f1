"""State-space layers: Mamba (Gu and Dao 2023) and Mamba-2 (Dao and Gu 2024)."""

from __future__ import annotations

from advisor.operators import Elementwise, MatMul, Operator, Recurrence
from advisor_huggingface.blocks.linear_attention import CHUNK, short_convolution
from advisor_huggingface.config import Config
from advisor_huggingface.family import Block, Setting, Size, enabled, size


def mamba2(
    *,
    heads: Size = "mamba_n_heads",
    width: Size = "mamba_d_head",
    state: Size = "mamba_d_state",
    groups: Size = "mamba_n_groups",
    kernel: Size = "mamba_d_conv",
    bias: Setting = "mamba_proj_bias",
    convolution_bias: Setting = "mamba_conv_bias",
    norm: Setting = True,
    own_per_head: int = 3,
    norm_gate_after: bool = True,
) -> Block:
    """A Mamba-2 mixer: one product in, a short convolution, the scan, a gated norm, one product out.

    A token adds an outer product of ``width x state`` to each head's state and reads it once: 4 FLOPs an
    element. State: that matrix a head and ``kernel - 1`` tokens of the convolution. A, D and the step
    bias are three values a head.
    """

    def build(config: Config, layer: int) -> tuple[Operator, ...]:
        count, each = size(heads, config, layer), size(width, config, layer)
        inner, taps = count * each, size(kernel, config, layer)
        mixed = inner + 2 * size(groups, config, layer) * size(state, config, layer)
        elements, biased = inner * size(state, config, layer), enabled(bias, config, layer)
        normed = enabled(norm, config, layer)
        return (
            MatMul(name="in_proj", inputs=config.hidden, outputs=inner + mixed + count, bias=biased, split="columns",
                   saved_elements=config.hidden),
            short_convolution(mixed, taps, enabled(convolution_bias, config, layer)),
            Recurrence(name="scan", state_width=elements + (taps - 1) * mixed, flops_each=4 * elements,
                       activation_width=mixed + inner + count, parameters_own=own_per_head * count,
                       saved_elements=mixed + count + elements // CHUNK),
            Elementwise(name="gated_norm", elements=3 * inner, parameters_own=inner if normed else 0, split="heads",
                        saved_elements=2 * inner),
            MatMul(name="out_proj", inputs=inner, outputs=config.hidden, bias=biased, split="rows",
                   saved_elements=inner),
        )  # fmt: skip

    return build


def mamba1(
    *,
    inner: Size,
    state: Size = "state_size",
    step_rank: Size = "time_step_rank",
    kernel: Size = "conv_kernel",
    bias: Setting = "use_bias",
    convolution_bias: Setting = "use_conv_bias",
    norms: Setting = False,
) -> Block:
    """A Mamba mixer: a selective scan whose step, B and C come from the token; 6 FLOPs a state element."""

    def build(config: Config, layer: int) -> tuple[Operator, ...]:
        channels, width = size(inner, config, layer), size(state, config, layer)
        rank, taps = size(step_rank, config, layer), size(kernel, config, layer)
        biased = enabled(bias, config, layer)
        operators: list[Operator] = [
            MatMul(name="in_proj", inputs=config.hidden, outputs=2 * channels, bias=biased, split="columns",
                   saved_elements=config.hidden),
            short_convolution(channels, taps, enabled(convolution_bias, config, layer)),
            MatMul(name="x_proj", inputs=channels, outputs=rank + 2 * width, split="rows", saved_elements=channels),
        ]  # fmt: skip
        if enabled(norms, config, layer):
            operators.append(Elementwise(name="step_norms", elements=2 * (rank + 2 * width),
                                         parameters_own=rank + 2 * width, saved_elements=rank + 2 * width))  # fmt: skip
        operators += [
            MatMul(name="dt_proj", inputs=rank, outputs=channels, bias=True, split="columns", saved_elements=rank),
            Recurrence(name="scan", state_width=channels * width + (taps - 1) * channels,
                       flops_each=6 * channels * width, activation_width=4 * channels + 2 * width,
                       parameters_own=channels * width + channels,
                       saved_elements=2 * channels + 2 * width + channels * width // CHUNK),
            Elementwise(name="gate", elements=3 * channels, split="columns", saved_elements=2 * channels),
            MatMul(name="out_proj", inputs=channels, outputs=config.hidden, bias=biased, split="rows",
                   saved_elements=channels),
        ]  # fmt: skip
        return tuple(operators)

    return build
