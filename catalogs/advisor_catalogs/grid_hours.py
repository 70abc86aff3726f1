"""How the carbon intensity of a grid runs over the day: each hour's mean over the year's mean."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from advisor_catalogs.documents import catalog_root, read_text

HOURS = tuple(f"utc_{hour:02d}" for hour in range(24))


@dataclass(frozen=True)
class GridHours:
    """Intensity of each hour of the day (UTC) over the mean of the year, with its source."""

    grid: str
    year: int
    shares: tuple[float, ...]
    source: str
    source_url: str
    date: str


@cache
def load_grid_hours() -> Mapping[str, GridHours]:
    """Return the daily course of each grid that has one, by the grid's id."""
    rows = csv.DictReader(io.StringIO(read_text(catalog_root() / "grid_hours.csv")))
    return {row["grid"]: GridHours(row["grid"], int(row["year"]), tuple(float(row[hour]) for hour in HOURS),
                                   row["source"], row["source_url"], row["date"]) for row in rows}  # fmt: skip
