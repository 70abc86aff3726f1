"""What a worker does: rank the combinations of a chunk. It is called in other processes, so it takes plain values."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from advisor.api import Advisor
from advisor.errors import InputError
from advisor.models import Model
from advisor.workload import make_workload
from advisor_sweep.grid import Grid

Record = dict[str, Any]
#: Models that a worker keeps read.
MODELS_KEPT = 8


def encoded_chunk(
    document: Mapping[str, Any], start: int, stop: int, without: Sequence[str] = (), suffix: str = ".json"
) -> bytes:
    """Rank a chunk and write it as the contents of its part, so that whoever gathers parts need only store them."""
    records = rank_chunk(document, start, stop, without)
    if suffix == ".json":
        return f"{json.dumps(records, allow_nan=False)}\n".encode()
    from advisor_sweep.output import parquet_bytes

    return parquet_bytes(records, [axis[0] for axis in document["axes"]])


def rank_chunk(document: Mapping[str, Any], start: int, stop: int, without: Sequence[str] = ()) -> list[Record]:
    """Rank the combinations from ``start`` to before ``stop`` of a grid; one flat record a candidate kept."""
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    grid = Grid.from_dict(document)
    answer: list[Record] = []
    for position in range(start, stop):
        labels, fields = grid.point(position)
        try:
            answer += _candidates(position, labels, fields, grid.keep, tuple(without))
        except InputError as error:  # a combination that contradicts itself is a line of the answer
            answer.append({"point": position, **labels, "feasible": False, "reasons": str(error)})
    return answer


@lru_cache(maxsize=4)
def _advisor(without: tuple[str, ...]) -> Advisor:
    return Advisor(without=without)


@lru_cache(maxsize=MODELS_KEPT)
def _model(name: str, without: tuple[str, ...]) -> Model:
    return _advisor(without).read(name)


def _candidates(
    position: int, labels: Record, fields: Record, keep: int, without: tuple[str, ...]
) -> list[Record]:  # fmt: skip
    fields = dict(fields)
    model = _model(fields.pop("model"), without)
    ranking = _advisor(without).rank(model, make_workload(fields))
    head = {"point": position, **labels, "evaluated": ranking.evaluated,
            "feasible_count": ranking.feasible_evaluated}  # fmt: skip
    kept = ranking.alternatives[:keep] or ranking.infeasible[:1]
    if not kept:
        return [{**head, "feasible": False, "reasons": "no hardware on offer passes the filters"}]
    return [{**head, **_record(candidate)} for candidate in kept]


def _record(candidate: Any) -> Record:
    offer = candidate.offer
    record: Record = {
        "rank": candidate.rank, "feasible": candidate.feasible, "reasons": "; ".join(candidate.reasons),
        "device": candidate.device.id, "device_count": candidate.device_count, "system": candidate.system.id,
        "offer": offer.id if offer else "", "provider": offer.provider if offer else "",
        "offer_region": offer.region if offer else "", "offer_term": offer.term if offer else "",
        "recipe": " ".join(candidate.recipe.values()), "batch": candidate.batch,
    }  # fmt: skip
    for name, figure in {**candidate.estimates, **candidate.objectives}.items():
        plain = figure.to_dict()  # rounded to six digits, and null where not known
        record |= {name: plain["value"], f"{name}_low": plain["low"], f"{name}_high": plain["high"]}
    return record
