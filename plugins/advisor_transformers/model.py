"""Makes a model of a module that is traced at two lengths: what grows with the tokens is a token's share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from advisor.errors import InputError, ModelFileError
from advisor.formats import ALIASES, CODES
from advisor.models import Layer, Model
from advisor.operators import Attention, Elementwise, ExpertMatMul, MatMul, Operator
from advisor.records import replace
from advisor_graph.layers import to_layers
from advisor_graph.operators import Product, SampleAttention
from advisor_graph.placed import Placed
from advisor_torch.trace import Collector, collect
from advisor_transformers.inputs import is_text, other_inputs, sizes, text_inputs, whole
from advisor_transformers.modules import walk_modules


def to_model(module: Any, document: Mapping[str, Any], origin: str, name: str) -> Model:
    """Trace the module and return the model; where it cannot be traced, one of its modules' shapes alone."""
    notes = [f"built by transformers as {type(module).__name__} on the meta device"]
    text = is_text(module)
    try:
        placed, weights = _of_text(module, notes) if text else _of_sample(module)
    except InputError as error:
        notes.append(f"{str(error)[:200]}; its modules are counted one by one, each once a token")
        placed, weights = walk_modules(module)
    unused = [weight for weight in weights if weight.trainable and not weight.claimed]
    if unused:
        rest = Placed("unused", "Unused")
        rest.stored("weights", unused)
        placed.append(rest)
        if sum(weight.elements for weight in unused) > 0.01 * sum(weight.elements for weight in weights):
            notes.append("parts that this input does not reach hold parameters and are not in the FLOPs")
    fmt = _format(document)
    layers = tuple(_stacked(layer, module) for layer in to_layers(_plain(placed), fmt))
    total = sum(layer.parameters for layer in layers)
    wanted = sum(parameter.numel() for parameter in module.parameters())
    if total != wanted:
        raise ModelFileError(
            f"{origin}: counted {total} parameters where transformers has {wanted}; please report this"
        )
    config = _text_config(module.config)
    heads = getattr(config, "num_attention_heads", None)
    return Model(
        name=name,
        family=str(document["model_type"])[:60],
        layers=layers,
        unit="token" if text else "sample",
        generates=bool(text and module.can_generate()),
        weight_format=fmt,
        cache_format="fp16" if fmt == "fp16" else "bf16",
        hidden_size=whole(getattr(config, "hidden_size", 0)),
        blocks=max(1, whole(getattr(config, "num_hidden_layers", 1))),
        vocabulary=whole(getattr(config, "vocab_size", 0)) if text else 0,
        reader="transformers",
        source=origin,
        max_context=whole(getattr(config, "max_position_embeddings", 0)) or None,
        tensor_parallel_limit=max(1, whole(heads)),
        notes=tuple(notes),
    )


def _text_config(config: Any) -> Any:
    found = getattr(config, "get_text_config", None)
    return found() if callable(found) else config


def _format(document: Mapping[str, Any]) -> str:
    """The format that the file says its weights are in; 16 bits where it says nothing, as published ones are."""
    text = document.get("text_config")
    inner = text if isinstance(text, Mapping) else {}
    for found in (document.get("dtype"), document.get("torch_dtype"), inner.get("dtype"), inner.get("torch_dtype")):
        if isinstance(found, str) and (found in ALIASES or found in CODES):
            return ALIASES.get(found, found)
    return "bf16"


def _plain(placed: list[Placed]) -> list[Placed]:
    """The module was built in 32 bits whatever the file is in: its weights are in the model's format."""
    return [replace(one, operators=[replace(op, native_format=None) for op in one.operators]) for one in placed]


def _stacked(layer: Layer, module: Any) -> Layer:
    """The encoder of an encoder-decoder runs once a request."""
    two = getattr(module.config, "is_encoder_decoder", False)
    return replace(layer, stack="encoder") if two and ".encoder." in f".{layer.name}" else layer


def _of_sample(module: Any) -> tuple[list[Placed], list[Any]]:
    found = collect(module, other_inputs(module))
    return found.placed, [value.weights[0] for value in found.stored.values()]


