"""Hostile and damaged files: one line, bounded time and memory, whatever is in them."""

import os
import time
import tracemalloc

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from onnx_support import field, graph, info, message, model, node, packed, read, tensor, varint, weight

from advisor.errors import ModelFileError
from advisor.interfaces import ModelSource

QUICK = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def refused_or_read(path, data):
    """Read it; anything but a model or one line is a failure. Returns the line."""
    from advisor_onnx.reader import OnnxReader

    path.write_bytes(data)
    started, line = time.process_time(), ""
    source = ModelSource(str(path), path=path)
    try:
        if OnnxReader().claims(source):
            OnnxReader().read(source)
    except ModelFileError as error:
        line = str(error)
    assert "\n" not in line
    assert len(line) < 700
    assert time.process_time() - started < 2
    return line


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return tmp_path_factory.mktemp("hostile") / "model.onnx"


@QUICK
@given(st.data())
def test_damaged_bytes_anywhere(path, data):
    raw = bytearray(packed(data.draw(st.sampled_from(["recurrent.script.onnx.xz", "products.export.onnx.xz"]))))
    for _ in range(data.draw(st.integers(1, 6))):
        position = data.draw(st.integers(0, len(raw) - 1))
        piece = data.draw(st.one_of(st.binary(min_size=1, max_size=6), st.sampled_from([b"\xff" * 9, b"\0" * 8])))
        raw[position : position + len(piece)] = piece
    if data.draw(st.booleans()):
        del raw[data.draw(st.integers(0, len(raw) - 1)) :]
    refused_or_read(path, bytes(raw))


@QUICK
@given(st.binary(max_size=200))
def test_bytes_that_are_not_a_model(path, data):
    refused_or_read(path, data)


NAMES = st.sampled_from(["x", "w", "s", "y", "", "z"])
OPERATORS = [
    "Conv",
    "ConvTranspose",
    "Gemm",
    "MatMul",
    "Einsum",
    "LSTM",
    "GRU",
    "Attention",
    "Reshape",
    "Expand",
    "Tile",
    "Pad",
    "Slice",
    "Gather",
    "Concat",
    "Split",
    "Resize",
    "TopK",
    "Range",
    "ConstantOfShape",
    "OneHot",
    "NonZero",
    "MaxPool",
    "ReduceSum",
    "Transpose",
    "Squeeze",
    "Unsqueeze",
    "Flatten",
    "DepthToSpace",
    "Loop",
    "Scan",
    "If",
    "STFT",
    "DFT",
    "Col2Im",
    "SequenceInsert",
    "SplitToSequence",
    "ConcatFromSequence",
    "BatchNormalization",
    "LayerNormalization",
    "QLinearConv",
    "DequantizeLinear",
    "MatMulInteger",
    "GridSample",
    "AffineGrid",
    "RoiAlign",
    "CenterCropPad",
    "MelWeightMatrix",
]
NUMBERS = st.one_of(st.integers(-4, 8), st.sampled_from([1 << 31, -(1 << 63), (1 << 63) - 1, 1 << 40]))
ATTRIBUTES = st.dictionaries(
    st.sampled_from(
        [
            "axis",
            "axes",
            "perm",
            "kernel_shape",
            "strides",
            "pads",
            "group",
            "dilations",
            "hidden_size",
            "equation",
            "to",
            "split",
            "q_num_heads",
            "kv_num_heads",
            "keepdims",
            "num_scan_inputs",
            "blocksize",
            "allowzero",
            "output_shape",
            "body",
            "then_branch",
            "else_branch",
            "transA",
            "auto_pad",
            "onesided",
            "value_ints",
        ]
    ),
    st.one_of(NUMBERS, st.lists(NUMBERS, max_size=6), st.text(max_size=12), st.floats(width=32)),
    max_size=4,
)


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_any_operator_with_any_inputs(path, data):
    nodes = []
    for position in range(data.draw(st.integers(1, 3))):
        inputs = data.draw(st.lists(NAMES, max_size=6))
        if position:
            inputs.append("y0")
        attributes = data.draw(ATTRIBUTES)
        nodes.append(
            node(data.draw(st.sampled_from(OPERATORS)), inputs, [f"y{position}", f"y{position}b"], **attributes)
        )
    dims = data.draw(st.lists(st.integers(0, 9), max_size=5))
    stored = [
        tensor("w", weight(*data.draw(st.lists(st.integers(0, 4), max_size=4)))),
        tensor("s", np.array(data.draw(st.lists(NUMBERS, max_size=4)), np.int64)),
    ]
    refused_or_read(path, model(nodes, [info("x", *dims), info("z", 2, 3, kind=7)], [info("y0")], stored))


