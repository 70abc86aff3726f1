"""Architectures as transformers builds them (record_oracle.py), stored in one format and in several."""

import gzip
import json
from pathlib import Path

import pytest
from safetensors_made import size, write

from advisor.interfaces import ModelSource
from advisor_huggingface.families import by_type
from advisor_huggingface.reader import read_document
from advisor_safetensors.reader import SafetensorsReader

FAMILIES = json.loads(gzip.decompress((Path(__file__).parent / "data" / "families.json.gz").read_bytes()))


def dtype(name, shape, style):
    matrix = sum(extent > 1 for extent in shape) > 1
    if style == "one":
        return "BF16"
    if style == "norms wide":
        return "F16" if matrix else "F32"
    block = any(part.isdigit() for part in name.split("."))
    eight = matrix and block and "conv" not in name and "gate.weight" not in name and "v_proj" not in name
    return "F8_E4M3" if eight else "F32" if len(shape) == 1 else "BF16"


@pytest.mark.parametrize("style", ["one", "norms wide", "eight bits"])
@pytest.mark.parametrize("family", FAMILIES)
def test_every_tensor_finds_its_operator(tmp_path, family, style):
    config, shapes = FAMILIES[family]["config"], FAMILIES[family]["parameters"]
    if by_type(config["model_type"]) is None:
        pytest.skip("no such family yet")
    tensors = {name: (dtype(name, shape, style), shape) for name, shape in shapes.items()}
    write(tmp_path / "model.safetensors", tensors)
    (tmp_path / "config.json").write_text(json.dumps(config))
    model = SafetensorsReader().read(ModelSource(family, path=tmp_path))
    published = read_document(config, family, family)
    assert model.parameters == sum(size("U8", shape) for shape in shapes.values())
    if style == "eight bits" and FAMILIES[family].get("towers"):
        assert "the layers account for" in model.notes[-1]  # three formats within a tower: said, not resolved
        return
    assert model.weight_bytes == sum(size(*entry) for entry in tensors.values())
    assert model.forward_flops(100) == published.forward_flops(100)
    assert model.notes == published.notes
