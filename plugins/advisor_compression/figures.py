"""The published figures of ``quality.toml`` beyond the plain results."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

from msgspec import Struct

from advisor.compiled import toml_data
from advisor.context import Context
from advisor.errors import InputError
from advisor.interfaces import Technique
from advisor_quantization.pins import pinned
from advisor_quantization.quality import EIGHTY_PERCENT, HIGHEST, Kept, QualityTable, make_table


class Pruned(Struct, frozen=True):
    """A published pruned model: the share of parameters it keeps, and the quality with its spread by task."""

    share: float
    kept: Kept
    what: str
    source: str


class Figures(Struct, frozen=True):
    """All figures of the package."""

    table: QualityTable
    pruned: tuple[Pruned, ...]
    depth: Pruned
    sparse_speedup: float


@lru_cache(maxsize=1)
def figures() -> Figures:
    """Read ``quality.toml``, once."""
    document = toml_data(Path(__file__).with_name("quality.toml"))
    pruned = tuple(sorted((_pruned(entry) for entry in document["pruned"]), key=lambda found: -found.share))
    return Figures(make_table(document), pruned, _pruned(document["depth"]), float(document["sparse_rate"]["speedup"]))


def _pruned(entry: dict[str, Any]) -> Pruned:
    """The mean score kept, and an 80 % interval from the spread of the tasks."""
    import statistics

    teacher, student = zip(*entry["tasks"], strict=True)
    value = sum(student) / sum(teacher)
    reach = EIGHTY_PERCENT * statistics.stdev(after / before for before, after in entry["tasks"])
    kept = Kept(value, value - reach, min(HIGHEST, value + reach))
    return Pruned(entry["share"], kept, entry["what"], entry["source"])


def wanted(technique: Technique, context: Context) -> bool:
    """Whether to offer a compression that needs retraining: a project, not a switch.

    It is offered where the user names it, or states by ``min_quality`` how much may be lost.
    """
    return pinned(technique, context) or context.workload.min_quality is not None


def share_kept(technique: Technique, setting: int | str, least: float) -> float:
    """A setting as a share kept of ``least`` to below 1; raises ``InputError``."""
    try:
        share = float(setting)
    except ValueError:
        share = 0.0
    if not least <= share < 1:
        raise InputError(f"{technique.name}: expected a share kept of {least:g} to below 1, not {setting!r}")
    return share