def lines():
    big = (1 << 60) - 1
    relu = [node("Relu", ["x"], ["y"])]
    x, y = [info("x", 1, 4)], [info("y")]
    product = [node("MatMul", ["x", "w"], ["y"])]

    def stored(**more):
        return model(product, x, y, [tensor("w", dims=(4, 4), **more)])

    return {
        "empty": (b"", "is empty"),
        "claims 2^60 bytes": (message((1, 10)) + varint(7 << 3 | 2) + varint(big), "claims"),
        "truncated": (model(relu, x, y)[:-9], "claims"),
        "no graph": (message((1, 10), (2, "x")), "holds no graph"),
        "huge tensor": (model(product, x, y, [tensor("w", dims=(4, big), raw=b"")]), "claims shape"),
        "lying tensor": (stored(raw=b"\0" * 63), "needs 64 bytes"),
        "no bytes": (stored(), "needs 64 bytes"),
        "absolute path": (stored(location="/etc/passwd"), "inside the model's folder"),
        "path upwards": (stored(location="a/../../secret"), "inside the model's folder"),
        "windows path": (stored(location="C:\\secret"), "inside the model's folder"),
        "no location": (stored(location=""), "inside the model's folder"),
        "lying length": (stored(location="w.bin", length=65), "claims 65"),
        "bad offset": (stored(location="w.bin", offset="-4"), "expected bytes"),
        "negative size": (model(product, x, y, [tensor("w", dims=(-4, 4), raw=b"")]), "sizes of zero or more"),
        "bad type": (model(product, x, y, [tensor("w", dims=(4, 4), kind=99, raw=b"")]), "element type 99"),
        "too many axes": (model(product, x, y, [tensor("w", dims=(1,) * 70, raw=b"\0" * 4)]), "dimensions"),
        "huge input": (model(relu, [info("x", 1 << 50)], y), "believed"),
        "unknown rank": (model(relu, [message((1, "x"), (2, message((1, message((1, 1))))))], y), "how many axes"),
        "comes from nowhere": (model([node("Relu", ["q"], ["y"])], x, y), "comes from nowhere"),
        "does not fit": (model(product, x, y, [tensor("w", weight(5, 4))]), "do not fit together"),
        "cycle": (model([node("Relu", ["y"], ["y"])], x, y), "comes from nowhere"),
        "long name": (model([node("Relu", ["x" * 70_000], ["y"])], x, y), "bytes long"),
        "overlong varint": (b"\x08" + b"\xff" * 11, "longer than 64 bits"),
        "explodes": (model([node("Expand", ["x", "s"], ["y"])], x, y, [tensor("s", np.full(9, 1 << 40))]), "shape"),
    }  # fmt: skip


@pytest.mark.parametrize("case", lines())
def test_one_line_that_says_what_is_wrong(path, case):
    data, words = lines()[case]
    assert words in refused_or_read(path, data)


def test_names_that_are_not_text(path):
    data = model([node("Relu", ["x"], ["y"])], [info("x", 1, 4)], [info("y")]).replace(b"Relu", b"\xff\n\x00\xfe")
    assert refused_or_read(path, data) == ""


