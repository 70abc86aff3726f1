"""Parameters and FLOPs against what transformers builds: recorded answers always, live where torch is there."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import pytest

from advisor_huggingface.reader import read_document

DATA = Path(__file__).parent / "data"
ANSWERS = json.loads((DATA / "oracle.json").read_text())["answers"]


def _name(row):
    changed = ",".join(name for name in row["overrides"] if name != "architectures")
    return f"{row['model_type']}-{''.join(row['overrides'].get('architectures', []))}-{changed[:40]}"


def forward_flops(model, batch, tokens):
    """FLOPs of every stack, the encoder's over as many positions as it has."""
    positions = model.attributes.get("encoder_positions")
    total = 0
    for layer in model.layers:
        length = positions if layer.stack == "encoder" and positions else 1 if model.unit == "sample" else tokens
        total += layer.count * sum(op.copies * op.flops(batch * length, length) for op in layer.operators)
    return total


@pytest.mark.parametrize("row", ANSWERS, ids=_name)
def test_parameters_equal_transformers(row):
    assert read_document(row["document"], "config.json", "model").parameters == row["parameters"]


@pytest.mark.parametrize("row", [row for row in ANSWERS if row.get("flops")], ids=_name)
def test_flops_equal_flop_counter(row):
    model = read_document(row["document"], "config.json", "model")
    for batch, tokens, flops in row["flops"]:
        assert forward_flops(model, batch, tokens) == pytest.approx(flops, rel=1e-3)


HAS_ORACLE = all(importlib.util.find_spec(name) is not None for name in ("torch", "transformers"))


@pytest.mark.skipif(not HAS_ORACLE, reason="torch and transformers are not installed")
@pytest.mark.parametrize("model_type", sorted({row["model_type"] for row in ANSWERS}))
def test_live_oracle(model_type):
    import sys

    sys.path.insert(0, str(Path(__file__).parent))
    from encoder_oracle import count_parameters, document_of, make_config, make_model

    for overrides in json.loads((DATA / "cases.json").read_text())[model_type]["parameters"]:
        config = make_config(model_type, overrides)
        read = read_document(document_of(config), "config.json", "model")
        assert read.parameters == count_parameters(make_model(config))
