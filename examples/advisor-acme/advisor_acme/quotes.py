"""A customer's own prices: ``acme-quote.toml`` in a folder that is given with ``--catalog``.

    [usd_per_hour]
    "acme-cloud/card/desert-1" = 0.6
"""

from __future__ import annotations

from pathlib import Path

from advisor import InputError, Offer
from advisor.workload import read_toml
from advisor_acme.hardware import read_hardware

FILE = "acme-quote.toml"


def quoted_offers(folder: Path) -> list[Offer]:
    """The vendor's offers at the quoted prices, or none; raises ``InputError`` for a wrong file."""
    file = folder / FILE
    if not file.is_file():
        return []
    prices = read_toml(file).get("usd_per_hour")
    if not isinstance(prices, dict):
        raise InputError(f"{file}: expected a table usd_per_hour")
    known = {offer.id: offer for offer in read_hardware().offers}
    for name, price in prices.items():
        if name not in known:
            raise InputError(f"{file}: {name}: no such offer; known: {', '.join(known)}")
        if not isinstance(price, int | float) or isinstance(price, bool) or not 0 < price < 1e6:
            raise InputError(f"{file}: {name}: expected US dollars an hour, not {price!r}")
    return [known[name].replace(price_usd_per_hour=float(price)) for name, price in prices.items()]
