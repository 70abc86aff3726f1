"""How old figures may be, by kind; and none is of a day that is yet to come."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any

#: Years after which figures of a kind are too old; of an offer by its term, where that moves faster.
OLD_YEARS = {"offer": 3.0, "spot": 2.0, "charge": 3.0, "token_price": 1.5, "currency": 1.0, "grid": 6.0,
             "grid_day": 7.0, "facility": 6.0}  # fmt: skip
#: Kinds of which the year that the figures are of counts, and not the day on which they were read.
OF_YEAR = ("grid", "grid_day")


def age_problems(own: Mapping[str, Sequence[Any]], today: date) -> Iterator[tuple[str, str]]:
    """Yield (check, line) for figures that are too old, or from a day after ``today``."""
    for kind in (name for name in OLD_YEARS if name in own):
        for record in own[kind]:
            name = f"{kind.replace('_', ' ')} {record.id}"
            for what, day in _days(kind, record):
                most = OLD_YEARS.get(getattr(record, "term", ""), OLD_YEARS[kind])
                if day > today:
                    yield "age", f"{name}: {what} is from {day}, which is yet to come"
                elif (today - day).days > 365.25 * most:
                    yield "age", f"{name}: {what} is from {day}, too old for {getattr(record, 'term', '') or kind}"


def _days(kind: str, record: Any) -> Iterator[tuple[str, date]]:
    """What is dated in an entry: its year, or its own sources; purchase prices of one's own hardware do not age so."""
    if kind in OF_YEAR:
        yield "its year", date(record.year, 1, 1)
    elif kind == "offer":
        if "price" in record.sources and not record.on_premises:
            yield "price", record.sources["price"].date
    else:
        for key, source in record.sources.items():
            yield f"source {key}", source.date
