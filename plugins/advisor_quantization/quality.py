"""Quality that techniques keep, estimated from published results.

The rule: the value is the mean of the results that speak for the kind of model, weighted by nearness in
the logarithm of the size (a Gaussian kernel of a third of a decade); the ends of the 80 % interval lie
1.28 weighted standard deviations away. Beyond half a decade from any result the spread grows with the
distance. Perplexities count by their ratio, unchanged over changed. A ratio above one is noise of the benchmark: it
counts in the spread, and the value stops at one. The size of a mixture of experts is that of all its parameters.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from importlib import import_module
from pathlib import Path
from typing import Any, Literal, NamedTuple

from msgspec import Struct

from advisor.candidates import Array, Candidates
from advisor.compiled import toml_data
from advisor.devices import Source
from advisor.models import Model
from advisor.operators import Convolution

Kind = Literal["language", "convolutional", "other"]

#: Width of the kernel, in decades of parameters.
KERNEL_DECADES = 1 / 3
#: Ends of an 80 % interval of a normal distribution, in standard deviations.
EIGHTY_PERCENT = 1.2816
#: Repeated runs of one benchmark differ by about half a percent; fewer than three results say less.
LEAST_SPREAD = 0.004
LEAST_SPREAD_OF_FEW = 0.01
HIGHEST = 1.02


class Kept(NamedTuple):
    """Share of the unchanged model's quality that is kept, with its 80 % interval."""

    value: float
    low: float
    high: float


class Result(Struct, frozen=True):
    """One published result: what was measured, and the share of the quality that was kept."""

    kind: str
    kept: float
    parameters: float | None
    source: str
    what: str


class QualityTable(Struct, frozen=True):
    """Published results by technique, with their sources."""

    results: dict[str, tuple[Result, ...]]
    sources: dict[str, Source]

    def sources_of(self, *techniques: str) -> tuple[Source, ...]:
        """Sources of the results of the techniques, each once, in order."""
        keys = dict.fromkeys(result.source for name in techniques for result in self.results.get(name, ()))
        return tuple(self.sources[key] for key in keys)

    def rates(self, technique: str, model: Model) -> bool:
        """Whether any published result speaks for this kind of model."""
        return bool(self._speaking(technique, model))

    def estimate(self, technique: str, model: Model) -> Kept | None:
        """Estimate what the technique keeps of the model's quality; None where nothing is published."""
        results = self._speaking(technique, model)
        if not results:
            return None
        size = math.log10(max(model.parameters, 1))
        decades = [0.0 if r.parameters is None else abs(math.log10(r.parameters) - size) for r in results]
        nearest = min(decades)
        weights = [math.exp((nearest**2 - d**2) / (2 * KERNEL_DECADES**2)) for d in decades]
        total = sum(weights)
        mean = sum(w * r.kept for w, r in zip(weights, results, strict=True)) / total
        variance = sum(w * (r.kept - mean) ** 2 for w, r in zip(weights, results, strict=True)) / total
        least = LEAST_SPREAD if len(results) >= 3 else LEAST_SPREAD_OF_FEW
        reach = EIGHTY_PERCENT * max(math.sqrt(variance), least) * max(1.0, nearest / 0.5)
        value = min(mean, 1.0)
        return Kept(value, max(0.01, min(value, mean - reach)), min(HIGHEST, max(value, mean + reach)))

    def _speaking(self, technique: str, model: Model) -> list[Result]:
        kind = kind_of(model)
        return [result for result in self.results.get(technique, ()) if result.kind in (kind, "any")]


def kind_of(model: Model) -> Kind:
    """Tell which published results speak for a model, from what it is made of."""
    if model.unit == "token":
        return "language"
    if any(isinstance(op, Convolution) for op, _ in model.operators()):
        return "convolutional"
    return "other"


def keep_quality(rows: Candidates, *kept: Kept | tuple[float, float, float]) -> None:
    """Multiply the quality by what techniques keep; ends multiply too, as if their losses went together."""
    value: Array | float = rows["quality"]
    low: Array | float = rows["quality.low"]
    high: Array | float = rows["quality.high"]
    for factor in kept:
        value, low, high = value * factor[0], low * factor[1], high * factor[2]
    rows.set_interval("quality", value, low, high)


def make_table(document: dict[str, Any]) -> QualityTable:
    """Build a table from a parsed ``quality.toml``; every result must name a listed source."""
    sources = {key: Source.checked(entry) for key, entry in document["sources"].items()}
    results = {name: tuple(_result(entry) for entry in entries) for name, entries in document["results"].items()}
    for name, found in results.items():
        unknown = [result.source for result in found if result.source not in sources]
        if unknown:
            raise ValueError(f"results of {name}: source {unknown[0]!r} is not listed")
    return QualityTable(results, sources)


def _result(entry: dict[str, Any]) -> Result:
    scores: Sequence[float] | None = entry.get("scores")
    perplexities: Sequence[float] | None = entry.get("perplexities")
    if perplexities:
        scores = perplexities[::-1]  # lower is better
    kept = scores[1] / scores[0] if scores else entry["kept"]
    return Result(entry["kind"], kept, entry.get("parameters"), entry["source"], entry["what"])


@lru_cache(maxsize=8)
def read_table(package: str) -> QualityTable:
    """Read the ``quality.toml`` of a package, once."""
    return make_table(toml_data(Path(str(import_module(package).__file__)).with_name("quality.toml")))
