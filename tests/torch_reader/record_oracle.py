"""Exports modules of torch to ``.pt2`` and records what torch says of them.

Run where torch is installed: ``python record_oracle.py``. Weights and sample inputs are taken out of the
archives afterwards: the reader reads the program alone.
"""

from __future__ import annotations

import io
import json
import lzma
import zipfile
from pathlib import Path

import torch
from torch_modules import CASES, count

DATA = Path(__file__).parent / "data"


def main() -> None:
    answers = {}
    for name, (make, inputs, shapes) in CASES.items():
        torch.manual_seed(0)
        module = make().eval()
        stream = io.BytesIO()
        torch.export.save(torch.export.export(module, inputs, dynamic_shapes=shapes), stream)
        archive = zipfile.ZipFile(stream)
        member = next(one for one in archive.namelist() if one.endswith("models/model.json"))
        document = json.loads(archive.read(member))
        for node in document["graph_module"]["graph"]["nodes"]:
            stack = node["metadata"].get("nn_module_stack")
            node["metadata"] = {"nn_module_stack": stack} if stack else {}
        document["graph_module"]["module_call_graph"] = []
        text = json.dumps(document, separators=(",", ":"))
        (DATA / f"{name}.json.xz").write_bytes(lzma.compress(text.encode(), preset=9))
        answers[name] = {"parameters": sum(p.numel() for p in module.parameters()), "flops": count(module, inputs)}
        print(name, answers[name])
    (DATA / "answers.json").write_text(json.dumps(answers, indent=1, sort_keys=True) + "\n")


if __name__ == "__main__":
    main()
