"""Models that providers serve by the token: published prices, to set beside hardware of one's own."""

from __future__ import annotations

from pathlib import Path

from advisor.devices import Record
from advisor.records import NonNegativeFloat
from advisor_catalogs.documents import Table, file_name, read_csv

COLUMNS = ("model", "provider", "name", "input_usd_per_million", "output_usd_per_million", "source", "source_url",
           "date")  # fmt: skip


class TokenPrice(Record, frozen=True, kw_only=True):
    """What a provider asks for a million tokens of a model, in and out, US dollars; ``name`` is its name there."""

    id: str
    model: str
    provider: str
    name: str
    input_usd_per_million: NonNegativeFloat
    output_usd_per_million: NonNegativeFloat


def read_token_prices(file: Path) -> tuple[list[Table], list[str]]:
    """Return the tables of ``apis.csv`` and the ``file row`` of each."""
    tables, where = [], []
    for line, row in read_csv(file, COLUMNS, (), file_name(file)):
        source = {"title": row.pop("source"), "url": row.pop("source_url"), "date": row.pop("date")}
        tables.append({"id": f"{row['provider']}/{row['name']}", **row, "sources": {"price": source}})
        where.append(line)
    return tables, where


def load_token_prices(folder: Path | None = None) -> list[TokenPrice]:
    """Return the prices of the catalog, or of ``folder/apis.csv``."""
    from advisor_catalogs.loading import load_records

    return load_records("token_price", folder)
