"""Feed-forward parts of a block: dense, routed experts, shared experts."""

from __future__ import annotations

import re

from advisor.operators import Elementwise, Operator
from advisor_gguf.block import Block
from advisor_tensors import Tensor, packed_product, product, vectors

_OLD_EXPERT = re.compile(r"^(ffn_(?:gate|up|down))\.(\d+)\.weight$")


def feed_forward(block: Block) -> list[Operator]:
    """All feed-forward operators that the block has."""
    _merge_old_experts(block)
    return _dense(block, "", "") + _routed(block) + _dense(block, "_shexp", "shared_expert.")


def _dense(block: Block, suffix: str, prefix: str) -> list[Operator]:
    gate, up, down = (f"ffn_{part}{suffix}" for part in ("gate", "up", "down"))
    if up not in block or down not in block:
        return []
    first = [role for role in (gate, up) if role in block]
    weights, biases = block.weights(*first), block.biases(*first)
    last, last_bias = block.weights(down), block.biases(down)
    hidden, inner = weights[0].shape[0], last[0].shape[0]
    gated = sum(tensor.values for tensor in weights) // hidden == 2 * inner  # some store gate and up as one
    names = [f"{prefix}{role.split('_')[1]}" for role in first]
    operators = product(f"{prefix}{'gate_up' if gated else 'up'}", weights, biases, inputs=hidden, split="columns",
                        saved=0 if suffix else hidden, names=names)  # fmt: skip
    operators.append(Elementwise(name=f"{prefix}activation", elements=(3 if gated else 2) * inner, split="columns",
                                 saved_elements=(2 if gated else 1) * inner))  # fmt: skip
    operators += vectors("mlp_sub_norm", block.weights("ffn_sub_norm")) if not suffix else []
    operators += product(f"{prefix}down", last, last_bias, inputs=inner, split="rows", saved=inner)
    if suffix:
        gates = block.weights("ffn_gate_inp_shexp")
        if gates:
            operators += product("shared_expert.gate", gates, inputs=gates[0].values, quantizable=False)
    return operators


def _routed(block: Block) -> list[Operator]:
    roles = [role for role in ("ffn_gate_up_exps", "ffn_gate_exps", "ffn_up_exps") if role in block]
    if not roles or "ffn_down_exps" not in block:
        return []
    count = block.whole("expert_count")
    each = block.whole("expert_used_count")
    if not 0 < each <= count:
        raise block.metadata.fail("expert_used_count", f"is {each} of {count} experts; expected from 1 to expert_count")
    weights, biases = block.weights(*roles), block.biases(*roles)
    last, last_bias = block.weights("ffn_down_exps"), block.biases("ffn_down_exps")
    if any(tensor.shape[-1] != count or len(tensor.shape) != 3 for tensor in weights + last):
        raise block.metadata.fail("expert_count", f"is {count}, but the experts of block {block.index} are of shape "
                                  f"{list(weights[0].shape)}")  # fmt: skip
    hidden, inner = weights[0].shape[0], last[0].shape[0]
    gated = sum(tensor.values for tensor in weights) == 2 * inner * hidden * count
    factor = 2 if gated else 1
    operators: list[Operator] = []
    router = block.weights("ffn_gate_inp")
    if router:
        operators += product("router", router, block.biases("ffn_gate_inp"), inputs=router[0].shape[0],
                             quantizable=False, saved=hidden + count)  # fmt: skip
    operators += vectors("router.correction", block.weights("exp_probs_b", "exp_probs_b.bias"), elements=2 * count)
    operators += packed_product("experts.gate_up" if gated else "experts.up", weights, biases, experts=count,
                                each=each, inputs=hidden, saved=each * hidden)  # fmt: skip
    operators.append(Elementwise(name="experts.activation", elements=each * (factor + 1) * inner, split="experts",
                                 saved_elements=each * factor * inner))  # fmt: skip
    operators += packed_product("experts.down", last, last_bias, experts=count, each=each, inputs=inner,
                                saved=each * inner)  # fmt: skip
    operators.append(Elementwise(name="experts.combine", elements=(each + 1) * hidden, saved_elements=each * hidden))
    return operators


def _merge_old_experts(block: Block) -> None:
    """Files from before 2024 keep each expert as a tensor of its own."""
    found: dict[str, list[Tensor]] = {}
    for role in list(block.tensors):
        match = _OLD_EXPERT.match(role)
        if match:
            found.setdefault(match[1], []).append(block.tensors.pop(role))
    for role, members in found.items():
        first = members[0]
        if len({(tensor.shape, tensor.type) for tensor in members}) > 1:
            block.tensors.update({f"{role}.{number}.weight": tensor for number, tensor in enumerate(members)})
            continue
        block.tensors[f"{role}_exps.weight"] = Tensor(
            f"{role}_exps", (*first.shape, len(members)), first.type, first.format,
            len(members) * first.values, len(members) * first.bytes,
        )  # fmt: skip
