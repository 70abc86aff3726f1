"""The answer: ranked candidates, the infeasible ones with their reasons, and ways to write them."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any, overload

import numpy as np
from msgspec import Struct

from advisor.candidates import Array, Candidates
from advisor.columns import ESTIMATES, MEMORY_PARTS, TIME_PARTS
from advisor.context import Context
from advisor.devices import Device, System
from advisor.offers import Offer
from advisor.ranking.feasibility import Violation
from advisor.ranking.objectives import Measured
from advisor.ranking.pareto import dominated, pareto_front
from advisor.units import format_quantity

if TYPE_CHECKING:
    from advisor.ranking.certainty import Certainty
    from advisor.ranking.explanation import Explanation
    from advisor.ranking.under_load import UnderLoad
    from advisor.recipes import Choices
    from advisor.registry import Registry

RANK_SCHEMA = {"name": "advisor.rank", "version": 1}


class Figure(Struct, frozen=True):
    """A number with the ends of its 80 % interval and its unit."""

    value: float
    low: float
    high: float
    unit: str

    def to_dict(self) -> dict[str, Any]:
        """For JSON; a number that is not known is null."""
        return {"value": _number(self.value), "low": _number(self.low), "high": _number(self.high), "unit": self.unit}

    def __str__(self) -> str:
        return format_quantity(self.value, self.unit)


def _number(value: float) -> float | None:
    return None if math.isnan(value) or math.isinf(value) else float(f"{value:.6g}")


class Candidate(Struct, frozen=True):
    """One row of a ranking, seen as an object. ``rank`` is None where it is infeasible."""

    ranking: Ranking
    row: int
    rank: int | None
    table: Candidates

    def column(self, name: str) -> float:
        """Raw value of a column of the candidate table."""
        return float(self.table.value(name, self.row))

    @property
    def model_name(self) -> str:
        """Name of the model."""
        return self.ranking.context.model.name

    @property
    def system(self) -> System:
        """The system of which it uses ``system_count``."""
        return self.ranking.context.system_list[int(self.table.value("system", self.row))]

    @property
    def device(self) -> Device:
        """The device."""
        return self.ranking.context.device_list[int(self.table.value("device", self.row))]

    @property
    def device_count(self) -> int:
        """Devices over all units."""
        return int(self.table.value("device_count", self.row) * self.table.value("units", self.row))

    @property
    def system_count(self) -> int:
        """Systems over all units."""
        return int(self.table.value("nodes", self.row) * self.table.value("units", self.row))

    @property
    def offer(self) -> Offer | None:
        """Where it can be had, if known."""
        index = int(self.table.value("offer", self.row))
        return self.ranking.context.offer_list[index] if index >= 0 else None

    @property
    def recipe(self) -> dict[str, str]:
        """Slot to technique, for those it uses."""
        return self.ranking.choices.recipe(self.table, self.row)

    @property
    def frameworks(self) -> list[str]:
        """Frameworks that run its recipe on its device; empty where none is known."""
        return self.ranking.context.legality.names(int(self.table.value("frameworks", self.row)))

    @property
    def batch(self) -> int:
        """Requests or samples in flight in one replica."""
        return int(self.table.value("batch", self.row))

    @property
    def estimated(self) -> bool:
        """Whether backends estimated its time; false where its memory already ruled it out."""
        return self.table is self.ranking.rows

    @property
    def feasible(self) -> bool:
        """Whether it breaks no rule."""
        return self.estimated and self.row < self.ranking.feasible_count

    @property
    def on_pareto_front(self) -> bool:
        """Whether no other feasible candidate is at least as good in every aspect and better in one."""
        ranking = self.ranking
        return self.feasible and not dominated(ranking.front_losses[self.row], ranking.front_losses)

    @property
    def alike(self) -> list[Candidate]:
        """The same hardware with the same recipe from others, nearly as good, which an alternative stands for."""
        return [self.ranking.at(row) for row in self.ranking.folded.get(self.row, [])] if self.feasible else []

    @property
    def certainty(self) -> Certainty | None:
        """How sure it is the best, and keeps the limits; None but for the first alternatives."""
        return self.ranking.certainty.get(self.row) if self.feasible else None

    @property
    def score(self) -> float:
        """The ranker's score, lower is better."""
        return float(self.ranking.score[self.row]) if self.estimated else math.inf

    @property
    def reasons(self) -> list[str]:
        """Why it is infeasible; empty if it is not."""
        if not self.estimated:
            need = format_quantity(self.column("memory"), "B")
            have = format_quantity(self.device.memory_gib * 2**30, "B")
            return [f"does not fit in memory: needs {need} a device, which has {have}"]
        return [v.reason(self.row) for v in self.ranking.violations if v.rows[self.row]]

    @property
    def estimates(self) -> dict[str, Figure]:
        """What the backend estimated."""
        answer = {}
        for column in ESTIMATES:
            if column.interval and column.name in self.table:
                low, high = self.column(f"{column.name}.low"), self.column(f"{column.name}.high")
                answer[column.name] = Figure(self.column(column.name), low, high, column.unit)
        return answer

    @property
    def objectives(self) -> dict[str, Figure]:
        """What scorers made of it."""
        if not self.estimated:
            return {}
        return {
m.objective.name: Figure(*m.at(self.row), m.objective.unit)
            for m in self.ranking.measured if not m.is_estimate
        }  # fmt: skip

    @property
    def under_load(self) -> UnderLoad | None:
        """What its requests meet under the request rate, if there is one."""
        from advisor.ranking.under_load import under_load

        return under_load(self)

    def parts(self, group: str) -> dict[str, Figure]:
        """Parts of ``memory`` or of ``time``."""
        columns = MEMORY_PARTS if group == "memory" else TIME_PARTS
        values = {c: self.column(c.name) for c in columns if c.name in self.table}
        return {c.name.removeprefix(f"{group}_"): Figure(v, v, v, c.unit) for c, v in values.items()}

    @property
    def bound(self) -> str:
        """The part that takes most of a step: compute, memory, link, launch or host."""
        parts = self.parts("time")
        return max(parts, key=lambda name: parts[name].value) if parts else ""

    @property
    def layout(self) -> dict[str, int]:
        """Parallel degrees and batches as plain numbers."""
        names = [
            "tensor_parallel",
            "pipeline_parallel",
            "data_parallel",
            "expert_parallel",
            "context_parallel",
            "batch",
        ]
        if self.ranking.context.workload.trains:
            names += ["micro_batch", "global_batch"]
        return {name: int(self.table.value(name, self.row)) for name in names}

    def to_dict(self) -> dict[str, Any]:
        """For JSON, as ``docs/json.md`` describes."""
        offer = self.offer
        return {
            "rank": self.rank,
            "feasible": self.feasible,
            "reasons": self.reasons,
            "device": self.device.id,
            "device_name": self.device.name,
            "kind": self.device.kind,
            "vendor": self.device.vendor,
            "device_count": self.device_count,
            "system": self.system.id,
            "system_count": self.system_count,
            "offer": None if offer is None else {
                "id": offer.id, "provider": offer.provider, "instance": offer.instance, "region": offer.region,
                "country": offer.country, "term": offer.term, "price_usd_per_hour": offer.price_usd_per_hour,
            },
            "recipe": self.recipe,
            "frameworks": self.frameworks,
            "layout": self.layout,
            "estimates": {name: figure.to_dict() for name, figure in self.estimates.items()},
            "objectives": {name: figure.to_dict() for name, figure in self.objectives.items()},
            "memory_parts": {name: figure.to_dict() for name, figure in self.parts("memory").items()},
            "time_parts": {name: figure.to_dict() for name, figure in self.parts("time").items()},
            "bound": self.bound,
            "pareto": self.on_pareto_front,
            "score": _number(self.score),
            "certainty": self._certainty_dict(),
            "alike": [other.offer.id for other in self.alike if other.offer is not None],
        }  # fmt: skip

    def _certainty_dict(self) -> dict[str, Any]:
        known = self.certainty
        if known is None:
            return {"best": None, "keeps_limits": None, "limits": {}, "tied_with": None}
        limits = {name: _number(chance) for name, chance in known.limits.items()}
        return {"best": _number(known.best), "keeps_limits": _number(known.keeps_limits), "limits": limits,
                "tied_with": known.tied_with + 1}  # fmt: skip


