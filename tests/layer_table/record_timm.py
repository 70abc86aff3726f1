"""Records what timm and torch count for the catalog's timm networks: ``python record_timm.py``."""

from __future__ import annotations

import json
import re
from pathlib import Path

ANSWERS = Path(__file__).parent / "data" / "timm.json"
INDEX = Path(__file__).parents[2] / "catalogs/advisor_catalogs/models"


def count(name: str, size: int | None) -> tuple[int, int, int]:
    """Image edge, parameters and FLOPs of one image."""
    import timm
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    with torch.device("meta"):
        module = timm.create_model(name, pretrained=False).eval()
    edge = size or module.default_cfg["input_size"][1]
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        module(torch.empty(1, 3, edge, edge, device="meta"))
    return edge, sum(parameter.numel() for parameter in module.parameters()), int(counter.get_total_flops())


def sizes() -> dict[str, int | None]:
    """The catalog's timm ids and the image size that a table or an id gives."""
    answer: dict[str, int | None] = {}
    for row in json.loads((INDEX / "index_vision_encoders.json").read_text())["models"]:
        if not row["id"].startswith("timm/"):
            continue
        document = json.loads((INDEX / f"{row.get('document', row['id'])}.json").read_text())
        at = re.search(r"@(\d+)$", row["id"])
        answer[row["id"]] = int(at[1]) if at else document["input"][1] if "layer_table" in document else None
    return answer


def main() -> None:
    import timm
    import torch

    counted = {}
    for name, size in sizes().items():
        counted[name] = count(name.removeprefix("timm/").partition("@")[0], size)
        print(name, counted[name], flush=True)
    lines = ",\n".join(f"{json.dumps(name)}: {json.dumps(values)}" for name, values in counted.items())
    source = f"timm {timm.__version__}, torch {torch.__version__}: image edge, parameters, flop_counter of one image"
    ANSWERS.write_text(f'{{"source": {json.dumps(source)}, "answers": {{\n{lines}\n}}}}\n')


if __name__ == "__main__":
    main()
