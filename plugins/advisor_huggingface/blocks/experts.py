"""Mixtures of experts: router, routed experts, shared experts."""

from __future__ import annotations

from advisor.operators import Elementwise, ExpertMatMul, MatMul, Operator
from advisor_huggingface.blocks.mlp import gated_mlp, plain_mlp
from advisor_huggingface.config import Config
from advisor_huggingface.family import Block, Setting, Size, enabled, size


def experts(
    *,
    count: Size = "num_experts",
    chosen: Size = "num_experts_per_tok",
    width: Size = "moe_intermediate_size",
    bias: Setting = False,
    gated: bool = True,
    router_bias: Setting = False,
    router_parameters: Size = 0,
    shared_width: Size | None = None,
    shared_bias: Setting = False,
    shared_gate: Setting = False,
    inputs: Size = "hidden_size",
    router_inputs: Size = "hidden_size",
    identity_experts: Size = 0,
) -> Block:
    """A router that gives each token ``chosen`` of ``count`` experts, beside an optional shared expert.

    ``shared_width`` is the width of all shared experts together. ``router_parameters`` are learned values
    of the router beside its product. ``identity_experts`` can be chosen too but do nothing. Routers stay
    unquantized. In training each chosen expert keeps its own copy of the token and of its output.
    """

    def build(config: Config, layer: int) -> tuple[Operator, ...]:
        outer, hidden = size(router_inputs, config, layer), size(inputs, config, layer)
        number, each, inner = size(count, config, layer), size(chosen, config, layer), size(width, config, layer)
        idle = size(identity_experts, config, layer, least=0)
        if each > number + idle:
            raise config.error(chosen if isinstance(chosen, str) else "num_experts_per_tok",
                               f"{each} experts a token of {number}")  # fmt: skip
        each = min(each, number)
        biased = enabled(bias, config, layer)
        factor = 2 if gated else 1
        operators: list[Operator] = [
            MatMul(name="router", inputs=outer, outputs=number + idle, bias=enabled(router_bias, config, layer),
                   quantizable=False, saved_elements=outer + number,
                   extra_parameters=size(router_parameters, config, layer, least=0)),
            ExpertMatMul(name="experts.gate_up" if gated else "experts.up", inputs=hidden, outputs=factor * inner,
                         bias=biased, experts=number, experts_per_unit=each, saved_elements=each * hidden),
            Elementwise(name="experts.activation", elements=each * (factor + 1) * inner, split="experts",
                        saved_elements=each * factor * inner),
            ExpertMatMul(name="experts.down", inputs=inner, outputs=hidden, bias=biased, experts=number,
                         experts_per_unit=each, saved_elements=each * inner),
            Elementwise(name="experts.combine", elements=(each + 1) * hidden, saved_elements=each * hidden),
        ]  # fmt: skip
        if shared_width is not None:
            make = gated_mlp if gated else plain_mlp
            operators += make(width=shared_width, bias=shared_bias, prefix="shared_expert.",
                              inputs=router_inputs, saves_input=False)(config, layer)  # fmt: skip
            if enabled(shared_gate, config, layer):
                operators.append(MatMul(name="shared_expert.gate", inputs=outer, outputs=1, quantizable=False))
        return tuple(operators)

    return build
