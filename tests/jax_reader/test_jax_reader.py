"""Functions of JAX, against counts by hand and the cost analysis of the compiler. Runs where jax is installed."""

from types import SimpleNamespace

import pytest

from advisor.errors import InputError
from advisor.models import Model

jax = pytest.importorskip("jax")


def shapes(**sizes):
    return {name: jax.ShapeDtypeStruct(size, "float32") for name, size in sizes.items()}


def from_jax(*arguments, **options):
    from advisor_jax import from_jax as function

    return function(*arguments, **options)


def test_a_product_with_a_bias():
    found = from_jax(lambda p, x: jax.nn.relu(x @ p["w"] + p["b"]), shapes(w=(6, 8), b=(8,)), (4, 6))
    assert found.parameters == 6 * 8 + 8
    assert found.forward_flops() == 2 * 4 * 6 * 8
    assert found.attributes["inputs"] == [[4, 6]]


def test_arrays_that_are_closed_over_are_weights():
    weight = jax.numpy.ones((6, 8))
    found = from_jax(lambda x: x @ weight, (4, 6))
    assert found.parameters == 48
    assert from_jax(lambda w, x: x @ w, (6, 8), (4, 6), parameters=0).parameters == 48
    assert from_jax(lambda w, x: x @ w, (6, 8), (4, 6)).parameters == 0


def test_a_scan_over_layers_has_their_weights():
    def stack(p, x):
        return jax.lax.scan(lambda state, w: (jax.numpy.tanh(state @ w), None), x, p["w"])[0]

    found = from_jax(stack, shapes(w=(12, 16, 16)), (3, 16))
    assert found.parameters == 12 * 256
    assert found.forward_flops() == 12 * 2 * 3 * 256


def test_a_scan_over_time_uses_one_weight():
    def recur(p, xs):
        return jax.lax.scan(lambda s, x: (jax.numpy.tanh(s @ p["r"] + x), s), jax.numpy.zeros((2, 4)), xs)

    found = from_jax(recur, shapes(r=(4, 4)), (9, 2, 4))
    assert found.parameters == 16
    assert found.forward_flops() == 9 * 2 * 2 * 16


def test_convolutions():
    numbers = ("NHWC", "HWIO", "NHWC")

    def network(p, x):
        y = jax.lax.conv_general_dilated(x, p["a"], (2, 2), "SAME", dimension_numbers=numbers)
        y = jax.lax.conv_general_dilated(y, p["d"], (1, 1), "SAME", dimension_numbers=numbers, feature_group_count=8)
        return jax.lax.conv_transpose(y, p["t"], (2, 2), "SAME", dimension_numbers=numbers)

    found = from_jax(network, shapes(a=(3, 3, 3, 8), d=(3, 3, 1, 8), t=(4, 4, 8, 5)), (1, 16, 16, 3))
    assert found.parameters == 27 * 8 + 9 * 8 + 16 * 40
    assert found.forward_flops() == 2 * 64 * (27 * 8 + 9 * 8 + 16 * 40)


def test_an_embedding_that_also_scores():
    def model(p, ids):
        return p["table"][ids] @ p["table"].T

    found = from_jax(model, shapes(table=(100, 16)), jax.ShapeDtypeStruct((2, 7), "int32"))
    assert found.parameters == 1600
    assert found.forward_flops() == 2 * 14 * 1600


def attention_block(p, x):
    q, k, v = (jax.numpy.einsum("bsd,dhk->bshk", x, p[name]) for name in ("q", "k", "v"))
    scores = jax.nn.softmax(jax.numpy.einsum("bqhk,bshk->bhqs", q, k))
    mixed = jax.numpy.einsum("bhqs,bshk->bqhk", scores, v)
    y = x + jax.numpy.einsum("bqhk,hkd->bqd", mixed, p["o"])
    return y + jax.checkpoint(lambda z: jax.nn.gelu(z @ p["up"]) @ p["down"])(y)


def test_a_transformer_block_agrees_with_the_compiler():
    width, heads, batch, length = 256, 8, 2, 64
    p = shapes(q=(width, heads, 32), k=(width, heads, 32), v=(width, heads, 32), o=(heads, 32, width),
               up=(width, 1024), down=(1024, width))  # fmt: skip
    x = jax.ShapeDtypeStruct((batch, length, width), "float32")
    found = from_jax(attention_block, p, x)
    assert found.parameters == 4 * width * width + 2 * width * 1024
    tokens = batch * length
    assert found.forward_flops() == 2 * tokens * found.parameters + 4 * tokens * length * width
    cost = jax.jit(attention_block).lower(p, x).compile().cost_analysis()
    cost = cost[0] if isinstance(cost, list) else cost
    assert found.forward_flops() == pytest.approx(cost["flops"], rel=0.02)  # the compiler counts element-wise work too


def test_branches_and_loops_of_unknown_length():
    def model(p, x):
        y = jax.lax.cond(x.sum() > 0, lambda z: z @ p["a"], lambda z: z @ p["b"] @ p["a"], x)
        return jax.lax.while_loop(lambda s: s.sum() < 9, lambda s: s @ p["b"], y)

    found = from_jax(model, shapes(a=(8, 8), b=(8, 8)), (2, 8))
    assert found.parameters == 128
    assert found.forward_flops() == 3 * 2 * 2 * 64
    assert {"loop", "branch"} <= {word for note in found.notes for word in note.split()}


def test_wrong_shapes_are_one_line():
    with pytest.raises(InputError, match="from_jax: the function fails on these shapes") as caught:
        from_jax(lambda p, x: x @ p["w"], shapes(w=(5, 8)), (4, 6))
    assert "\n" not in str(caught.value)
    with pytest.raises(InputError, match="expected arrays or shapes"):
        from_jax(lambda x: x, "text")


def test_the_model_class_finds_the_plugin(monkeypatch):
    from advisor import objects

    entry = SimpleNamespace(name="jax", load=lambda: from_jax)
    monkeypatch.setattr(objects.metadata, "entry_points", lambda group: [entry] if group == "advisor.objects" else [])
    assert Model.from_jax(lambda x: x * 2, (3,)).reader == "jax"
    with pytest.raises(InputError, match="no installed plugin reads objects of torch"):
        Model.from_torch(None, None)
