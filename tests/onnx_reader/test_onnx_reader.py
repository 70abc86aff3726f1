"""Small graphs written by hand, with answers that can be checked by hand."""

import numpy as np
import pytest
from onnx_support import attribute, graph, info, message, model, node, read, tensor, weight

from advisor.errors import ModelFileError
from advisor.interfaces import ModelSource


def linear(batch="batch"):
    return model(
        [node("MatMul", ["x", "w"], ["m"], name="dense"), node("Add", ["m", "b"], ["y"], name="bias")],
        [info("x", batch, 3)], [info("y", batch, 4)],
        [tensor("w", weight(3, 4)), tensor("b", weight(4))],
    )  # fmt: skip


def test_a_bias_after_a_product_is_the_products(tmp_path):
    found = read(tmp_path / "m.onnx", linear())
    assert found.parameters == 3 * 4 + 4
    assert found.forward_flops() == 2 * 3 * 4
    assert found.forward_flops(batch=5) == 5 * 2 * 3 * 4
    assert [(layer.name, layer.kind) for layer in found.layers] == [("dense", "MatMul")]
    assert found.layers[0].operators[0].bias


def test_open_dimensions(tmp_path):
    path = tmp_path / "m.onnx"
    assert "batch=1" in " ".join(read(path, linear()).notes)
    eight = read(path, dim={"batch": 8})
    assert eight.forward_flops() == 8 * 2 * 3 * 4
    assert eight.parameters == 16
    wrong = read(path, dim={"bacth": 8})
    assert any("bacth" in note and "batch" in note for note in wrong.notes)
    for bad in (0.5, -1, "many", 1 << 60):
        with pytest.raises(ModelFileError, match="expected a whole number"):
            read(path, dim={"batch": bad})


@pytest.mark.parametrize(("shape", "kind", "sizes"), [
    (("n", "t"), 7, [1, 128]), (("b", 3, "h", "w"), 1, [1, 3, 224, 224]), ((None, None, 64), 1, [1, 128, 64]),
    (("batch", 4, "past_sequence_length", 16), 1, [1, 4, 0, 16]), (("a", "b"), 1, [1, 1]),
])  # fmt: skip
def test_documented_defaults(tmp_path, shape, kind, sizes):
    nodes = [node("Cast", ["x"], ["y"], to=1), node("Relu", ["y"], ["z"]), node("Relu", ["v"], ["u"])]
    found = read(tmp_path / "m.onnx", model(nodes, [info("x", *shape, kind=kind), info("v", 2)], [info("z")]))
    assert found.attributes["inputs"]["x"] == sizes
    assert read(tmp_path / "m.onnx", seq_len=77, image_size=32).attributes["inputs"]["x"] == [
        {128: 77, 224: 32}.get(size, size) for size in sizes
    ]


def test_sums_of_named_dimensions(tmp_path):
    data = model(
        [node("Relu", ["mask"], ["y"])],
        [info("x", 1, "past"), info("ids", 1, "seq"), info("mask", 1, "past + seq")],
        [info("y")],
    )
    assert read(tmp_path / "m.onnx", data, dim={"past": 30, "seq": 2}).attributes["inputs"]["mask"] == [1, 32]


def test_shape_arithmetic_is_followed(tmp_path):
    """Reshape to (batch, channels * height * width), as exporters write it."""
    nodes = [
        node("Shape", ["x"], ["s"]), node("Gather", ["s", "zero"], ["n"]), node("Unsqueeze", ["n", "axis"], ["u"]),
        node("Concat", ["u", "rest"], ["to"], axis=0), node("Reshape", ["x", "to"], ["flat"]),
        node("Gemm", ["flat", "w"], ["y"], transB=1),
    ]  # fmt: skip
    stored = [tensor("zero", np.int64(0)), tensor("axis", np.array([0])), tensor("rest", np.array([-1])),
              tensor("w", weight(5, 24))]  # fmt: skip
    found = read(
        tmp_path / "m.onnx", model(nodes, [info("x", "batch", 2, 3, 4)], [info("y")], stored), dim={"batch": 7}
    )
    assert found.forward_flops() == 7 * 2 * 24 * 5
    assert found.attributes["outputs"] == [[7, 5]]
    assert found.parameters == 120


