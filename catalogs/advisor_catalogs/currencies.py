"""Exchange rates: what a US dollar is in other currencies."""

from __future__ import annotations

from collections.abc import Iterable

from advisor.devices import Record
from advisor.errors import UnknownNameError
from advisor.records import PositiveFloat


class Currency(Record, frozen=True, kw_only=True):
    """``id`` is the ISO 4217 code, ``per_usd`` its units a US dollar on the day of the source."""

    id: str
    name: str
    per_usd: PositiveFloat

    @property
    def date(self) -> str:
        """Day of the rate."""
        return next((str(source.date) for source in self.sources.values()), "")


def find_currency(code: str, own: Iterable[Currency] = ()) -> Currency:
    """Return a currency by its code, the user's own first, or raise ``UnknownNameError``."""
    from advisor_catalogs.loading import load_records

    dollar = Currency(id="USD", name="US dollar", per_usd=1.0)
    rates = {rate.id: rate for rate in (dollar, *load_records("currency"), *own)}
    if code.upper() not in rates:
        raise UnknownNameError("currency", code, rates)
    return rates[code.upper()]
