"""Recurrent parts of a block: Mamba, Mamba-2, gated delta rule, Kimi's delta attention, RWKV, short convolutions.

Work and state of each as in its paper: Gu and Dao 2023, Dao and Gu 2024, Yang et al. 2024, Peng et al. 2024.
"""

from __future__ import annotations

from advisor.operators import Convolution, Elementwise, Operator, Recurrence
from advisor_gguf.block import Block
from advisor_tensors import Tensor, product, vectors

CHUNK = 64  # tokens that kernels work on at once; one state a chunk is kept for the backward pass


def recurrent(block: Block) -> list[Operator]:
    """Operators of the block's recurrent part; none where it has none."""
    if "ssm_conv1d_q" in block:
        return _kimi(block)
    if "ssm_conv1d" in block and ("ssm_ba" in block or "ssm_beta" in block):
        return _gated_delta(block)
    if "ssm_conv1d" in block:
        return _mamba1(block) if "ssm_x" in block else _mamba2(block)
    if "shortconv.conv" in block:
        return _short(block)
    return _rwkv(block) if "time_mix_key" in block else []


def _convolution(block: Block, role: str, name: str = "convolution") -> tuple[list[Operator], int, int]:
    """A causal depthwise convolution; its channels and taps."""
    weights, biases = block.weights(role), block.biases(role)
    shape = [extent for extent in weights[0].shape if extent > 1] or [1]
    taps, channels = shape[0], weights[0].values // shape[0]
    fused = [tensor.format for tensor in biases] == [weights[0].format] and biases[0].values == channels
    operators: list[Operator] = [Convolution(
        name=name, inputs=taps * channels, outputs=channels, groups=channels, bias=fused, input_elements=channels,
        quantizable=False, split="columns", saved_elements=channels, native_format=weights[0].format,
    )]  # fmt: skip
    return operators + ([] if fused else vectors(f"{name}.bias", biases, elements=0)), channels, taps