def test_a_shared_weight_is_counted_once(tmp_path):
    nodes = [
        node("Gather", ["table", "ids"], ["e"]),
        node("Transpose", ["table"], ["t"], perm=[1, 0]),
        node("MatMul", ["e", "t"], ["y"]),
    ]
    found = read(
        tmp_path / "m.onnx", model(nodes, [info("ids", 1, 6, kind=7)], [info("y")], [tensor("table", weight(50, 8))])
    )
    assert found.parameters == 400
    assert found.forward_flops() == 6 * 2 * 8 * 50
    assert [layer.kind for layer in found.layers] == ["Gather", "MatMul"]


def test_quantized_weights_keep_their_format(tmp_path):
    nodes = [node("DequantizeLinear", ["q", "scale", "zero"], ["w"]), node("MatMul", ["x", "w"], ["y"])]
    stored = [tensor("q", weight(16, 8).astype(np.int8)), tensor("scale", np.float32(0.5)), tensor("zero", np.int8(0))]
    found = read(tmp_path / "m.onnx", model(nodes, [info("x", 1, 16)], [info("y")], stored))
    assert (found.parameters, found.weight_format, found.weight_bytes) == (128, "int8", 128)
    assert found.attributes["scale_values"] == 2
    assert found.attributes["elements_by_type"] == {"int8": 128}


def test_four_bit_weights_of_onnx_runtime(tmp_path):
    nodes = [node("MatMulNBits", ["x", "q", "s"], ["y"], domain="com.microsoft", K=64, N=32, bits=4, block_size=32)]
    stored = [tensor("q", np.zeros((32, 2, 16), np.uint8)), tensor("s", weight(64))]
    found = read(tmp_path / "m.onnx", model(nodes, [info("x", 1, 5, 64)], [info("y")], stored))
    assert found.parameters == 64 * 32
    assert found.weight_format == "int4"
    assert found.forward_flops() == 5 * 2 * 64 * 32


def test_recurrent_layers(tmp_path):
    nodes = [node("LSTM", ["x", "w", "r", "b"], ["y"], hidden_size=6)]
    stored = [tensor("w", weight(1, 24, 5)), tensor("r", weight(1, 24, 6)), tensor("b", weight(1, 48))]
    found = read(tmp_path / "m.onnx", model(nodes, [info("x", 9, 2, 5)], [info("y")], stored))
    assert found.parameters == 24 * 5 + 24 * 6 + 48
    assert found.forward_flops() == 9 * 2 * 2 * (24 * 5 + 24 * 6)
    assert found.state_elements == 2 * 6


def test_attention_of_opset_23(tmp_path):
    nodes = [node("Attention", ["q", "k", "v"], ["y"], q_num_heads=8, kv_num_heads=2)]
    inputs = [info("q", 1, 10, 64), info("k", 1, 12, 16), info("v", 1, 12, 16)]
    found = read(tmp_path / "m.onnx", model(nodes, inputs, [info("y")], opset=23))
    assert found.forward_flops() == 2 * 8 * 10 * 12 * (8 + 8)
    assert found.attributes["outputs"] == [[1, 10, 64]]


def test_loops_run_as_often_as_they_say(tmp_path):
    body = graph(
        [node("Identity", ["c"], ["c2"]), node("MatMul", ["s", "w"], ["s2"])],
        [info("i", kind=7), info("c", kind=9), info("s", 2, 4)],
        [info("c2", kind=9), info("s2", 2, 4)],
    )
    nodes = [node("Loop", ["count", "", "x"], ["y"], body=body)]
    found = read(tmp_path / "m.onnx", model(nodes, [info("x", 2, 4)], [info("y")],
                                            [tensor("count", np.int64(5)), tensor("w", weight(4, 4))]))  # fmt: skip
    assert found.forward_flops() == 5 * 2 * 2 * 16
    assert found.parameters == 16