class Ranking(Struct, frozen=True, dict=True):
    """Candidates in order. It iterates and slices over its alternatives: the best of each kind of hardware.

    ``rows`` is the table, the ``feasible_count`` feasible rows first; ``too_big`` holds the nearest misses of
    memory. Of very many candidates not all are kept: ``evaluated`` and ``feasible_evaluated`` count them.
    """

    context: Context
    registry: Registry
    choices: Choices
    rows: Candidates
    too_big: Candidates
    feasible_count: int
    measured: list[Measured]
    violations: list[Violation]
    score: Array
    weights: Mapping[str, float]
    losses: Array
    evaluated: int
    feasible_evaluated: int
    estimated: tuple[Candidates, ...] | None  # before offers; None where not every candidate was kept
    again: Callable[[Context], Ranking]

    @cached_property
    def front_losses(self) -> Array:
        """Losses of the feasible rows in the aspects that carry weight: what the Pareto front is over."""
        aspects = [item.objective.aspect for item in self.measured if item.objective.aspect]
        used = [column for column, aspect in enumerate(aspects) if self.weights.get(aspect, 0.0) > 0]
        return np.asfortranarray(self.losses[: self.feasible_count][:, used])

    @cached_property
    def front(self) -> Array:
        """Mask of the rows on the exact Pareto front of what was kept."""
        answer = np.zeros(len(self.rows), dtype=bool)
        answer[: self.feasible_count] = pareto_front(self.front_losses)
        return answer

    def front_candidates(self, everything: bool = False) -> list[Candidate]:
        """Those on the Pareto front, in order: the first of each device and provider, or all."""
        rows = np.flatnonzero(self.front[: self.feasible_count])
        return [self.at(int(row)) for row in (rows if everything else self._firsts(rows, by_offer=True))]

    @cached_property
    def alternatives(self) -> list[Candidate]:
        """The best feasible candidate of each device and provider, in order, those that are alike as one."""
        return [Candidate(self, row, rank, self.rows) for rank, row in enumerate(self.folded, start=1)]

    @cached_property
    def folded(self) -> dict[int, list[int]]:
        """Row of each alternative to the rows of others that it stands for."""
        from advisor.ranking.folding import folded

        return folded(self, self._firsts(np.arange(self.feasible_count), by_offer=True))

    @cached_property
    def certainty(self) -> dict[int, Certainty]:
        """Row to how sure its place is, of the first alternatives."""
        from advisor.ranking.contenders import contenders

        found = contenders(self)
        return {candidate.row: known for candidate, known in zip(self.alternatives, found, strict=False)}

    @cached_property
    def infeasible(self) -> list[Candidate]:
        """The nearest miss of each device that has no feasible candidate."""
        served = set(self.rows["device"][: self.feasible_count].tolist())
        missed = self._firsts(np.arange(self.feasible_count, len(self.rows)), by_offer=False)
        answer = []
        for table, positions in ((self.rows, missed), (self.too_big, self._too_big_order())):
            for row in positions:
                device = int(table["device"][row])
                if device not in served:
                    served.add(device)
                    answer.append(Candidate(self, int(row), None, table))
        return answer

    @cached_property
    def excluded_best(self) -> Candidate | None:
        """What would be first but for the rules that it breaks; None where nothing excluded scores better."""
        excluded = self.score[self.feasible_count :]
        if not self.feasible_count or not len(excluded):
            return None
        best = int(np.argmin(excluded))
        better = excluded[best] < self.score[: self.feasible_count].min()
        return Candidate(self, self.feasible_count + best, None, self.rows) if better else None

    def everything(self) -> Iterator[Candidate]:
        """Every estimated candidate, feasible first, unfolded."""
        for row in range(len(self.rows)):
            yield Candidate(self, row, row + 1 if row < self.feasible_count else None, self.rows)

    def at(self, row: int) -> Candidate:
        """The feasible candidate in a row of the table."""
        return Candidate(self, row, row + 1, self.rows)

    def alternative_codes(self, positions: Array) -> Array:
        """A number for the real alternative that each row is of: its device and provider."""
        providers = [offer.provider for offer in self.context.offer_list] + [""]
        codes = {name: code for code, name in enumerate(dict.fromkeys(providers))}
        provider = np.array([codes[name] for name in providers], dtype=np.int64)
        device = self.rows["device"][positions].astype(np.int64)
        return np.asarray(device * len(codes) + provider[self.rows["offer"][positions]])

    def _firsts(self, positions: Array, by_offer: bool) -> Array:
        if not len(positions):
            return positions
        key = self.alternative_codes(positions) if by_offer else self.rows["device"][positions]
        _, first = np.unique(key, return_index=True)
        return np.asarray(positions[np.sort(first)])

    def _too_big_order(self) -> Array:
        if not len(self.too_big):
            return np.zeros(0, dtype=int)
        capacity = self.context.devices.memory_bytes[self.too_big["device"]]
        return np.argsort(self.too_big["memory"] / capacity, kind="stable")

    def __len__(self) -> int:
        return len(self.alternatives)

    def __iter__(self) -> Iterator[Candidate]:
        return iter(self.alternatives)

    @overload
    def __getitem__(self, index: int) -> Candidate: ...
    @overload
    def __getitem__(self, index: slice) -> list[Candidate]: ...
    def __getitem__(self, index: int | slice) -> Candidate | list[Candidate]:
        return self.alternatives[index]

    @property
    def best(self) -> Candidate | None:
        """The first candidate, or None where nothing is feasible."""
        return self.alternatives[0] if self.alternatives else None

    @property
    def warnings(self) -> list[str]:
        """What was left out, and other things the user should know."""
        return list(dict.fromkeys([*self.registry.plugins.warnings, *self.context.warnings]))

    def with_offers(
        self, offers: Iterable[Offer] = (), *, prices: Mapping[str, float] | None = None, without: Iterable[str] = ()
    ) -> Ranking:
        """The same question at other offers, without reading or estimating the model again.

        ``offers`` take the place of those of the same id, and stand beside the rest; ``prices`` are US dollars
        an hour by offer id; ``without`` are ids that are gone. Raises ``InputError`` for a wrong offer.
        """
        from advisor.ranking.repricing import with_offers

        return with_offers(self, offers, prices or {}, without)

    def explain(self, top: int = 5) -> Explanation:
        """Say why the order is as it is, and why the rest was left out."""
        from advisor.ranking.explanation import explain

        return explain(self, top)

    def to_dict(self, limit: int | None = None, everything: bool = False, front: bool = False) -> dict[str, Any]:
        """For JSON, as ``docs/json.md`` describes; ``limit`` bounds feasible and infeasible each."""
        context = self.context
        if front:
            listed = [*self.front_candidates(everything), *self.infeasible]
        else:
            listed = list(self.everything()) if everything else [*self.alternatives, *self.infeasible]
        if limit is not None:
            good = [c for c in listed if c.feasible][:limit]
            listed = good + [c for c in listed if not c.feasible][:limit]
        return {
            "schema": RANK_SCHEMA,
            "model": {"name": context.model.name, "family": context.model.family, "reader": context.model.reader,
                      "parameters": context.model.parameters},
            "workload": {"task": context.workload.task}
            | context.workload.to_plain(but_defaults=True),
            "weights": dict(self.weights),
            "excluded_best": None if self.excluded_best is None else self.excluded_best.to_dict(),
            "evaluated": self.evaluated,
            "feasible": self.feasible_evaluated,
            "candidates": [candidate.to_dict() for candidate in listed],
            "left_out": dict(context.left_out),
            "warnings": self.warnings,
        }  # fmt: skip

    def to_json(self, limit: int | None = None, everything: bool = False, indent: int | None = 2) -> str:
        """``to_dict`` as text."""
        return json.dumps(self.to_dict(limit, everything), indent=indent, allow_nan=False)

    def to_records(self) -> list[dict[str, Any]]:
        """One flat row a candidate: for CSV and pandas."""
        answer = []
        for candidate in [*self.alternatives, *self.infeasible]:
            offer = candidate.offer
            record: dict[str, Any] = {
                "rank": candidate.rank, "feasible": candidate.feasible, "reasons": "; ".join(candidate.reasons),
                "device": candidate.device.id, "device_count": candidate.device_count, "system": candidate.system.id,
                "provider": offer.provider if offer else "", "region": offer.region if offer else "",
                "term": offer.term if offer else "", "recipe": " ".join(candidate.recipe.values()),
                "frameworks": " ".join(candidate.frameworks),
            }  # fmt: skip
            for name, figure in {**candidate.estimates, **candidate.objectives}.items():
                record |= {name: _number(figure.value), f"{name}_low": _number(figure.low),
                           f"{name}_high": _number(figure.high)}  # fmt: skip
            answer.append(record)
        return answer

    def to_pandas(self) -> Any:
        """A pandas DataFrame of ``to_records``; needs pandas."""
        import pandas

        return pandas.DataFrame.from_records(self.to_records())
