"""Record what Keras itself says of its layers and applications, as data for the tests.

    python tests/keras/record_oracle.py layers keras       # Keras 3
    python tests/keras/record_oracle.py layers tf_keras    # Keras 2
    python tests/keras/record_oracle.py graphs keras       # and tf_keras
    python tests/keras/record_oracle.py applications keras # and tf_keras

Needs TensorFlow and keras (and tf_keras). Parameters and shapes come from the built model; FLOPs are
2 a multiply-add of the matrix products and convolutions in TensorFlow's own graph of it.
"""

from __future__ import annotations

import importlib
import json
import lzma
import math
import os
import sys
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
sys.path.insert(0, str(Path(__file__).parent))

import tensorflow as tf
from keras_layer_cases import CASES, Case

DATA = Path(__file__).parent / "data"


def graph_flops(model: Any, steps: int = 1, batch: int = 1) -> int | None:
    """Count 2 x multiply-adds in the inference graph; the body of a loop counts ``steps`` times."""
    shapes = model.input_shape if isinstance(model.input_shape, list) else [model.input_shape]
    dtypes = [tensor.dtype for tensor in model.inputs]
    specs = [tf.TensorSpec((batch, *(224 if n is None else n for n in shape[1:])), dtype) for shape, dtype in
             zip(shapes, dtypes, strict=True)]  # fmt: skip
    try:
        argument = specs if len(specs) > 1 else specs[0]
        graph = tf.function(lambda x: model(x, training=False)).get_concrete_function(argument).graph
    except Exception as error:
        print("   no graph:", str(error)[:100])
        return None
    return _count(graph, graph, steps, looped=steps == 1)


def _count(graph: Any, top: Any, steps: int, looped: bool) -> int | None:
    total = 0
    for op in graph.get_operations():
        for attribute, times in (("f", 1), ("body", steps)):
            if op.type in ("While", "StatelessWhile", "PartitionedCall", "StatefulPartitionedCall"):
                try:
                    name = op.get_attr(attribute).name
                except ValueError:
                    continue
                inner = _count(_function(top, name), top, steps, looped or attribute == "body")
                if inner is None:
                    return None
                total += times * inner
        # Outside the loop TensorFlow traces one step more, to learn its shapes, and throws it away.
        work = _work(op) if looped else 0
        if work is None:
            print("   unknown shape in", op.type, op.name)
            return None
        total += work
    return total


def _function(graph: Any, name: str) -> Any:
    current = graph
    while current is not None:
        found = current._functions.get(name)
        if found is not None:
            return found.graph
        current = getattr(current, "outer_graph", None)
    raise KeyError(name)


def _work(op: Any) -> int | None:
    def size(tensor: Any) -> int | None:
        known = tensor.shape.rank is not None and None not in tensor.shape.as_list()
        return math.prod(tensor.shape.as_list()) if known else None

    if op.type in ("Conv2D", "Conv3D"):
        out, weights = size(op.outputs[0]), op.inputs[1].shape.as_list()
        return None if out is None else 2 * out * math.prod(weights[:-1])
    if op.type == "DepthwiseConv2dNative":
        out, weights = size(op.outputs[0]), op.inputs[1].shape.as_list()
        return None if out is None else 2 * out * math.prod(weights[:2])
    if op.type in ("Conv2DBackpropInput", "Conv3DBackpropInputV2"):
        out, weights = size(op.inputs[2]), op.inputs[1].shape.as_list()
        return None if out is None else 2 * out * math.prod(weights[:-1])
    if op.type in ("MatMul", "BatchMatMulV2", "BatchMatMul", "SparseMatMul"):
        out, left = size(op.outputs[0]), op.inputs[0].shape.as_list()
        flip = op.get_attr("adj_x" if op.type.startswith("Batch") else "transpose_a")
        inner = left[-2] if flip else left[-1]
        return None if out is None or inner is None else 2 * out * inner
    if op.type == "Einsum":
        left = op.get_attr("equation").decode().split("->")[0].split(",")
        if len(left) < 2:
            return 0
        sizes: dict[str, int] = {}
        for term, tensor in zip(left, op.inputs, strict=True):
            shape = tensor.shape.as_list()
            if "..." in term:
                head = len(term.split("...")[0])
                count = len(shape) - len(term) + 3
                sizes.update({f".{i}": shape[head + i] for i in range(count)})
                shape = shape[:head] + shape[head + count :]
            sizes.update(zip(term.replace("...", ""), shape, strict=True))
        return None if None in sizes.values() else 2 * math.prod(sizes.values())
    return 0


def layer_flops(model: Any) -> int | None:
    """Sum 2 x kernel x positions over layers, from what Keras built; None where other layers multiply too."""
    total = 0
    for layer in model.layers:
        kind = type(layer).__name__
        if kind in ("Conv2D", "Dense"):
            kernel = math.prod(layer.kernel.shape)
            total += 2 * kernel * math.prod(layer.output.shape[1:]) // layer.output.shape[-1]
        elif kind == "DepthwiseConv2D":
            total += 2 * math.prod(layer.kernel_size) * math.prod(layer.output.shape[1:])
        elif layer.weights and "Normalization" not in kind and kind != "LayerScale":
            return None
    return total