def _of_text(module: Any, notes: list[str]) -> tuple[list[Placed], list[Any]]:
    """Two traces, operator by operator."""
    short, long = sizes(module)
    first, second = (collect(module, text_inputs(module, length)) for length in (short, long))
    notes += list(first.notes)
    same = [one.name for one in first.placed] == [one.name for one in second.placed] and all(
        list(map(type, a.operators)) == list(map(type, b.operators))
        for a, b in zip(first.placed, second.placed, strict=True)
    )
    if not same:
        raise InputError(f"{type(module).__name__} does other work on {long} tokens than on {short}")
    kv_heads = whole(getattr(_text_config(module.config), "num_key_value_heads", 0))
    causal = module.can_generate()
    head = _head(module)
    answer = []
    for a, b in zip(first.placed, second.placed, strict=True):
        operators = [_per_token(x, y, short, causal, kv_heads) for x, y in zip(a.operators, b.operators, strict=True)]
        if causal and head and a.name == head:
            operators = [replace(op, last_unit_only=True, split="vocabulary") if isinstance(op, MatMul) else op
                         for op in operators]  # fmt: skip
        answer.append(Placed(a.name, a.kind, operators, a.weights))
    return answer, [value.weights[0] for value in _both(first, second)]


def _both(first: Collector, second: Collector) -> list[Any]:
    return list(first.stored.values())


def _head(module: Any) -> str:
    """Path of the product that scores the vocabulary."""
    found = module.get_output_embeddings()
    return next((path for path, child in module.named_modules() if child is found), "") if found is not None else ""


def _per_token(a: Operator, b: Operator, length: int, causal: bool, kv_heads: int) -> Operator:
    """One token's share of an operator, from what it is on ``length`` tokens and on twice as many."""
    if isinstance(a, SampleAttention) and isinstance(b, SampleAttention):
        grouped = kv_heads if kv_heads and a.heads % kv_heads == 0 else a.kv_heads
        limit = None if b.keys > a.keys else a.keys
        return Attention(
            name=a.name,
            heads=a.heads,
            kv_heads=grouped,
            key_width=a.key_width,
            value_width=a.value_width,
            causal=causal,
            positions=max(1, a.positions // length),
            attended_limit=limit,
            saved_elements=a.saved_elements // length,
        )
    if isinstance(a, Product) and isinstance(b, Product):
        return _of_products(a, b, length, causal, kv_heads)
    if isinstance(a, ExpertMatMul) and a.positions % length == 0:
        return replace(
            a, experts_per_unit=a.positions // length, positions=1, saved_elements=a.saved_elements // length
        )
    if isinstance(a, Elementwise) and isinstance(b, Elementwise):
        return replace(a, elements=max(0, b.elements - a.elements) // length, saved_elements=a.saved_elements // length)
    if a.positions % length == 0 and b.positions == 2 * a.positions:
        return replace(a, positions=a.positions // length, saved_elements=a.saved_elements // length)
    return a


def _of_products(a: Product, b: Product, length: int, causal: bool, kv_heads: int) -> Operator:
    """Scores and weighted sums that the architecture writes as two products are halves of an attention."""
    if a.positions == length and b.outputs == 2 * a.outputs == 2 * length and a.inputs == b.inputs:
        widths = (a.inputs, 0)
    elif a.positions == length and b.inputs == 2 * a.inputs == 2 * length and a.outputs == b.outputs:
        widths = (0, a.outputs)
    else:
        rows = a.positions // length if a.positions % length == 0 and b.positions == 2 * a.positions else a.positions
        return replace(a, positions=max(1, rows), saved_elements=a.saved_elements // length)
    grouped = kv_heads if kv_heads and a.copies % kv_heads == 0 else a.copies
    return Attention(name="attention", heads=a.copies, kv_heads=grouped, key_width=widths[0], value_width=widths[1],
                     causal=causal, saved_elements=a.saved_elements // length)  # fmt: skip
