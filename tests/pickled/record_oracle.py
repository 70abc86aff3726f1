"""Records what torch saves: run with ``python record_oracle.py`` where torch is installed.

Writes data/*.pt.gz and data/answers.json (name: dtype, shape, bytes of each tensor).
"""

from __future__ import annotations

import gzip
import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

HERE = Path(__file__).parent / "data"


class Net(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embed = torch.nn.Embedding(100, 32)
        self.norm = torch.nn.BatchNorm1d(32)
        self.head = torch.nn.Linear(32, 100, bias=False)
        self.head.weight = self.embed.weight  # tied
        self.narrow = torch.nn.Parameter(torch.zeros(3, 5, dtype=torch.bfloat16))
        self.register_buffer("mask", torch.zeros(4, 4, dtype=torch.bool))
        self.register_buffer("view", torch.zeros(64)[8:24].view(4, 4))
        self.register_buffer("eight", torch.zeros(16, dtype=torch.float8_e4m3fn))


def flat(state: Mapping[str, Any]) -> dict[str, list[Any]]:
    return {name: [str(value.dtype).removeprefix("torch."), list(value.shape), value.numel() * value.element_size()]
            for name, value in state.items()}  # fmt: skip


def main() -> None:
    net = Net()
    state = net.state_dict()
    legacy = {name: value for name, value in state.items() if value.dtype != torch.float8_e4m3fn}
    optimizer = torch.optim.Adam(net.parameters())
    saved = {
        "zip": (state, {}, flat(state)), "legacy": (legacy, {"_use_new_zipfile_serialization": False}, flat(legacy)),
        "checkpoint": ({"epoch": 3, "model_state_dict": state, "optimizer": optimizer.state_dict()}, {}, flat(state)),
        "parameters": (dict(net.named_parameters()), {}, flat(dict(net.named_parameters()))),
        "module": (torch.nn.Linear(3, 4), {}, {}),
    }  # fmt: skip
    answers = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, (value, options, answer) in saved.items():
            path = Path(folder) / f"{name}.pt"
            torch.save(value, path, **options)
            (HERE / f"{name}.pt.gz").write_bytes(gzip.compress(path.read_bytes(), 9, mtime=0))
            answers[name] = answer
    (HERE / "answers.json").write_text(json.dumps(answers, indent=1) + "\n")


if __name__ == "__main__":
    main()
