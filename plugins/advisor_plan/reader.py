"""The reader: sizes in, a decoder out."""

from __future__ import annotations

from typing import Any

from advisor.interfaces import ModelReader, ModelSource
from advisor.models import Model
from advisor.records import replace
from advisor_plan.shape import Shape, complete
from advisor_plan.sizes import OPTIONS, read_sizes


class PlanReader(ModelReader):
    """Makes a decoder from options alone: ``params_b``, ``layers``, ``hidden_size`` and so on (see ``OPTIONS``)."""

    name = "plan"
    doc = "sizes instead of a file: params_b (70), layers, hidden_size, heads, kv_heads, experts and so on"

    def claims(self, source: ModelSource) -> bool:
        if source.path is not None or source.given_document is not None:
            return False
        return any(source.options.get(name) not in (None, "") for name in OPTIONS)

    def read(self, source: ModelSource) -> Model:
        """Make the model; raises ``InputError`` with the size that contradicts the others."""
        shape = complete(read_sizes(source.options, source.name), source.name)
        model = _assembled(shape, source.name)
        return replace(model, family="plan", reader="plan", notes=shape.notes)


def _assembled(shape: Shape, name: str) -> Model:
    from advisor_huggingface.assembly import assemble
    from advisor_huggingface.blocks.attention import attention
    from advisor_huggingface.blocks.experts import experts
    from advisor_huggingface.blocks.mlp import gated_mlp, plain_mlp
    from advisor_huggingface.blocks.norms import norm
    from advisor_huggingface.family import Family, sequence

    sizes = shape.sizes
    if sizes.experts:
        feed_forward = experts(width="intermediate_size", gated=shape.gated)
    else:
        feed_forward = gated_mlp() if shape.gated else plain_mlp(bias=False)
    family = Family(
        name="plan", model_types=(),
        layer=sequence(norm("input_norm"), attention(), norm("post_attention_norm"), feed_forward),
    )  # fmt: skip
    document: dict[str, Any] = {
        "hidden_size": sizes.hidden_size, "num_hidden_layers": sizes.layers, "num_attention_heads": sizes.heads,
        "num_key_value_heads": sizes.kv_heads, "intermediate_size": sizes.intermediate_size,
        "vocab_size": sizes.vocab, "tie_word_embeddings": shape.tied, "torch_dtype": "bfloat16",
    }  # fmt: skip
    if sizes.experts:
        document |= {"num_experts": sizes.experts, "num_experts_per_tok": sizes.experts_per_token}
    return assemble(family, document, document, name, name)
