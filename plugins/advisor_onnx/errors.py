"""The error of a graph that cannot be read, and how hostile text is shown in it."""

from __future__ import annotations

from typing import Any


class OnnxError(Exception):
    """A file or graph that cannot be read; the reader adds the file's name."""


def shown(value: Any, most: int = 60) -> str:
    """Write a hostile value on one short line."""
    if isinstance(value, int) and not isinstance(value, bool) and value.bit_length() > 200:
        return f"a number of {value.bit_length()} bits"
    if isinstance(value, (list, tuple)) and len(value) > 8:
        return f"a list of {len(value)} entries"
    text = "".join(c if c.isprintable() else "?" for c in repr(value)[: most * 4])
    return text if len(text) <= most else text[: most - 3] + "..."
