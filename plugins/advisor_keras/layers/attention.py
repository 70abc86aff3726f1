"""Attention layers: multi-head, grouped-query, dot-product and additive."""

from __future__ import annotations

from advisor.operators import Elementwise, MatMul, Operator
from advisor_graph.operators import SampleAttention
from advisor_keras.config import Config, Shape, TensorArgument, shown
from advisor_keras.result import Result, elements, layer, moved


def _query_value_key(config: Config, inputs: list[Shape]) -> tuple[Shape, Shape, Shape]:
    """Return the shapes of query, value and key: arguments in this order, or by keyword; key is value if absent."""
    found: dict[str, Shape] = dict(zip(("query", "value", "key"), inputs, strict=False))
    for name in ("query", "value", "key"):
        tensor = config.keywords.get(name)
        if isinstance(tensor, TensorArgument):
            found[name] = tensor.shape
    if "query" not in found:
        raise config.fail("has no query tensor")
    value = found.get("value", found["query"])
    answer = found["query"], value, found.get("key", value)
    if any(len(shape) < 2 for shape in answer):
        raise config.fail(f"query, value and key have shapes {answer}; expected steps and features")
    return answer


def _projection(name: str, source: Shape, outputs: int, bias: bool, saved: int = 0) -> MatMul:
    return MatMul(
        name=name, inputs=source[-1], outputs=outputs, bias=bias, positions=elements(source[:-1]), split="columns",
        saved_elements=saved,
    )  # fmt: skip


def _wants_scores(config: Config) -> bool:
    return config.keywords.get("return_attention_scores") is True


@layer("MultiHeadAttention")
def multi_head_attention(config: Config, inputs: list[Shape]) -> Result:
    """Projects query, key and value to heads, attends, and projects back."""
    query, value, key = _query_value_key(config, inputs)
    heads, key_width = config.integer("num_heads"), config.integer("key_dim")
    value_width = config.integer("value_dim", key_width)
    return _heads(config, (query, value, key), heads, heads, key_width, value_width)


@layer("GroupQueryAttention", "GroupedQueryAttention")
def grouped_query_attention(config: Config, inputs: list[Shape]) -> Result:
    """As multi-head attention, with groups of query heads that share a key and a value."""
    query, value, key = _query_value_key(config, inputs)
    heads, kv_heads = config.integer("num_query_heads"), config.integer("num_key_value_heads")
    if heads % kv_heads:
        raise config.fail(f"num_query_heads is {heads}; it must be a multiple of num_key_value_heads {kv_heads}")
    width = config.integer("head_dim")
    return _heads(config, (query, value, key), heads, kv_heads, width, width)


def _heads(
    config: Config, shapes: tuple[Shape, Shape, Shape], heads: int, kv_heads: int, key_width: int, value_width: int
) -> Result:
    query, value, key = shapes
    bias = config.flag("use_bias", True)
    output = query[-1:] if config.values.get("output_shape") is None else config.integers("output_shape", None)
    axes = _attended_axes(config, query)
    queried = elements(tuple(query[axis] for axis in axes))
    keys = elements(tuple(key[axis] for axis in axes if axis < len(key) - 1))
    repeats = elements(query[:-1]) // max(queried, 1)
    queries = elements(query[:-1])
    mixed = heads * value_width * queries
    limit = config.integer("sliding_window", 0, least=0) or None
    operators: list[Operator] = [
        _projection("query", query, heads * key_width, bias, saved=heads * key_width * queries),
        _projection("key", key, kv_heads * key_width, bias, saved=kv_heads * key_width * elements(key[:-1])),
        _projection("value", value, kv_heads * value_width, bias, saved=kv_heads * value_width * elements(value[:-1])),
        SampleAttention(
            name="attention", heads=heads, kv_heads=kv_heads, key_width=key_width, value_width=value_width,
            positions=queries, keys=keys, repeats=repeats, saved_elements=heads * queries * keys,
        ),
        Elementwise(name="softmax", elements=2 * heads * queries * keys),
    ]  # fmt: skip
    if limit is not None and limit < keys:
        config.walk.note(f"layer {shown(config.name)}: its sliding window is a mask in Keras; all keys are counted")
    if config.flag("use_gate", False):
        operators.append(_projection("gate", query, heads * value_width, bias, saved=2 * mixed))
        operators.append(moved("gating", 2 * mixed, mixed))
    back = MatMul(
        name="attention_output", inputs=heads * value_width, outputs=elements(output), bias=bias, positions=queries,
        split="rows", saved_elements=mixed,
    )  # fmt: skip
    outputs: tuple[Shape, ...] = ((*query[:-1], *output),)
    if _wants_scores(config):
        outputs = (*outputs, (heads, queried, keys))
    return Result(outputs=outputs, operators=(*operators, back), saves_input=True)


def _attended_axes(config: Config, query: Shape) -> list[int]:
    """Return the positions in a shape of the axes that attention is over: all but the features by default."""
    value = config.values.get("attention_axes")
    if value is None:
        return list(range(len(query) - 1))
    listed = value if isinstance(value, (list, tuple)) else [value]
    axes = sorted({config.axis(axis, len(query)) for axis in listed})
    if not axes or axes[-1] == len(query) - 1:
        raise config.fail(f"field 'attention_axes' is {shown(value)}; expected axes between batch and features")
    return axes


def _single_head(config: Config, inputs: list[Shape], key_width: int | None) -> tuple[SampleAttention, Shape, Shape]:
    query, value, key = _query_value_key(config, inputs)
    queries, keys = elements(query[:-1]), key[-2]
    attention = SampleAttention(
        name="attention", heads=1, kv_heads=1, key_width=key[-1] if key_width is None else key_width,
        value_width=value[-1], positions=queries, keys=keys, repeats=elements(key[:-2]), saved_elements=queries * keys,
    )  # fmt: skip
    return attention, (*query[:-1], value[-1]), (*query[:-1], keys)


@layer("Attention")
def dot_product_attention(config: Config, inputs: list[Shape]) -> Result:
    """Attention without projections, by dot product (or by the sum's tangent: ``score_mode="concat"``)."""
    summed = config.text("score_mode", "dot", ("dot", "concat")) == "concat"
    attention, output, scores = _single_head(config, inputs, 0 if summed else None)
    trained = int(config.flag("use_scale", False)) + int(summed)
    softmax = Elementwise(name="scores", elements=2 * elements(scores), parameters_own=trained)
    outputs = (output, scores) if _wants_scores(config) else (output,)
    return Result(outputs=outputs, operators=(attention, softmax), saves_input=True)


@layer("AdditiveAttention")
def additive_attention(config: Config, inputs: list[Shape]) -> Result:
    """Attention whose scores are sums of the tangent of query plus key."""
    attention, output, scores = _single_head(config, inputs, 0)
    width = _query_value_key(config, inputs)[2][-1]
    trained = width if config.flag("use_scale", True) else 0
    tangent = Elementwise(
        name="scores", elements=elements(scores) * (width + 1), parameters_own=trained,
        saved_elements=elements(scores) * width,
    )  # fmt: skip
    outputs = (output, scores) if _wants_scores(config) else (output,)
    return Result(outputs=outputs, operators=(tangent, attention), saves_input=True)
