"""Exchange rates: what a US dollar is in other currencies."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from advisor.errors import UnknownNameError
from advisor_catalogs.documents import catalog_root, read_toml


@dataclass(frozen=True)
class Currency:
    """ISO 4217 code, units a US dollar, and the source and day of the rate."""

    code: str
    per_usd: float
    source: str
    date: str


@cache
def find_currency(code: str) -> Currency:
    """Return a currency by its code, or raise ``UnknownNameError``."""
    document = read_toml(catalog_root() / "currencies.toml")
    source = document["source"]
    rates = {"USD": 1.0, **document["per_usd"]}
    if code.upper() not in rates:
        raise UnknownNameError("currency", code, rates)
    return Currency(code.upper(), float(rates[code.upper()]), source["title"], str(source["date"]))