def test_nested_deeply(path):
    body = graph([node("Relu", ["x"], ["y"])], [], [info("y")])
    for _ in range(200):
        body = graph([node("If", ["c"], ["y"], then_branch=body, else_branch=body[:0])], [], [info("y")])
        if len(body) > 1 << 20:
            break
    line = refused_or_read(path, message((1, 10), (7, body)))
    assert "nested" in line


def test_functions_that_multiply(path):
    """Each calls the one before ten times: 10^12 nodes in all."""
    functions = []
    for level in range(12):
        inner = node("Relu", ["a"], ["b"]) if level == 0 else node(f"F{level - 1}", ["a"], ["b"], domain="own")
        functions.append(message((1, f"F{level}"), (10, "own"), (4, "a"), (5, "b"), *((7, inner) for _ in range(10))))
    data = model([node("F11", ["x"], ["y"], domain="own")], [info("x", 1, 4)], [info("y")], functions=functions)
    assert refused_or_read(path, data) != ""


def test_a_function_that_calls_itself(path):
    own = message((1, "F"), (10, "own"), (4, "a"), (5, "b"), (7, node("F", ["a"], ["b"], domain="own")))
    data = model([node("F", ["x"], ["y"], domain="own")], [info("x", 1, 4)], [info("y")], functions=[own])
    assert "nested" in refused_or_read(path, data)


def test_millions_of_tiny_fields_are_given_up_in_time(path):
    assert "stops there" in refused_or_read(path, message((1, 10), (7, b"\x0a\x00" * 8_000_000)))


def test_a_file_of_many_gigabytes_costs_nothing(path):
    """A sparse file whose one tensor is 1.5 GB: its bytes are stepped over."""
    count = 400_000_000
    head = b"".join([field(1, 20_000), field(1, 20_000), field(2, 1), field(8, "w")])
    size = len(head) + len(varint(9 << 3 | 2) + varint(4 * count)) + 4 * count
    start = varint(5 << 3 | 2) + varint(size) + head + varint(9 << 3 | 2) + varint(4 * count)
    rest = message((1, node("MatMul", ["x", "w"], ["y"])), (11, info("x", 1, 20_000)), (12, info("y")))
    whole = message((1, 10)) + varint(7 << 3 | 2) + varint(len(start) + 4 * count + len(rest))
    with path.open("wb") as stream:
        stream.write(whole + start)
        stream.seek(4 * count, os.SEEK_CUR)
        stream.write(rest)
    tracemalloc.start()
    started = time.process_time()
    found = read(path)
    used = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    path.write_bytes(b"")
    assert found.parameters == count
    assert time.process_time() - started < 0.5
    assert used < 8 << 20


def test_external_data_is_checked_but_not_followed(tmp_path):
    data = model([node("MatMul", ["x", "w"], ["y"])], [info("x", 1, 4)], [info("y")],
                 [tensor("w", dims=(4, 4), location="w.bin", offset=8, length=64)])  # fmt: skip
    path = tmp_path / "m.onnx"
    assert read(path, data).parameters == 16
    (tmp_path / "w.bin").write_bytes(b"\0" * 71)
    with pytest.raises(ModelFileError, match="ends at byte 72"):
        read(path)
    (tmp_path / "w.bin").write_bytes(b"\0" * 72)
    assert not any("external" in note for note in read(path).notes)
    (tmp_path / "w.bin").unlink()
    (tmp_path / "w.bin").symlink_to("/dev/zero")
    assert read(path).parameters == 16


@pytest.mark.parametrize("index", [2**62, -(2**63), 2**63 - 1])
def test_a_far_index_is_no_long_walk(path, index):
    """numpy's ``take`` with ``mode="wrap"`` subtracts the length until it is there: years from so far away."""
    stored = [tensor("v", np.arange(2)), tensor("far", np.array([index]))]
    refused_or_read(path, model([node("Gather", ["v", "far"], ["y"])], [], [info("y", 1)], stored))
