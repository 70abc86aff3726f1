"""Quantizes with ONNX Runtime and LiteRT, and records the bytes of the weights: ``python record_runtimes.py NAME``.

NAME is onnxruntime (needs onnx, onnxruntime) or litert (needs tensorflow); each prints its own JSON object.
"""

import contextlib
import json
import os
import sys
import tempfile

import numpy as np

SHAPES = {"dense": (784, 128), "dense_1": (128, 10)}
CONVOLUTION = (3, 3, 16, 32)  # height, width, input and output channels
RANDOM = np.random.default_rng(0)


def onnxruntime_sizes():
    import onnx
    from onnx import TensorProto, helper, numpy_helper
    from onnxruntime.quantization import QuantType, quantize_dynamic

    nodes, weights, last = [], [], "x"
    for name, shape in SHAPES.items():
        weights.append(numpy_helper.from_array(RANDOM.standard_normal(shape).astype("float32"), name))
        nodes.append(helper.make_node("MatMul", [last, name], [f"{name}_out"]))
        last = f"{name}_out"
    graph = helper.make_graph(
        nodes, "mlp", [helper.make_tensor_value_info("x", TensorProto.FLOAT, [None, 784])],
        [helper.make_tensor_value_info(last, TensorProto.FLOAT, [None, 10])], weights)  # fmt: skip
    sizes = {}
    with tempfile.TemporaryDirectory() as folder:
        plain, small = os.path.join(folder, "a.onnx"), os.path.join(folder, "b.onnx")
        onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9), plain)
        for per_channel in (False, True):
            quantize_dynamic(plain, small, weight_type=QuantType.QInt8, per_channel=per_channel)
            stored = {}
            for item in onnx.load(small).graph.initializer:
                layer = item.name.removesuffix("_quantized").removesuffix("_scale").removesuffix("_zero_point")
                stored[layer] = stored.get(layer, 0) + numpy_helper.to_array(item).nbytes
            sizes["a channel" if per_channel else "a tensor"] = stored
    import onnxruntime

    return {"version": onnxruntime.__version__, "shapes": SHAPES, "dynamic_int8": sizes}


def litert_sizes():
    import tensorflow as tf

    inputs = tf.keras.Input((28, 28, 16), batch_size=1)
    hidden = tf.keras.layers.Conv2D(CONVOLUTION[3], CONVOLUTION[:2], use_bias=False)(inputs)
    model = tf.keras.Model(inputs, hidden)
    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: ([RANDOM.standard_normal((1, 28, 28, 16)).astype("float32")]
                                                for _ in range(4))  # fmt: skip
    interpreter = tf.lite.Interpreter(model_content=converter.convert())
    for item in interpreter.get_tensor_details():
        shape = list(item["shape"])
        if item["dtype"] == np.int8 and shape == [CONVOLUTION[3], 3, 3, CONVOLUTION[2]]:
            scales = item["quantization_parameters"]["scales"]
            return {"version": tf.__version__, "convolution": CONVOLUTION, "int8_values": int(np.prod(shape)),
                    "scales": len(scales), "scale_bytes": int(scales.nbytes)}  # fmt: skip
    raise SystemExit("no int8 weight found")


if __name__ == "__main__":
    with contextlib.redirect_stdout(sys.stderr):  # TensorFlow prints what it saves
        answer = {"onnxruntime": onnxruntime_sizes, "litert": litert_sizes}[sys.argv[1]]()
    print(json.dumps(answer, indent=1))
