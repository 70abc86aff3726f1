"""``advisor devices|systems|offers|models``: what the catalogs hold."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from advisor.cli.listing import Kind, listing
from advisor.cli.tables import Column

if TYPE_CHECKING:
    from advisor.devices import Device, Record, Source, System
    from advisor.interfaces import ModelEntry
    from advisor.offers import Offer
    from advisor.policies import Policy
    from advisor.registry import Registry


def plain_record(record: Record) -> dict[str, Any]:
    """A record's fields for JSON."""
    return record.to_plain()


def figure_origins(record: Record) -> dict[str, Any]:
    """Source of each figure with its date and address, or the method of one that is derived."""
    from advisor.devices import record_sources

    by_title = {source.title: source for source in record.sources.values()}
    answer: dict[str, Any] = {}
    for name, text in record_sources(record).items():
        if name in ("id", "aliases"):
            continue  # ours
        if name in record.estimated:
            answer[name] = f"estimated: {text}"
        elif text in by_title:
            answer[name] = source_text(by_title[text])
        else:
            answer[name] = None
    return answer


def _device_row(device: Device) -> list[object]:
    best = {name: device.peak_tflops[name] for name in device.formats}
    wide = next((f"{name} {best[name]:g}" for name in ("bf16", "fp16", "fp32") if name in best), "")
    return [device.id, device.name, device.vendor, device.kind, f"{device.memory_gib:g}",
            f"{device.memory_bandwidth_gb_per_s:g}", wide, f"{device.board_power_w:g}",
            device.launched.year if device.launched else ""]  # fmt: skip


def _device_more(device: Device, registry: Registry) -> dict[str, Any]:
    systems = [system.id for system in registry.systems if system.device == device.id]
    offers = [offer for offer in registry.offers if offer.system in set(systems)]
    return {"plugin": registry.owner(device), "systems": systems, "offers": len(offers),
            "providers": sorted({offer.provider for offer in offers})}  # fmt: skip


def _system_more(system: System, registry: Registry) -> dict[str, Any]:
    return {"plugin": registry.owner(system),
            "offered_as": [offer.id for offer in registry.offers if offer.system == system.id]}  # fmt: skip


def _policy_origins(policy: Policy) -> dict[str, Any]:
    """Sources of a policy; of each rule that of its clause, and where the text of the clause was read."""
    first = next(iter(policy.sources), "")
    rules = []
    for rule in policy.rules:
        source, read = policy.sources.get(rule.source or first), policy.sources.get(rule.read)
        how = f"; read in {source_text(read)}" if read else "" if policy.kind == "choice" else "; from knowledge of it"
        rules.append((source_text(source) if source else "") + how)
    return {**figure_origins(policy), **({"rules": rules} if rules else {})}


def _policy_row(policy: Policy) -> list[object]:
    regions = f" of {', '.join(policy.data_regions)}" if policy.data_regions else ""
    brought = f"{', '.join(policy.data_classes)}{regions}" if policy.data_classes else ""
    return [policy.id, policy.kind, policy.name, brought, len(policy.rules)]


def _owner(record: Any, registry: Registry) -> dict[str, Any]:
    return {"plugin": registry.owner(record)}


def _offer_row(offer: Offer) -> list[object]:
    price = "" if offer.price_usd_per_hour is None else f"{offer.price_usd_per_hour:.4g}"
    return [offer.id, offer.provider, offer.system, offer.region, offer.country, offer.term, price]


def _model(entry: ModelEntry) -> dict[str, Any]:
    return {"id": entry.id, "aliases": list(entry.aliases), "licence": entry.licence,
            "sources": {key: source.to_plain() for key, source in entry.sources.items()}}  # fmt: skip


def _model_origins(entry: ModelEntry) -> dict[str, Any]:
    """Where a model's figures come from: all follow from its configuration, whose source the catalog has."""
    texts = [source_text(source) for source in entry.sources.values()]
    if not texts:
        return {}
    follows = ("parameters", "active_parameters", "weight_bytes", "kv_bytes_per_token")
    given = ("licence", "family", "weight_format", "max_context")
    return {**dict.fromkeys(given, texts[0]), **dict.fromkeys(follows, f"worked out from the layers of: {texts[0]}")}


def source_text(source: Source) -> str:
    """A source in one line: title, date and address."""
    return f"{source.title} ({source.date}){' ' + source.url if source.url else ''}"


def _model_more(entry: ModelEntry, registry: Registry) -> dict[str, Any]:
    from advisor.reading import read_model

    model = read_model(registry, entry.id)
    return {
        "plugin": registry.owner(entry), "reader": model.reader, "family": model.family,
        "parameters": model.parameters, "active_parameters": model.active_parameters,
        "weight_format": model.weight_format, "weight_bytes": model.weight_bytes,
        "kv_bytes_per_token": model.cache_bytes_per_token, "max_context": model.max_context,
        "notes": list(model.notes),
    }  # fmt: skip


devices = listing(Kind(
    "devices", "device", lambda registry: registry.devices,
    [Column("id", keep=10), Column("name", keep=5, narrow=16), Column("vendor", keep=6), Column("kind", keep=7),
     Column("GiB", "right", 9), Column("GB/s", "right", 8), Column("TFLOP/s", "right", 8), Column("W", "right", 6),
     Column("year", "right", 4)],
    _device_row, plain_record, lambda device: [device.id, *device.aliases, device.name], _device_more, figure_origins,
), "List and show devices: accelerators and processors as sold.")  # fmt: skip

systems = listing(Kind(
    "systems", "system", lambda registry: registry.systems,
    [Column("id", keep=10), Column("device", keep=8), Column("devices", "right", 9), Column("nodes", "right", 7),
     Column("link", keep=6, narrow=16), Column("host GiB", "right", 4)],
    lambda system: [system.id, system.device, system.device_count, system.max_nodes,
                    system.link.name if system.link else "", system.host_memory_gib or ""],
    plain_record, lambda system: [system.id, *system.aliases], _system_more, figure_origins,
), "List and show systems: devices in a node, with their links.")  # fmt: skip

offers = listing(Kind(
    "offers", "offer", lambda registry: registry.offers,
    [Column("id", keep=10, narrow=16), Column("provider", keep=8), Column("system", keep=9, narrow=16),
     Column("region", keep=8), Column("country", keep=4), Column("term", keep=7), Column("USD/h", "right", 9)],
    _offer_row, plain_record, lambda offer: [offer.id, offer.instance],
    lambda offer, registry: {"plugin": registry.owner(offer)}, figure_origins,
), "List and show offers: where a system can be had, and at what price.")  # fmt: skip

policies = listing(Kind(
    "policies", "policy", lambda registry: registry.policies,
    [Column("id", keep=10), Column("kind", keep=6), Column("name", keep=8, narrow=30),
     Column("brought by data of", keep=5, narrow=20), Column("rules", "right", 7)],
    _policy_row, plain_record, lambda policy: [policy.id, *policy.aliases], _owner, _policy_origins,
), "List and show policies: what laws, standards and customers demand of where data are processed.")  # fmt: skip

models = listing(Kind(
    "models", "model", lambda registry: registry.models,
    [Column("id", keep=10), Column("aliases", keep=5, narrow=16), Column("licence", keep=4, narrow=16)],
    lambda entry: [entry.id, ", ".join(entry.aliases), entry.licence],
    _model, lambda entry: [entry.id, *entry.aliases, entry.id.rsplit("/", 1)[-1]], _model_more, _model_origins,
), "List and show models that are known by name.")  # fmt: skip
