"""Models that torch, transformers, torchvision and ONNX Runtime exported, against what they say of them."""

import base64
import json
import math

import pytest
from onnx_support import answers, packed, read

#: What depends on data: text, what a search finds, and loops whose count is computed. The reader takes the most.
BY_DATA = ("strnorm", "string_split", "unique", "nonmaxsuppression", "nonzero", "loop11", "range_", "melweightmatrix",
           "affine_grid", "window_")  # fmt: skip

#: Parameters that the exporter changed: a folded batch normalization leaves a bias where there was a scale and a
#: shift, the class token is stored once for each of the two samples, and group normalization stores constants.
CHANGED = {"resnet50.export": -26560, "mobilenet_v3_large.export": -12200, "upsampling.export": -12, "vit.export": 64}
#: Exported with their moving statistics.
KEPT = {name for name in answers() if name.endswith(".script")} - {"bert.script"}


@pytest.mark.parametrize("name", sorted(answers()))
def test_exported_models_have_the_parameters_and_flops_of_their_source(name, tmp_path):
    wanted = answers()[name]
    options = {"dim": wanted["dim"]} | ({"seq_len": wanted["seq_len"]} if wanted["seq_len"] else {})
    model = read(tmp_path / f"{name}.onnx", packed(f"{name}.onnx.xz"), **options)
    assert model.forward_flops() == wanted["flops"]
    trained = wanted["parameters"] + CHANGED.get(name, 0)
    assert model.attributes["trainable_parameters"] == trained
    assert model.parameters == trained + (wanted["buffers"] if name in KEPT else 0)


def test_weights_are_not_needed_to_count_them(tmp_path):
    model = read(tmp_path / "resnet50.onnx", packed("resnet50.script.onnx.xz"))
    assert model.weight_bytes == 4 * model.parameters
    assert any("weights.bin" in note and "not in the folder" in note for note in model.notes)


def _same(got, wanted):
    if isinstance(wanted, list) and wanted and isinstance(wanted[0], list):
        return True  # a sequence: its first item's shape stands for it
    return list(got) == wanted


def test_shapes_of_the_node_tests_of_onnx(tmp_path):
    """Every standard operator, in 1594 small models; recorded from onnx by ``record_nodes.py``."""
    from advisor_onnx.dimensions import Dimensions
    from advisor_onnx.errors import OnnxError
    from advisor_onnx.parse import Parser
    from advisor_onnx.stored import Store
    from advisor_onnx.walk import Walk
    from advisor_onnx.wire import Wire

    cases = json.loads(packed("nodes.json.xz"))["cases"]
    wrong = []
    for case in cases:
        wire = Wire(base64.b64decode(case["model"]))
        walk = Walk(Parser(wire).document(), Store(wire, None), Dimensions({}))
        try:
            walk.run()
        except OnnxError as error:
            wrong.append((case["name"], str(error)))
            continue
        fits = all(_same(got, shape) for got, shape in zip(walk.outputs, case["shapes"], strict=False))
        if not fits or any("not a standard" in note for note in walk.notes):
            wrong.append((case["name"], f"{walk.outputs} is not {case['shapes']}"))
    assert [entry for entry in wrong if not any(word in entry[0] for word in BY_DATA)] == []
    assert len(wrong) < 40
    assert len(cases) > 1500
    assert math.isclose(len(wrong) / len(cases), 0, abs_tol=0.03)
