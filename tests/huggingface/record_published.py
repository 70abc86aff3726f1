"""Records what transformers counts in the catalog's configurations: ``python record_published.py [ID ...]``."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from oracle import count_parameters, make_model

from advisor_catalogs.model_entries import load_models

ANSWERS = Path(__file__).parent / "data" / "published.json"


def build(document: dict[str, Any]) -> int:
    from transformers import AutoConfig

    plain = {key: value for key, value in document.items() if key not in ("model_type", "quantization_config")}
    for part in (plain, plain.get("text_config") or {}):
        part.pop("quantization_config", None)
    return count_parameters(make_model(AutoConfig.for_model(document["model_type"], **plain)))


def main(wanted: list[str]) -> None:
    answers = json.loads(ANSWERS.read_text()) if ANSWERS.exists() else {}
    for entry in load_models():
        if (wanted and not any(word in entry.id for word in wanted)) or (not wanted and entry.id in answers):
            continue
        try:
            answers[entry.id] = build(json.loads(json.dumps(dict(entry.document))))
        except Exception as error:  # a type that transformers lacks
            print(f"{entry.id}: {type(error).__name__}: {str(error)[:200]}")
            continue
        print(entry.id, answers[entry.id], flush=True)
    lines = ",\n".join(f"{json.dumps(name)}:{answers[name]}" for name in sorted(answers, key=str.lower))
    ANSWERS.write_text("{\n" + lines + "\n}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
