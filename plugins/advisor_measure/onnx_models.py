"""Tiny ONNX models to time: a chain of layers, one product, one convolution. Needs the onnx package."""

from __future__ import annotations

import numpy as np


def chain_model(layers: int, width: int) -> bytes:
    """``layers`` times a product with its bias (Gemm) and a rectifier."""
    from onnx import helper

    nodes, weights, last = [], [], "input"
    for layer in range(layers):
        weights += _weights({f"w{layer}": np.eye(width, dtype=np.float32), f"b{layer}": np.zeros(width, np.float32)})
        nodes.append(helper.make_node("Gemm", [last, f"w{layer}", f"b{layer}"], [f"y{layer}"]))
        last = "output" if layer == layers - 1 else f"x{layer}"
        nodes.append(helper.make_node("Sigmoid", [f"y{layer}"], [last]))
    return _model(nodes, weights, [None, width], [None, width])


def product_model(inputs: int, outputs: int) -> bytes:
    """One product of rows by ``inputs x outputs``."""
    from onnx import helper

    weight = np.random.default_rng(0).standard_normal((inputs, outputs), dtype=np.float32)
    node = helper.make_node("MatMul", ["input", "w"], ["output"])
    return _model([node], _weights({"w": weight}), [None, inputs], [None, outputs])


def convolution_model(channels: int, side: int, kernels: tuple[int, ...]) -> bytes:
    """Convolutions one after the other that keep the map's size."""
    from onnx import helper

    random = np.random.default_rng(0)
    nodes, weights, last = [], {}, "input"
    for layer, kernel in enumerate(kernels):
        weights[f"w{layer}"] = random.standard_normal((channels, channels, kernel, kernel), dtype=np.float32)
        target = "output" if layer == len(kernels) - 1 else f"y{layer}"
        nodes.append(helper.make_node("Conv", [last, f"w{layer}"], [target], pads=[kernel // 2] * 4))
        last = target
    shape = [None, channels, side, side]
    return _model(nodes, _weights(weights), shape, shape)


def _weights(arrays: dict[str, np.ndarray]) -> list[object]:
    from onnx import numpy_helper

    return [numpy_helper.from_array(array, name) for name, array in arrays.items()]


def _model(nodes: list[object], weights: list[object], inputs: list[int | None], outputs: list[int | None]) -> bytes:
    from onnx import TensorProto, helper

    def value(name: str, shape: list[int | None]) -> object:
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n" if axis is None else axis for axis in shape])

    graph = helper.make_graph(nodes, "measured", [value("input", inputs)], [value("output", outputs)], weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    answer: bytes = model.SerializeToString()
    return answer