def build(keras: Any, case: Case) -> Any:
    layers = keras.layers

    def make(entry: Case) -> Any:
        arguments = dict(entry.arguments)
        if isinstance(entry.wrapped, list):
            return getattr(layers, entry.layer)([make(inner) for inner in entry.wrapped], **arguments)
        if entry.wrapped is not None:
            return getattr(layers, entry.layer)(make(entry.wrapped), **arguments)
        return getattr(layers, entry.layer)(**arguments)

    inputs = [keras.Input(shape, dtype=case.dtype) for shape in case.inputs]
    layer = make(case)
    tensors = {key: inputs[v] if type(v) is int else v for key, v in case.call.items()}
    plain = () if "query" in tensors else (inputs if len(inputs) > 1 else inputs[0],)
    return keras.Model(inputs, layer(*plain, **tensors))


def record(model: Any, steps: int) -> dict[str, Any]:
    return {
        "document": json.loads(model.to_json()),
        "parameters": int(model.count_params()),
        "trainable": int(sum(math.prod(w.shape) for w in model.trainable_weights)),
        "outputs": [list(tensor.shape)[1:] for tensor in model.outputs],
        "flops": graph_flops(model, steps) or (layer_flops(model) if steps == 1 else None),
    }


def record_layers(module: str) -> None:
    keras = importlib.import_module(module)
    answer: dict[str, Any] = {"keras_version": keras.__version__, "cases": {}}
    for case in CASES:
        keras.backend.clear_session()
        try:
            model = build(keras, case)
        except Exception as error:
            print(f"skipped {case.name}: {type(error).__name__} {str(error)[:160]!r}")
            continue
        if case.name in answer["cases"]:
            raise SystemExit(f"two cases are named {case.name}")
        answer["cases"][case.name] = record(model, case.steps)
    _write(f"layers_{module}", answer)


def _graphs(keras: Any) -> dict[str, Any]:
    """Models whose graphs are worth a test: shared layers, nesting, several inputs, plain operations."""
    layers, models = keras.layers, {}

    left, right = keras.Input((16,)), keras.Input((16,))
    shared = layers.Dense(8, activation="relu")
    joined = layers.Concatenate()([shared(left), shared(right)])
    models["shared layer"] = keras.Model([left, right], layers.Dense(1)(joined))

    tower = keras.Sequential([keras.Input((12, 12, 3)), layers.Conv2D(4, 3, activation="relu"), layers.Flatten(),
                              layers.Dense(5)], name="tower")  # fmt: skip
    one, two = keras.Input((12, 12, 3)), keras.Input((12, 12, 3))
    models["shared nested model"] = keras.Model([one, two], layers.Subtract()([tower(one), tower(two)]))

    source = keras.Input((6,))
    hidden = layers.Dense(4)(source)
    block = keras.Model(source, [hidden, layers.Dense(2)(hidden)], name="block")
    entry = keras.Input((6,))
    first, second = block(entry)
    models["nested model of two outputs"] = keras.Model(entry, layers.Concatenate()([first, second, second]))

    frames = keras.Input((5, 12, 12, 3))
    models["time-distributed model"] = keras.Model(frames, layers.LSTM(3)(layers.TimeDistributed(tower)(frames)))

    models["sequential of sequentials"] = keras.Sequential(
        [keras.Input((10,)), keras.Sequential([layers.Dense(8), layers.ReLU()]), keras.Sequential([layers.Dense(3)])]
    )

    tokens = keras.Input((None,), dtype="int32")
    encoded = layers.Bidirectional(layers.LSTM(6, return_sequences=True, return_state=True))(
        layers.Embedding(50, 8, mask_zero=True)(tokens)
    )
    decoder = layers.LSTM(12, return_sequences=True)
    state = [layers.Concatenate()([encoded[1], encoded[3]]), layers.Concatenate()([encoded[2], encoded[4]])]
    decoded = decoder(encoded[0], initial_state=state)
    attended = layers.Attention()([decoded, encoded[0]])
    models["sequence to sequence"] = keras.Model(tokens, layers.Dense(50, activation="softmax")(attended))

    words = keras.Input((20,), dtype="int32")
    flow = layers.Embedding(30, 16)(words)
    attended = layers.MultiHeadAttention(4, 4, dropout=0.1)(flow, flow)
    flow = layers.LayerNormalization()(layers.Add()([flow, attended]))
    forward = layers.Dense(16)(layers.Dense(64, activation="gelu")(flow))
    flow = layers.LayerNormalization()(layers.Add()([flow, forward]))
    models["transformer block"] = keras.Model(words, layers.Dense(2)(layers.GlobalAveragePooling1D()(flow)))
    return models