def _scan(name: str, own: list[Tensor], state: int, flops: int, width: int, kept: int, saved: int) -> list[Operator]:
    """The update of ``state`` values, and ``kept`` more of the convolution; own parameters by format."""
    first = own[0].format if own else "fp32"
    mine = [tensor for tensor in own if tensor.format == first]
    others = [tensor for tensor in own if tensor.format != first]
    return [Recurrence(name=name, state_width=state + kept, flops_each=flops, activation_width=width,
                       parameters_own=sum(tensor.values for tensor in mine), native_format=first,
                       saved_elements=saved + state // CHUNK), *vectors(f"{name}.own", others, elements=0)]  # fmt: skip


def _in(block: Block, name: str, *roles: str) -> list[Operator]:
    there = [role for role in roles if role in block]
    weights = block.weights(*there)
    if not weights:
        return []
    hidden = weights[0].shape[0]
    return product(name, weights, block.biases(*there), inputs=hidden, split="columns", saved=hidden,
                   names=[f"{name}.{role}" for role in there])  # fmt: skip


def _out(block: Block, role: str) -> list[Operator]:
    weights = block.weights(role)
    if not weights:
        return []
    return product("out_proj", weights, block.biases(role), inputs=weights[0].shape[0], split="rows",
                   saved=weights[0].shape[0])  # fmt: skip


def _mamba1(block: Block) -> list[Operator]:
    operators = _in(block, "in_proj", "ssm_in")
    convolution, channels, taps = _convolution(block, "ssm_conv1d")
    width, rank = block.whole("ssm.state_size"), block.whole("ssm.time_step_rank")
    operators += convolution
    for role, name in (("ssm_x", "x_proj"), ("ssm_dt", "dt_proj")):
        weights = block.weights(role)
        if weights:
            operators += product(name, weights, block.biases(role), inputs=weights[0].shape[0], saved=channels,
                                 split="rows" if role == "ssm_x" else "columns")  # fmt: skip
    norms = block.weights("ssm_dt_norm", "ssm_b_norm", "ssm_c_norm")
    operators += vectors("step_norms", norms)
    state = channels * width
    operators += _scan("scan", block.weights("ssm_a", "ssm_d"), state, 6 * state, 4 * channels + 2 * width,
                       (taps - 1) * channels, 2 * channels + 2 * width + rank)  # fmt: skip
    operators.append(Elementwise(name="gate", elements=3 * channels, split="columns", saved_elements=2 * channels))
    return operators + _out(block, "ssm_out")


def _mamba2(block: Block) -> list[Operator]:
    operators = _in(block, "in_proj", "ssm_in")
    convolution, mixed, taps = _convolution(block, "ssm_conv1d")
    inner, width = block.whole("ssm.inner_size"), block.whole("ssm.state_size")
    state, heads = inner * width, block.whole("ssm.time_step_rank")
    operators += convolution
    operators += _scan("scan", block.weights("ssm_a", "ssm_d", "ssm_dt.bias", "ssm_dt"), state, 4 * state,
                       mixed + inner + heads, (taps - 1) * mixed, mixed + heads)  # fmt: skip
    operators += _gated_norm(block, inner)
    return operators + _out(block, "ssm_out")


def _gated_norm(block: Block, inner: int) -> list[Operator]:
    tensors = block.weights("ssm_norm")
    if tensors:
        return vectors("gated_norm", tensors, elements=3 * inner, split="heads", saved_elements=2 * inner)
    return [Elementwise(name="gated_norm", elements=3 * inner, split="heads", saved_elements=2 * inner)]


def _gated_delta(block: Block) -> list[Operator]:
    operators = _in(block, "in_proj", "ssm_in", "attn_qkv", "attn_gate")
    operators += _in(block, "in_proj.gates", "ssm_ba", "ssm_beta", "ssm_alpha")
    convolution, mixed, taps = _convolution(block, "ssm_conv1d")
    inner, key, heads = (block.whole(f"ssm.{name}") for name in ("inner_size", "state_size", "time_step_rank"))
    state, width = inner * key, mixed + inner + 2 * heads
    operators += convolution
    operators += _scan("delta_rule", block.weights("ssm_a", "ssm_dt.bias", "ssm_dt"), state, 6 * state, width,
                       (taps - 1) * mixed, width)  # fmt: skip
    operators += _gated_norm(block, inner)
    return operators + _out(block, "ssm_out")


def _kimi(block: Block) -> list[Operator]:
    operators = _in(block, "qkv", "attn_q", "attn_k", "attn_v")
    kept = channels = 0
    for part in "qkv":
        if f"ssm_conv1d_{part}" in block:
            convolution, channels, taps = _convolution(block, f"ssm_conv1d_{part}", f"convolution_{part}")
            operators += convolution
            kept += (taps - 1) * channels
    width = block.whole("kda.head_dim")
    state = channels * width
    operators += _scan("delta_rule", block.weights("ssm_a", "ssm_dt.bias", "ssm_dt"), state, 6 * state, 5 * channels,
                       kept, 5 * channels)  # fmt: skip
    operators += _gated_norm(block, channels)
    return operators + _out(block, "attn_output")


def _short(block: Block) -> list[Operator]:
    operators = _in(block, "in_proj", "shortconv.in_proj")
    convolution, channels, taps = _convolution(block, "shortconv.conv")
    state = (taps - 1) * channels
    operators += [*convolution, Recurrence(name="convolution_state", state_width=state, flops_each=0),
                  Elementwise(name="gates", elements=6 * channels, saved_elements=4 * channels)]  # fmt: skip
    return operators + _out(block, "shortconv.out_proj")


def _rwkv(block: Block) -> list[Operator]:
    """Each head keeps a matrix of keys by values; two tokens' inputs are kept for the shifts."""
    width, hidden = block.whole("wkv.head_size"), block.metadata.hidden
    state = hidden * width
    flops = 8 if "time_mix_k_k" in block else 4  # version 7 also corrects the state along a key: two products more
    return _scan("wkv", block.weights("time_mix_first", "time_mix_r_k"), state, flops * state, 6 * hidden,
                 block.whole("token_shift_count", 2) * hidden, 6 * hidden)  # fmt: skip
