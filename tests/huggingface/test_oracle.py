"""Parameters and FLOPs against what transformers builds: recorded answers always, live where torch is there."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import pytest

from advisor_huggingface.reader import read_document

ANSWERS = json.loads((Path(__file__).parent / "data" / "oracle.json").read_text())["answers"]


def _name(row):
    changed = ",".join(sorted(row["overrides"])) or "default"
    return f"{row['model_type']}-{changed[:60]}"


@pytest.mark.parametrize("row", ANSWERS, ids=_name)
def test_parameters_equal_transformers(row):
    assert read_document(row["document"], "config.json", "model").parameters == row["parameters"]


# Chunked linear attention and scans run other products than the recurrence: compared for parameters alone.
@pytest.mark.parametrize("row", [row for row in ANSWERS if row.get("flops")], ids=_name)
def test_flops_equal_flop_counter(row):
    model = read_document(row["document"], "config.json", "model")
    for batch, tokens, flops in row["flops"]:
        assert model.forward_flops(tokens, batch) == pytest.approx(flops, rel=1e-3)


HAS_ORACLE = all(importlib.util.find_spec(name) is not None for name in ("torch", "transformers"))


@pytest.mark.skipif(not HAS_ORACLE, reason="torch and transformers are not installed")
@pytest.mark.parametrize("model_type", sorted({row["model_type"] for row in ANSWERS}))
def test_live_oracle(model_type):
    import sys

    sys.path.insert(0, str(Path(__file__).parent))
    from oracle import count_parameters, document_of, make_config, make_model

    case = json.loads((Path(__file__).parent / "data" / "cases.json").read_text())[model_type]
    for overrides in (case.get("base", {}), *case["altered"]):
        config = make_config(model_type, overrides)
        read = read_document(document_of(config), "config.json", "model")
        assert read.parameters == count_parameters(make_model(config))
