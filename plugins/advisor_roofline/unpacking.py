"""What unpacking stored weights costs, by format and framework: data of a backend's ``unpacking.toml``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from advisor.candidates import Array
from advisor.compiled import toml_data
from advisor.context import Context
from advisor.formats import CODES, FORMATS
from advisor_roofline.frameworks import letters

FIGURES = ("rate", "read")


class Unpacking:
    """Shares left of a rate where weights are unpacked to a wider format on the way, (frameworks, formats) each.

    ``rate`` is of matrix products, over those from weights in the wider format; ``read`` of the memory traffic, over
    that of other packed weights. 1 where a backend says nothing.
    """

    def __init__(self, frameworks: Iterable[str], package: str = "") -> None:
        document = _load(package) if package else {}
        tables = [_merged(document, name) for name in frameworks]
        self.rate, self.read = (np.array([_shares(table[figure]) for table in tables]) for figure in FIGURES)

    @classmethod
    def of(cls, context: Context, package: str = "") -> Unpacking:
        """Those of a plugin for the frameworks of a question, made once for as many as there are."""
        names = context.frameworks
        return context.once(f"{package}.unpacking.{len(names)}", lambda: cls(names, package))


@cache
def _load(package: str) -> Mapping[str, Any]:
    return toml_data(Path(str(import_module(package).__file__)).with_name("unpacking.toml"))


def _merged(document: Mapping[str, Any], framework: str) -> dict[str, dict[str, float]]:
    """The common figures, and over them those of the framework, whose version is ignored."""
    own = next((entry for name, entry in document.get("framework", {}).items() if letters(framework) == name), {})
    return {figure: {**document.get(figure, {}), **own.get(figure, {})} for figure in FIGURES}


def _shares(figures: Mapping[str, float]) -> Array:
    shares = np.ones(len(FORMATS))
    for name, share in figures.items():
        shares[CODES[name]] = share
    return shares
