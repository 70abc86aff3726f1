"""What providers charge beside the systems: for data that leaves, and for data that lies there."""

from __future__ import annotations

from advisor.devices import Record
from advisor.records import NonNegativeFloat

FIGURES = ("egress_usd_per_gb", "storage_usd_per_gb_month")


class Charge(Record, frozen=True, kw_only=True):
    """Charges of a provider, US dollars: list prices of the first tier that is charged, 0 where it is free.

    ``id`` is the provider. ``egress_usd_per_gb`` is of data sent to the internet, ``storage_usd_per_gb_month`` of
    block or shared file storage. ``notes`` says what is not published, and what is left out.
    """

    id: str
    egress_usd_per_gb: NonNegativeFloat | None = None
    storage_usd_per_gb_month: NonNegativeFloat | None = None
    notes: str = ""
