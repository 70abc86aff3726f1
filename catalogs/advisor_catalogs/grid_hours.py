"""How the carbon intensity of a grid runs over the day: each hour's mean over the year's mean."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from advisor.devices import Record
from advisor.records import PositiveFloat
from advisor_catalogs.documents import Table, file_name, read_csv

HOURS = tuple(f"utc_{hour:02d}" for hour in range(24))
COLUMNS = ("grid", "year", *HOURS, "source", "source_url", "date")
OPTIONAL = ("estimated",)


class GridDay(Record, frozen=True, kw_only=True):
    """Intensity of each hour of the day (UTC) over the mean of the year; ``id`` is the grid."""

    id: str
    year: int
    shares: tuple[PositiveFloat, ...]


def read_grid_days(file: Path) -> tuple[list[Table], list[str]]:
    """Return the tables of ``grid_hours.csv`` and the ``file row`` of each."""
    tables, where = [], []
    for line, row in read_csv(file, COLUMNS, OPTIONAL, file_name(file)):
        source = {"title": row["source"], "url": row["source_url"], "date": row["date"]}
        table: Table = {"id": row["grid"], "year": row["year"], "shares": [row[hour] for hour in HOURS],
                        "sources": {"hours": source}}  # fmt: skip
        if row.get("estimated"):
            table["estimated"] = {"shares": row["estimated"]}
        tables.append(table)
        where.append(line)
    return tables, where


def load_grid_hours(folder: Path | None = None) -> Mapping[str, GridDay]:
    """Return the daily course of each grid that has one, by the grid's id."""
    from advisor_catalogs.loading import load_records

    return {day.id: day for day in load_records("grid_day", folder)}
