"""What serving frameworks add around the kernels: data in ``frameworks.toml``, one profile a framework."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from advisor.candidates import Array, Candidates
from advisor.compiled import toml_data
from advisor.context import Context

#: Machine field, figure in the profile, and factor to base units.
FIELDS = (
    ("step_seconds", "step_us", 1e-6),
    ("sequence_seconds", "sequence_us", 1e-6),
    ("tuning", "tuning", 1.0),
    ("unfused_passes", "unfused_passes", 1.0),
    ("attention_boost", "attention_boost", 1.0),
    ("image_passes", "image_passes", 1.0),
    ("optimizer_passes", "optimizer_passes", 1.0),
    ("score_passes", "score_passes", 1.0),
    ("layout_passes", "layout_passes", 1.0),
    ("exchange_overlap", "exchange_overlap", 1.0),
    ("eager_seconds", "eager_us", 1e-6),
    ("eager_routing_seconds", "eager_routing_us", 1e-6),
    ("request_seconds", "request_ms", 1e-3),
    ("burst_share", "burst_share", 1.0),
    ("waited_steps", "waited_steps", 1.0),
)


#: The table of what is used with a framework.
WITH = "with"


@cache
def profiles() -> Mapping[str, Mapping[str, Any]]:
    """All profiles by name."""
    return toml_data(Path(__file__).with_name("frameworks.toml"))


@cache
def profile(name: str) -> Mapping[str, Any]:
    """The profile of a framework, a version behind its name ignored; the default for an unknown one.

    What stands behind a comma is used with it: ``"transformers 5.2, liger"``.
    """
    known = profiles()
    first, *more = name.strip().lower().split(",")
    wanted = letters(first or "default")
    found = next(
        (entry for key, entry in known.items()
         if key != WITH and wanted in (letters(key), *entry.get("aliases", ()))), {}
    )  # fmt: skip
    used: dict[str, Any] = {}
    for text in more:
        used |= next((entry for key, entry in known[WITH].items() if _letters(text).startswith(_letters(key))), {})
    return {**known["default"], **found, **used}


def letters(name: str) -> str:
    """The letters of a framework's name, a version behind it ignored."""
    return _letters(re.split(r"[\s=]", name.strip().lower())[0])


def _letters(text: str) -> str:
    return re.sub("[^a-z]", "", text)


def framework_figure(rows: Candidates, context: Context, figure: str) -> Array:
    """One figure of each row's framework."""
    return _figures(context, figure)[rows["framework"]]


def framework_columns(rows: Candidates, context: Context) -> dict[str, tuple[Array, Array]]:
    """The profile figures of the frameworks, in base units, and each row's place among them."""
    return {field: (_figures(context, figure) * factor, rows["framework"]) for field, figure, factor in FIELDS}


def _figures(context: Context, figure: str) -> Array:
    """A figure of each framework of the question."""
    return np.array([profile(name)[figure] for name in context.frameworks], dtype=float)
