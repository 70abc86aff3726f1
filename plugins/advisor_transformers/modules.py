"""Counts the modules of an architecture that cannot be traced, each once a token."""

from __future__ import annotations

from typing import Any

from advisor.operators import Attention, Embedding, MatMul
from advisor_graph.placed import Placed
from advisor_graph.weights import Weight
from advisor_transformers.inputs import whole


def walk_modules(module: Any) -> tuple[list[Placed], list[Weight]]:
    """Return a place for each module with parameters of its own, and an attention for each block."""
    import torch

    held: dict[int, Weight] = {}
    placed: list[Placed] = []
    config = module.config.get_text_config()
    heads = whole(getattr(config, "num_attention_heads", 0))
    kv_heads = whole(getattr(config, "num_key_value_heads", 0)) or heads
    hidden = whole(getattr(config, "hidden_size", 0))
    width = whole(getattr(config, "head_dim", 0)) or (hidden // heads if heads else 0)
    for path, child in module.named_modules():
        own = list(child.named_parameters(recurse=False))
        kind = type(child).__name__
        place = Placed(path or kind, kind)
        fresh = {}
        for name, tensor in own:
            if id(tensor) not in held:
                held[id(tensor)] = fresh[name] = Weight(f"{path}.{name}", tensor.numel(), "fp32")
        if isinstance(child, torch.nn.Linear):
            op = MatMul(name="kernel", inputs=child.in_features, outputs=child.out_features, split="columns")
            place.product(op, place.claim(_held(fresh, "weight")), place.claim(_held(fresh, "bias")))
        elif isinstance(child, torch.nn.Embedding) and "weight" in fresh:
            place.operators.append(Embedding(name="table", rows=child.num_embeddings, width=child.embedding_dim))
            place.hold(list(fresh.values()))
        elif fresh:
            place.stored(kind.lower(), list(fresh.values()), elements=2 * max(w.elements for w in fresh.values()))
        if (
            heads
            and width
            and "attention" in kind.lower()
            and any(isinstance(part, torch.nn.Linear) for part in child.children())
        ):
            place.operators.append(Attention(name="attention", heads=heads, kv_heads=kv_heads, key_width=width,
                                             value_width=width, causal=module.can_generate()))  # fmt: skip
        if place.operators:
            placed.append(place)
    return placed, list(held.values())


def _held(fresh: dict[str, Weight], name: str) -> list[Weight]:
    return [fresh[name]] if name in fresh else []
