"""Hardware that the user has already: a TOML inventory, read into devices, systems and offers.

::

    [[owned]]
    name = "basement"
    device = "h100"
    count = 8                  # devices in a node
    nodes = 2
    region = "de"
    price_usd_per_kwh = 0.2
    pue = 1.3

    [[device]]                 # optional: a device that no catalog has, with the fields of a device
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from advisor.devices import Device, System
from advisor.errors import InputError, UnknownNameError, nearest_hint
from advisor.names import NameIndex, normalise
from advisor.offers import Offer
from advisor.plugins import Plugins
from advisor.records import Checked, NonNegativeFloat, PositiveFloat
from advisor.registry import Registry
from advisor.units import Count
from advisor.workload import read_toml

OWNED = "owned"
HOURS_A_YEAR = 8760
#: Fields of an entry that are the offer's, as they are.
_OFFER_FIELDS = ("pue", "lifetime_years", "confidential_computing", "certifications", "tenancy")
Item = TypeVar("Item", bound=Checked)


class OwnedHardware(Checked, frozen=True, kw_only=True):
    """One entry of an inventory: ``nodes`` nodes of ``count`` devices in one place.

    ``price_usd_per_hour``, of a node, is 0 for hardware that is paid for; with ``purchase_usd``, of a
    node, and no hourly price it is written off evenly over ``lifetime_years``. ``country`` and
    ``grid`` follow from ``region`` where an offer of a catalog tells.
    """

    name: str = ""
    device: str
    count: Count = 1
    nodes: Count = 1
    region: str = ""
    country: str = ""
    grid: str = ""
    areas: tuple[str, ...] = ()
    price_usd_per_kwh: NonNegativeFloat | None = None
    price_usd_per_hour: NonNegativeFloat | None = None
    purchase_usd: PositiveFloat | None = None
    lifetime_years: PositiveFloat = 4.0
    pue: PositiveFloat | None = None
    confidential_computing: bool = False
    certifications: tuple[str, ...] = ()
    tenancy: str = "own"


@dataclass(frozen=True)
class Inventory:
    """What an inventory comes to."""

    devices: Sequence[Device]
    systems: Sequence[System]
    offers: Sequence[Offer]

    def registry(self, plugins: Plugins, also_rent: bool = False, catalogs: Sequence[Path] = ()) -> Registry:
        """A registry in which only these offers exist, or these beside those of the plugins and catalog folders."""
        kind = Registry if also_rent else _OwnedAlone
        return kind(plugins, self.devices, self.systems, self.offers, catalogs)


class _OwnedAlone(Registry):
    """A registry that offers the user's own hardware alone."""

    @property
    def offers(self) -> list[Offer]:
        return [offer for offer in self._own["offers"] if isinstance(offer, Offer)]


def read_inventory(path: Path, registry: Registry) -> Inventory:
    """Read an inventory; names of devices are looked up in it, then in ``registry``.

    Raises ``InputError`` with the file, the entry, the field and what is accepted.
    """
    document = read_toml(path)
    for key in document:
        if key not in ("owned", "device"):
            hint = nearest_hint(key, ["owned", "device"], 1)
            raise InputError(f"{path}: {key}: expected [[owned]] and [[device]] tables{hint}")
    devices = _items(path, document, "device", Device)
    entries = _items(path, document, "owned", OwnedHardware)
    if not entries:
        raise InputError(f'{path}: no [[owned]] table, such as: [[owned]] device = "h100", count = 8')
    known = NameIndex("device", [*devices, *registry.devices])
    systems, offers = [], []
    for number, entry in enumerate(entries, start=1):
        try:
            device = known[entry.device]
        except UnknownNameError as error:
            raise InputError(f"{path}: owned[{number}].device: {error}") from None
        system = _system(entry, number, device, registry)
        systems.append(system)
        offers.append(_offer(entry, system, registry))
    return Inventory(devices, systems, offers)


def _items(path: Path, document: Mapping[str, Any], key: str, kind: type[Item]) -> list[Item]:
    """The tables of one array, checked."""
    tables = document.get(key, [])
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        raise InputError(f"{path}: {key}: expected an array of tables, [[{key}]]")
    return [kind.checked(table, f"{path}: {key}[{number}]") for number, table in enumerate(tables, start=1)]


def _system(entry: OwnedHardware, number: int, device: Device, registry: Registry) -> System:
    """The node: as a catalog describes one of that device and count, or by the device's own links."""
    alike = next((s for s in registry.systems if s.device == device.id and s.device_count == entry.count), None)
    ident = f"{OWNED}:{normalise(entry.name) or number}:{entry.count}x{device.id}"
    name = entry.name or f"own {entry.count} x {device.name}"
    aliases = (entry.name,) if entry.name else ()
    if alike is not None:
        return alike.replace(id=ident, name=name, aliases=aliases, max_nodes=entry.nodes)
    return System(id=ident, name=name, aliases=aliases, device=device.id, device_count=entry.count,
                  max_nodes=entry.nodes)  # fmt: skip


def _offer(entry: OwnedHardware, system: System, registry: Registry) -> Offer:
    country, grid, areas = _place(entry, registry)
    place = (entry.region,) if entry.region else ("any",)  # whoever names no place is asked for none
    price = entry.price_usd_per_hour
    if price is None:
        # Not ``Offer.purchase_usd``, which is what would have to be spent: this hardware is there already.
        price = (entry.purchase_usd or 0.0) / (entry.lifetime_years * HOURS_A_YEAR)
    electricity = {} if entry.price_usd_per_kwh is None else {"price_usd_per_kwh": str(entry.price_usd_per_kwh)}
    areas = list(dict.fromkeys((*place, "on-premises", *areas, *entry.areas)))
    return Offer(
        id=system.id, provider=OWNED, instance=entry.name, system=system.id, region=entry.region or "on-premises",
        country=country, grid=grid, areas=tuple(areas), term=OWNED,
        jurisdictions=(country,) if country else (), on_premises=True, max_systems=entry.nodes,
        price_usd_per_hour=price, attributes=electricity,
        **{name: getattr(entry, name) for name in _OFFER_FIELDS},
    )  # fmt: skip


def _place(entry: OwnedHardware, registry: Registry) -> tuple[str, str, list[str]]:
    """Country, grid and areas: as given, else those that every offer in that region or country has."""
    wanted = {normalise(entry.region), normalise(entry.country)} - {""}
    near = [offer for offer in registry.offers if {normalise(offer.region), normalise(offer.country)} & wanted]
    countries = {offer.country for offer in near} - {""}
    grids = {offer.grid for offer in near} - {""}
    country = entry.country.upper() or (countries.pop() if len(countries) == 1 else "")
    shared = [area for area in near[0].areas if all(area in offer.areas for offer in near)] if near else []
    return country, entry.grid or (grids.pop() if len(grids) == 1 else ""), shared
