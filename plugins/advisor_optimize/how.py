"""How a step is done, by technique and framework: commands of the frameworks' own tools, from ``how.toml``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from advisor.compiled import toml_data


@lru_cache(maxsize=1)
def _commands() -> Mapping[str, Any]:
    return toml_data(Path(__file__).with_name("how.toml"))


def how(label: str, frameworks: Sequence[str], model: str, doc: str) -> tuple[str, str, str]:
    """Framework, command and source of a step; the technique's own doc where no command is known.

    ``label`` is that of a recipe (``awq=64``) or ``batch 32``. A file type of GGUF is one command for all.
    """
    name, _, setting = label.replace(" ", "=").partition("=")
    table = _commands()
    gguf = doc.startswith("GGUF")
    entries = table.get("gguf" if gguf else name, {})
    for framework in frameworks or entries:
        if framework in entries:
            entry = entries[framework]
            words = {"MODEL": model.rstrip("/"), "SETTING": setting or "128", "BATCH": setting, "TYPE": name.upper()}
            text = entry["run"]
            for word, value in words.items():
                text = text.replace(word, value)
            return framework, text, table["sources"][entry["source"]]
    return "", doc, ""
