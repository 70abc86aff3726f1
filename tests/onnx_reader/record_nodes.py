"""Records the node tests of the ``onnx`` package (Apache-2.0): each model with the shapes that it must give.

Run where onnx is installed: ``python record_nodes.py``. Inputs that decide shapes (sizes, axes, indices)
are stored in the model, as exporters do.
"""

from __future__ import annotations

import base64
import json
import lzma
import warnings
from pathlib import Path

import numpy as np
import onnx
from onnx import numpy_helper
from onnx.backend.test.case.node import collect_testcases

warnings.simplefilter("ignore")
DATA = Path(__file__).parent / "data"
DECIDING = (np.int64, np.int32, np.float32, np.bool_, np.float64)
MOST_BYTES = 1500
MOST_STORED = 16


def shape(value):
    if isinstance(value, list):
        return [shape(item) for item in value]
    if value is None:
        return None
    return list(value.dims) if hasattr(value, "dims") else list(np.asarray(value).shape)


def main() -> None:
    answers, large = [], 0
    for case in collect_testcases(None):
        model = onnx.ModelProto()
        model.CopyFrom(case.model)
        inputs, outputs = case.data_sets[0]
        for position, (info, value) in enumerate(zip(model.graph.input, inputs, strict=False)):
            if not isinstance(value, (np.ndarray, np.generic)) or not info.type.HasField("tensor_type"):
                continue
            array = np.asarray(value)
            first = position == 0 and not (len(model.graph.input) == 1 and array.dtype == np.int64)
            if array.dtype in DECIDING and array.size <= MOST_STORED and not first:
                model.graph.initializer.append(numpy_helper.from_array(array, info.name))
        data = model.SerializeToString(deterministic=True)
        if len(data) > MOST_BYTES:
            large += 1
            continue
        answers.append({"name": case.name, "model": base64.b64encode(data).decode(), "shapes": shape(list(outputs))})
    DATA.mkdir(exist_ok=True)
    text = json.dumps({"onnx": onnx.__version__, "cases": answers})
    (DATA / "nodes.json.xz").write_bytes(lzma.compress(text.encode(), preset=9 | lzma.PRESET_EXTREME))
    print(len(answers), "recorded;", large, "left out as larger than", MOST_BYTES, "bytes")


if __name__ == "__main__":
    main()
