"""Layer tables: counts as torchvision and timm publish them, the format's limits, hostile files."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import pytest

from advisor.errors import ModelFileError
from advisor.interfaces import ModelSource
from advisor.testing.readers import reader_checks
from advisor_catalogs.model_entries import load_models
from advisor_huggingface.reader import HuggingFaceReader
from advisor_layer_table.reader import LayerTableReader

ENTRIES = {entry.id: entry for entry in load_models()}
COUNTED = json.loads((Path(__file__).parent / "data" / "timm.json").read_text())["answers"]
TABLE = {"layer_table": 1, "family": "tiny", "input": [3, 8, 8], "weight_format": "fp32", "stages": [
    {"name": "4x4", "rows": [["convolution", 2, 4, 8, 9, 2, 1, 64, 16], ["elementwise", 1, 256, 16, 128, "norm"]]},
    {"name": "1x1", "rows": [["linear", 1, 8, 10, 1, 1]]},
]}  # fmt: skip


def read(document, name="table"):
    source = ModelSource(name, given_document=document)
    reader = LayerTableReader() if LayerTableReader().claims(source) else HuggingFaceReader()
    return reader.read(source)


@pytest.mark.parametrize("name", COUNTED)
def test_catalog_equals_timm(name):
    edge, parameters, flops = COUNTED[name]
    model = read(ENTRIES[name].document, name)
    assert model.parameters == parameters
    assert model.forward_flops(1, 4) == pytest.approx(4 * flops, rel=1e-3)
    assert model.sample_elements == 3 * edge * edge


@pytest.mark.parametrize(("name", "parameters", "giga_multiply_adds"), [
    # as torchvision's documentation states them
    ("timm/vgg16", 138_357_544, 15.47), ("timm/densenet121", 7_978_856, 2.83),
    ("timm/mobilenetv2_100", 3_504_872, 0.30), ("timm/resnext50_32x4d", 25_028_904, 4.23),
    ("timm/efficientnet_b0", 5_288_548, 0.39), ("timm/wide_resnet50_2", 68_883_240, 11.4),
    ("timm/resnet50", 25_557_032, 4.09), ("timm/resnet18", 11_689_512, 1.81),
    ("timm/convnext_tiny", 28_589_128, 4.46), ("timm/swin_tiny_patch4_window7_224", 28_288_354, 4.49),
])  # fmt: skip
def test_published_counts(name, parameters, giga_multiply_adds):
    model = read(ENTRIES[name].document, name)
    assert model.parameters == parameters
    assert model.forward_flops() / 2e9 == pytest.approx(giga_multiply_adds, rel=0.02)


def test_by_hand():
    model = read(TABLE)
    assert model.unit == "sample"
    assert model.parameters == 2 * (4 * 9 * 8 // 2 + 8) + 16 + 8 * 10 + 10
    assert model.forward_flops() == 2 * 2 * 16 * (4 * 9 * 8 // 2) + 2 * 80
    assert model.weight_bytes == 4 * model.parameters
    assert [layer.name for layer in model.layers] == ["4x4", "1x1"]
    assert sum(c * op.activation_elements for op, c in model.operators()) == 2 * (4 * 64 + 8 * 16) + 256 + 18


@pytest.mark.parametrize(("row", "complaint"), [
    (["convolution", 1, 4, 8, 9, 3, 1, 64, 16], "groups 3 does not divide"),
    (["convolution", 1, 4, 8], "convolution takes count, inputs"),
    (["pooling", 1], "must be a list that begins with one of convolution"),
    (["linear", 1, 8, -10, 1, 1], "outputs: must be a whole number from 1"),
    (["linear", 1, 8, 2**60, 1, 1], "outputs: must be a whole number from 1"),
    (["linear", 1.5, 8, 10, 1, 1], "count: must be a whole number"),
])  # fmt: skip
def test_bad_rows_are_refused_with_their_place(row, complaint):
    document = {**TABLE, "stages": [{"name": "a", "rows": [row]}]}
    with pytest.raises(ModelFileError) as refused:
        read(document)
    assert complaint in str(refused.value)
    assert "stages[0].rows[0]" in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("change", [{"layer_table": 2}, {"input": []}, {"stages": []}, {"weight_format": "fp99"}])
def test_bad_tables_are_refused(change):
    with pytest.raises(ModelFileError, match=next(iter(change)).removesuffix("s")):
        read({**TABLE, **change})


def test_conformance(tmp_path):
    path = tmp_path / "table.json"
    path.write_text(json.dumps(TABLE))
    for check in reader_checks(LayerTableReader(), [TABLE, ENTRIES["timm/mobilenetv2_100"].document], [path]):
        check.run()


HAS_TIMM = all(importlib.util.find_spec(name) is not None for name in ("torch", "timm"))


@pytest.mark.skipif(not HAS_TIMM, reason="torch and timm are not installed")
@pytest.mark.parametrize("name", ["mobilenetv3_small_100", "efficientnet_b0", "mixer_b16_224"])
def test_recorded_tables_are_up_to_date(name):
    from advisor_layer_table.record import timm_table

    entry = ENTRIES[f"timm/{name}"].document
    assert timm_table(name) == dict(entry)