def _operation_graph(keras: Any) -> Any:
    """A model of plain operations, as Keras 3 (``keras.ops``) or Keras 2 (TensorFlow functions) serialise them."""
    entry = keras.Input((6, 4))
    if hasattr(keras, "ops"):
        ops = keras.ops
        outputs = [
            ops.mean(entry, axis=1), ops.reshape(entry, (-1, 12, 2)), ops.transpose(entry, (0, 2, 1)), entry[:, 0],
            ops.expand_dims(entry, -1), entry[..., 1:3], entry[:, ::2, :], ops.concatenate([entry, entry], axis=1),
            ops.matmul(entry, ops.transpose(entry, (0, 2, 1))), ops.einsum("bij,bkj->bik", entry, entry),
            ops.relu(entry), entry * 2, 1 - entry, ops.softmax(entry), ops.stack([entry, entry], axis=1),
            ops.squeeze(entry[:, :1], 1), ops.split(entry, 2, axis=1)[1], ops.cast(entry, "float16"),
            ops.pad(entry, ((0, 0), (1, 1), (0, 0))), ops.image.resize(ops.expand_dims(entry, -1), (8, 8)),
            ops.sum(entry, axis=(1, 2), keepdims=True), ops.repeat(entry, 2, axis=1), ops.tile(entry, (1, 2, 1)),
            ops.swapaxes(entry, 1, 2), ops.max(entry, axis=-1), ops.one_hot(ops.cast(entry, "int32"), 5),
            ops.where(entry > 0, entry, 0.0), ops.norm(entry, axis=-1), ops.power(entry, 2), entry[:, None],
        ]  # fmt: skip
    else:
        outputs = [
            tf.reduce_mean(entry, axis=1), tf.reshape(entry, (-1, 12, 2)), tf.transpose(entry, (0, 2, 1)), entry[:, 0],
            tf.expand_dims(entry, -1), entry[..., 1:3], entry[:, ::2, :], tf.concat([entry, entry], axis=1),
            tf.matmul(entry, entry, transpose_b=True), tf.nn.relu(entry), entry * 2, 1 - entry, tf.nn.softmax(entry),
            tf.stack([entry, entry], axis=1), tf.squeeze(entry[:, :1], 1), tf.split(entry, 2, axis=1)[1],
            tf.pad(entry, ((0, 0), (1, 1), (0, 0))), tf.image.resize(tf.expand_dims(entry, -1), (8, 8)),
            tf.reduce_sum(entry, axis=(1, 2), keepdims=True), tf.repeat(entry, 2, axis=1), tf.tile(entry, (1, 2, 1)),
            tf.reduce_max(entry, axis=-1), tf.one_hot(tf.cast(entry, "int32"), 5), tf.where(entry > 0, entry, 0.0),
            tf.norm(entry, axis=-1), tf.pow(entry, 2), tf.clip_by_value(entry, 0, 1), entry[:, None],
            tf.math.l2_normalize(entry, axis=-1), tf.gather(entry, [0, 1], axis=1), tf.unstack(entry, axis=1)[0],
        ]  # fmt: skip
    return keras.Model(entry, outputs)


def record_graphs(module: str) -> None:
    keras = importlib.import_module(module)
    answer: dict[str, Any] = {"keras_version": keras.__version__, "cases": {}}
    for name, model in {**_graphs(keras), "operations": _operation_graph(keras)}.items():
        steps = {"time-distributed model": 5}.get(name, 1)
        answer["cases"][name] = record(model, steps)
        if name in ("time-distributed model", "sequence to sequence"):
            answer["cases"][name]["flops"] = None  # loops of several lengths
    _write(f"graphs_{module}", answer)


def record_applications(module: str) -> None:
    keras = importlib.import_module(module)
    answer: dict[str, Any] = {"keras_version": keras.__version__, "cases": {}}
    path = DATA / f"applications_{module}.json.xz"
    known = json.loads(lzma.decompress(path.read_bytes())) if path.exists() else answer
    for name in [name for name in dir(keras.applications) if name[0].isupper()]:
        earlier = known["cases"].get(name)
        if known["keras_version"] == keras.__version__ and earlier is not None and earlier["flops"] is not None:
            answer["cases"][name] = earlier
            continue
        keras.backend.clear_session()
        answer["cases"][name] = record(getattr(keras.applications, name)(weights=None), 1)
        print(name, answer["cases"][name]["parameters"], answer["cases"][name]["flops"], flush=True)
    _write(f"applications_{module}", answer)


def _write(name: str, answer: dict[str, Any]) -> None:
    text = json.dumps(answer, separators=(",", ":"))
    path = DATA / f"{name}.json.xz"
    path.write_bytes(lzma.compress(text.encode(), preset=9 | lzma.PRESET_EXTREME))
    print(f"{path.name}: {len(answer['cases'])} cases, {path.stat().st_size} bytes")


if __name__ == "__main__":
    {"layers": record_layers, "graphs": record_graphs, "applications": record_applications}[sys.argv[1]](sys.argv[2])