def test_of_two_branches_the_costlier_counts(tmp_path):
    def side(name, width):
        return graph([node("MatMul", ["x", name], [f"{name}_out"])], [], [info(f"{name}_out", 1, width)])

    nodes = [node("If", ["c"], ["y"], then_branch=side("small", 2), else_branch=side("large", 9))]
    found = read(
        tmp_path / "m.onnx",
        model(
            nodes,
            [info("c", kind=9), info("x", 1, 3)],
            [info("y")],
            [tensor("small", weight(3, 2)), tensor("large", weight(3, 9))],
        ),
    )
    assert found.forward_flops() == 2 * 3 * 9
    assert found.parameters == 3 * 2 + 3 * 9
    assert any("branch" in note for note in found.notes)


def test_functions_of_the_file_are_followed(tmp_path):
    function = message((1, "Twice"), (10, "own"), (4, "a"), (4, "k"), (5, "c"), (7, node("MatMul", ["a", "k"], ["b"])),
                       (7, node("MatMul", ["b", "k"], ["c"])), (9, message((2, 21))))  # fmt: skip
    found = read(
        tmp_path / "m.onnx",
        model(
            [node("Twice", ["x", "w"], ["y"], domain="own")],
            [info("x", 1, 4)],
            [info("y")],
            [tensor("w", weight(4, 4))],
            functions=[function],
        ),
    )
    assert found.forward_flops() == 2 * 2 * 16
    assert found.parameters == 16


def test_unknown_operators_are_reported_not_guessed(tmp_path):
    nodes = [node("Secret", ["x", "w"], ["h"], domain="acme"), node("Relu", ["h"], ["y"])]
    found = read(tmp_path / "m.onnx", model(nodes, [info("x", 1, 4)], [info("y")], [tensor("w", weight(4, 4))]))
    assert any("acme.Secret" in note for note in found.notes)
    assert any(op.unknown for layer in found.layers for op in layer.operators)
    assert found.parameters == 16


def test_batch_normalization_has_untrained_values(tmp_path):
    stored = [tensor(name, weight(6)) for name in ("scale", "shift", "mean", "variance")]
    nodes = [node("BatchNormalization", ["x", "scale", "shift", "mean", "variance"], ["y"])]
    found = read(tmp_path / "m.onnx", model(nodes, [info("x", 1, 6, 4, 4)], [info("y")], stored))
    assert found.parameters == 24
    assert found.attributes["trainable_parameters"] == 12


def test_claims_by_content(tmp_path, advisor):
    hidden = tmp_path / "network.bin"
    hidden.write_bytes(linear())
    from advisor_onnx.reader import OnnxReader

    assert OnnxReader().claims(ModelSource("n", path=hidden))
    for other in (
        b"",
        b"\x08",
        b"{}",
        b"\x08\x07",
        b"GGUF" + b"\0" * 64,
        b"PK\x03\x04",
        b"\x80\x02}",
        b"\x42\x00" * 20,
    ):
        hidden.write_bytes(other)
        assert not OnnxReader().claims(ModelSource("n", path=hidden)), other


def test_sparse_weights_count_what_is_stored(tmp_path):
    sparse = message((1, tensor("w", weight(5))), (2, tensor("i", np.arange(5))), (3, 4), (3, 4))
    body = message(
        (1, node("MatMul", ["x", "w"], ["y"])), (2, "g"), (15, sparse), (11, info("x", 1, 4)), (12, info("y"))
    )
    found = read(tmp_path / "m.onnx", message((1, 10), (7, body), (8, message((2, 21)))))
    assert found.parameters == 5
    assert found.forward_flops() == 2 * 16


def test_attribute_writer_is_sound():
    assert attribute("axis", -1).startswith(b"\x0a\x04axis\x18\xff")
