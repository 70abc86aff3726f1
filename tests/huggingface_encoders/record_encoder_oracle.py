"""Records what transformers builds, for tests without torch: ``python record_encoder_oracle.py [TYPE ...]``."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from encoder_oracle import count_flops, count_parameters, document_of, make_config, make_model

# Model type to configurations whose parameters are compared, and small ones for FLOPs.
CASES = json.loads((Path(__file__).parent / "data" / "cases.json").read_text())
ANSWERS = Path(__file__).parent / "data" / "oracle.json"
SHAPES = ((1, 128), (4, 128), (1, 512))


def record(model_type: str) -> list[dict[str, Any]]:
    rows = []
    for kind in ("parameters", "flops"):
        for overrides in CASES[model_type].get(kind, []):
            config = make_config(model_type, overrides)
            row: dict[str, Any] = {"model_type": model_type, "overrides": overrides, "document": document_of(config),
                                   "parameters": count_parameters(make_model(config))}  # fmt: skip
            if kind == "flops":
                model = make_model(config, "cpu")
                row["flops"] = [[batch, tokens, count_flops(model, batch, tokens)] for batch, tokens in SHAPES]
            rows.append(row)
    return rows


def main(wanted: list[str]) -> None:
    import transformers

    rows = json.loads(ANSWERS.read_text())["answers"] if ANSWERS.exists() else []
    for model_type in wanted or list(CASES):
        try:
            new = record(model_type)
        except Exception as error:  # report it and go on with the next
            print(f"{model_type}: {type(error).__name__}: {str(error)[:300]}")
            continue
        rows = [row for row in rows if row["model_type"] != model_type] + new
        print(model_type, [row["parameters"] for row in new], [row.get("flops") for row in new][-1])
    lines = ",\n".join(json.dumps(row, sort_keys=True, separators=(",", ":")) for row in rows)
    source = f"transformers {transformers.__version__} on the meta device, parameters() without buffers"
    ANSWERS.write_text(f'{{"source":"{source}","answers":[\n{lines}\n]}}\n')


if __name__ == "__main__":
    main(sys.argv[1:])
