"""Offers: where a system can be had, at what price, under whose law and which safeguards."""

from __future__ import annotations

from msgspec import field

from advisor.devices import Record
from advisor.records import NonNegativeFloat, PositiveFloat, PositiveInt


class Offer(Record, frozen=True, kw_only=True):
    """A system on offer.

    ``price_usd_per_hour`` is of the whole system. ``term`` is ``on-demand``, ``spot``,
    ``reserved-1y``, ``reserved-3y`` or ``owned``; an owned system carries ``purchase_usd`` instead
    of, or beside, an hourly price. ``areas`` are the names that a region filter accepts (``eu``,
    ``germany``, ``eu-central-1``). ``jurisdictions`` are the countries whose law reaches the provider.
    ``encryption`` and ``logging`` are what the provider offers of each: ``customer-keys``, ``audit-log`` ...
    """

    id: str
    provider: str
    system: str
    instance: str = ""
    region: str
    country: str = ""
    areas: tuple[str, ...] = ()
    jurisdictions: tuple[str, ...] = ()
    term: str = "on-demand"
    price_usd_per_hour: NonNegativeFloat | None = None
    purchase_usd: PositiveFloat | None = None
    lifetime_years: PositiveFloat = 4.0
    on_premises: bool = False
    max_systems: PositiveInt | None = None
    tenancy: str = "shared"
    confidential_computing: bool = False
    certifications: tuple[str, ...] = ()
    encryption: tuple[str, ...] = ()
    logging: tuple[str, ...] = ()
    grid: str = ""
    pue: PositiveFloat | None = None
    attributes: dict[str, str] = field(default_factory=dict)

    @property
    def interruptible(self) -> bool:
        """Whether the provider may take it away at short notice."""
        return self.term == "spot"
