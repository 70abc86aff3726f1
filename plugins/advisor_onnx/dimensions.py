"""Sizes that a file leaves open: those the user gave, or documented defaults.

A leading axis, or one named like a batch, is 1; one named like a sequence, and the second axis of
whole numbers, is 128 (option ``seq_len``); the axes of an image are 224 (option ``image_size``); a
cache of past tokens is empty; any other is 1.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from advisor_onnx.document import ValueInfo
from advisor_onnx.errors import OnnxError, shown
from advisor_onnx.kinds import INT32, INT64

BATCH, SEQUENCE, IMAGE, PAST = 1, 128, 224, 0
MOST = 1 << 32

_NAMES: tuple[tuple[str, str], ...] = (
    ("batch", r"batch|^(n|b|bs|bsz)$"),
    ("past", r"past|cache"),
    ("sequence", r"seq|len|token|time|^(t|s|l)$|steps|context|total"),
    ("image", r"height|width|^(h|w)$|image|pixel"),
)
_TERM = re.compile(r"\s*([+\-*])\s*")


class Dimensions:
    """Resolves open sizes; ``given`` are the user's by name, ``chosen`` the defaults that were used."""

    def __init__(self, options: Mapping[str, Any]) -> None:
        dims = options.get("dim") or {}
        if not isinstance(dims, Mapping):
            raise OnnxError(f"option dim is {shown(dims)}; expected names with sizes, such as batch=8")
        self.given = {str(name): _size(f"dimension {shown(str(name))}", size, 0) for name, size in dims.items()}
        self.defaults = {
            "batch": BATCH, "past": PAST, "other": 1,
            "sequence": _size("seq_len", options.get("seq_len") or SEQUENCE, 1),
            "image": _size("image_size", options.get("image_size") or IMAGE, 1),
        }  # fmt: skip
        self.chosen: dict[str, int] = {}
        self.used: set[str] = set()
        self.names: dict[str, None] = {}

    def shape(self, info: ValueInfo) -> tuple[int, ...]:
        """Return the shape of an input."""
        if info.dims is None:
            raise OnnxError(f"input {shown(info.name)} does not say how many axes it has; export it with its shape")
        return tuple(self._resolve(info, axis, size) for axis, size in enumerate(info.dims))

    def unused(self) -> list[str]:
        """Names that the user gave and the file lacks."""
        return sorted(self.given.keys() - self.used)

    def _resolve(self, info: ValueInfo, axis: int, size: int | str | None) -> int:
        if isinstance(size, int):
            if size > MOST:
                raise OnnxError(
                    f"input {shown(info.name)}: axis {axis} has {size} entries; at most {MOST} are believed"
                )
            return size
        name = size or f"{info.name}.{axis}"
        self.names[name] = None
        if name in self.given:
            self.used.add(name)
            return self.given[name]
        total = self._expression(name)
        if total is not None:
            return total
        chosen = self.defaults[self._kind(info, axis, size)]
        self.chosen.setdefault(name, chosen)
        return self.chosen[name]

    def _expression(self, name: str) -> int | None:
        """Evaluate ``past_sequence + sequence`` where each name is known or was met before."""
        parts = _TERM.split(name)
        if len(parts) < 3 or len(parts) > 9:
            return None
        total: int | None = None
        for index in range(0, len(parts), 2):
            word = parts[index]
            size = int(word[:12]) if word.isdecimal() else self.given.get(word, self.chosen.get(word))
            if size is None:
                return None
            self.used.add(word)
            sign = parts[index - 1] if index else ""
            total = size if total is None else {"+": total + size, "-": total - size, "*": total * size}[sign]
        return total if total is not None and 0 <= total <= MOST else None

    def _kind(self, info: ValueInfo, axis: int, name: str | None) -> str:
        lower = (name or "").lower()
        for kind, expression in _NAMES:
            if re.search(expression, lower):
                return kind
        dims = info.dims or []
        if axis == 0:
            return "batch"
        if info.dtype in (INT32, INT64) or len(dims) == 3:
            return "sequence"
        return "image" if len(dims) in (4, 5) else "other"


def _size(what: str, value: Any, least: int) -> int:
    if isinstance(value, str) and value.strip().isdecimal() and len(value) < 20:
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= MOST:
        raise OnnxError(f"{what} is {shown(value)}; expected a whole number from {least} to {MOST}")
    return value
