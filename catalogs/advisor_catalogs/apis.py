"""Models that providers serve by the token: published prices, to set beside hardware of one's own."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from functools import cache

from advisor.errors import InputError
from advisor_catalogs.documents import catalog_root, read_text


@dataclass(frozen=True)
class TokenPrice:
    """What a provider asks for a million tokens of a model, in and out, US dollars."""

    model: str
    provider: str
    name: str
    input_usd_per_million: float
    output_usd_per_million: float
    source: str
    source_url: str
    date: str


@cache
def load_token_prices() -> tuple[TokenPrice, ...]:
    """Return the prices of ``apis.csv``."""
    answer = []
    for number, row in enumerate(csv.DictReader(io.StringIO(read_text(catalog_root() / "apis.csv"))), 2):
        try:
            answer.append(TokenPrice(**{**row, "input_usd_per_million": float(row["input_usd_per_million"]),
                                        "output_usd_per_million": float(row["output_usd_per_million"])}))  # type: ignore[arg-type]
        except (TypeError, ValueError) as error:
            raise InputError(f"apis.csv row {number}: {error}") from None
    return tuple(answer)
