"""Checks of what catalogs give: devices, systems, offers and models, each with a source."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from advisor.contract import check_item
from advisor.devices import Device, Record, System
from advisor.interfaces import ModelEntry
from advisor.names import normalise
from advisor.offers import Offer
from advisor.policies import Policy
from advisor.testing.requirement import Check, ConformanceError, require, require_unique


def record_checks(
    devices: Sequence[Device], systems: Sequence[System], offers: Sequence[Offer], models: Sequence[ModelEntry],
    known_devices: set[str], known_systems: set[str], policies: Sequence[Policy] = (),
) -> Iterator[Check]:  # fmt: skip
    """Checks of a plugin's records; ``known_*`` are ids that other plugins have, which its own may refer to."""
    groups: Mapping[str, Sequence[Device | System | Offer | ModelEntry | Policy]] = {
        "devices": devices, "systems": systems, "offers": offers, "models": models,
        "policies": policies,
    }  # fmt: skip
    for what, records in groups.items():
        if records:
            yield Check(f"{what}: names are unique", lambda r=records: _names(r))  # type: ignore[misc]
            yield Check(f"{what}: every figure has a source", lambda r=records: _sources(r))  # type: ignore[misc]
            yield Check(f"{what}: are whole", lambda r=records: _whole(r))  # type: ignore[misc]
    if policies:
        yield Check("policies: rules have a clause and a known source", lambda: _rules(policies))
    if devices:
        yield Check("devices: figures are plausible", lambda: _plausible(devices))
    if systems:
        all_devices = known_devices | {device.id for device in devices}
        yield Check("systems: their devices are known",
                    lambda: _known([(system.id, system.device) for system in systems], all_devices))  # fmt: skip
    if offers:
        all_systems = known_systems | {system.id for system in systems}
        yield Check("offers: their systems are known",
                    lambda: _known([(offer.id, offer.system) for offer in offers], all_systems))  # fmt: skip
        yield Check("offers: say what they cost and where they are", lambda: _terms(offers))


def _whole(records: Sequence[object]) -> None:
    for record in records:
        check_item(record, "id")


def _names(records: Sequence[Device | System | Offer | ModelEntry | Policy]) -> None:
    require_unique([normalise(record.id) for record in records], "id")
    taken = {normalise(record.id): record.id for record in records}
    for record in records:
        for alias in getattr(record, "aliases", ()):
            owner = taken.setdefault(normalise(alias), record.id)
            require(owner == record.id, f"alias {alias!r} of {record.id} is also a name of {owner}")


def _sources(records: Sequence[Device | System | Offer | ModelEntry | Policy]) -> None:
    for record in records:
        require(record.sources, f"{record.id}: no source; give sources = {{key: Source(title=..., date=...)}}")
        for source in record.sources.values():
            require(source.title.strip(), f"{record.id}: a source without a title")
        if isinstance(record, Record):
            for figure, key in record.figure_sources.items():
                require(key in record.sources, f"{record.id}: figure_sources.{figure}: no source {key!r}")
            for figure, method in record.estimated.items():
                require(method.strip(), f"{record.id}: estimated.{figure}: says no method")


def _plausible(devices: Sequence[Device]) -> None:
    """Bounds that every device ever sold keeps: they catch a wrong unit, not a wrong digit."""
    for device in devices:
        bounds = {
            "memory_gib": (0.001, 1e5), "memory_bandwidth_gb_per_s": (0.01, 1e8), "board_power_w": (0.1, 1e5),
        }  # fmt: skip
        for figure, (low, high) in bounds.items():
            value = getattr(device, figure)
            require(low <= value <= high, f"{device.id}: {figure} = {value:g}; expected {low:g} to {high:g}")
        for name, rate in device.peak_tflops.items():
            require(1e-4 <= rate <= 1e6, f"{device.id}: peak_tflops.{name} = {rate:g}; expected TFLOP/s")
        idle = device.idle_power_w
        require(idle is None or idle <= device.board_power_w, f"{device.id}: idle_power_w is above board_power_w")
        missing = set(device.sparse) - set(device.peak_tflops)
        require(not missing, f"{device.id}: sparse: {', '.join(sorted(missing))} not in peak_tflops")


def _known(references: Sequence[tuple[str, str]], known: set[str]) -> None:
    lost = [f"{record} refers to {name!r}" for record, name in references if name not in known]
    if lost:
        raise ConformanceError(f"{lost[0]}, which no plugin has" + (f" (and {len(lost) - 1} more)" * (len(lost) > 1)))


def _rules(policies: Sequence[Policy]) -> None:
    for policy in policies:
        require_unique([rule.name for rule in policy.rules], f"{policy.id}: rule")
        for rule in policy.rules:
            where = f"{policy.id}: rule {rule.name}"
            require(rule.clause.strip(), f"{where}: no clause")
            require(rule.source in ("", *policy.sources), f"{where}: no source {rule.source!r}")
            require(rule.hard != bool(rule.points), f"{where}: either hard or worth points")
            require(rule.require, f"{where}: requires nothing")


def _terms(offers: Sequence[Offer]) -> None:
    for offer in offers:
        priced = offer.price_usd_per_hour is not None or offer.purchase_usd is not None
        require(priced, f"{offer.id}: neither price_usd_per_hour nor purchase_usd")
        require(offer.region.strip(), f"{offer.id}: no region")
