"""Fresh prices through gpuhunt, an optional extra: fetched only when asked, into a folder of one's own.

The built-in catalog is left as it is: what is fetched overrides it, as any entry of the user's does.
"""

from __future__ import annotations

import csv
import io
import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from advisor.devices import Device
from advisor.errors import InputError
from advisor.names import normalise
from advisor.offers import Offer

EXTRA = "needs the extra prices: pip install 'hardware-advisor[prices]'"
COLUMNS = ("provider", "system", "instance", "region", "term", "price_usd_per_hour", "tenancy",
           "confidential_computing", "source", "source_url", "date")  # fmt: skip
#: What gpuhunt calls a provider, and the catalog's own name where that differs.
PROVIDERS = {"lambdalabs": "lambda", "verda": "verda", "datacrunch": "verda", "vastai": "vast"}
#: Memory of a device as named and as its driver shows it differ by a few percent.
CLOSE = 0.12


@dataclass
class Update:
    """Rows by provider, and how many were passed over for each reason."""

    rows: dict[str, dict[tuple[str, str, str], list[str]]] = field(default_factory=dict)
    passed_over: dict[str, int] = field(default_factory=dict)

    def pass_over(self, reason: str) -> None:
        """Count one that the catalog cannot take."""
        self.passed_over[reason] = self.passed_over.get(reason, 0) + 1


def fetch(providers: Sequence[str]) -> list[Any]:
    """Ask gpuhunt for its catalog; raises ``InputError`` without the extra or without a network."""
    try:
        import gpuhunt
    except ImportError:
        raise InputError(f"catalog update {EXTRA}") from None
    called = {ours: theirs for theirs, ours in PROVIDERS.items()}
    wanted = [called.get(name, name) for name in providers]
    logger = logging.getLogger("gpuhunt")  # it logs a traceback a provider that it cannot reach
    level = logger.level
    logger.setLevel(logging.CRITICAL + 1)
    try:
        return list(gpuhunt.query(provider=wanted or None, min_gpu_count=1))
    except Exception as error:  # whatever its providers raise: no network, no credentials, another format
        text = " ".join(str(error).split())[:200]
        raise InputError(f"catalog update: prices could not be fetched ({type(error).__name__}: {text})") from None
    finally:
        logger.setLevel(level)


def version() -> str:
    """Version of gpuhunt that is installed."""
    from importlib import metadata

    try:
        return metadata.version("gpuhunt")
    except metadata.PackageNotFoundError:
        return "(unknown version)"


def converted(
    items: Iterable[Any], devices: Sequence[Device], offers: Iterable[Offer], regions: dict[str, Any], version: str,
    today: date,
) -> Update:  # fmt: skip
    """Turn gpuhunt's items into rows of offers; of several zones of a region the cheapest is kept.

    Of an offer that the catalog has, all but the price stays: system, tenancy, confidential computing.
    """
    update = Update()
    known_offers = {offer.id: offer for offer in offers}
    source = f"gpuhunt {version}: prices of the provider's API, as fetched"
    for item in items:
        provider = PROVIDERS.get(item.provider, item.provider)
        device = _device(item, devices)
        region = _region(item.location, regions.get(provider, {}))
        if provider not in regions:
            update.pass_over(f"provider {provider} is not in the catalog")
        elif device is None:
            update.pass_over(f"no device {item.gpu_name} {item.gpu_memory:g} GB in the catalog")
        elif not region:
            update.pass_over(f"region {provider}/{item.location} is not in the catalog")
        else:
            term = "spot" if item.spot else "on-demand"
            had = known_offers.get(f"{provider}/{item.instance_name}/{region}/{term}")
            system = had.system if had else f"{item.gpu_count}x{device.id}"
            kept = [had.tenancy, "yes" if had.confidential_computing else ""] if had else ["", ""]
            row = [provider, system, item.instance_name, region, term, f"{item.price:g}", *kept, source,
                   "https://github.com/dstackai/gpuhunt", today.isoformat()]  # fmt: skip
            rows = update.rows.setdefault(provider, {})
            known = rows.get((item.instance_name, region, term))
            if known is None or float(known[5]) > item.price:
                rows[item.instance_name, region, term] = row
    return update


def write(update: Update, folder: Path) -> list[Path]:
    """Write one CSV a provider below ``folder/offers``; what was fetched before is replaced."""
    answer = []
    try:
        (folder / "offers").mkdir(parents=True, exist_ok=True)
        for provider, rows in sorted(update.rows.items()):
            stream = io.StringIO()
            writer = csv.writer(stream, lineterminator="\n")
            writer.writerow(COLUMNS)
            writer.writerows(rows[key] for key in sorted(rows))
            path = folder / "offers" / f"{provider}-fetched.csv"
            path.write_text(stream.getvalue(), "utf-8")
            answer.append(path)
    except OSError as error:
        raise InputError(f"{folder}: cannot be written ({error.strerror or error})") from None
    return answer


def _region(location: str, regions: dict[str, Any]) -> str:
    """The region, or that of a zone (``us-central1-a``, ``eu-west-1b``)."""
    for name in (location, location.rsplit("-", 1)[0], location[:-1]):
        if name in regions:
            return name
    return ""


def _device(item: Any, devices: Sequence[Device]) -> Device | None:
    """The device of that name whose memory is near; of several (SXM, PCIe) the one with the fastest memory."""
    name, memory = normalise(str(item.gpu_name or "")), float(item.gpu_memory or 0)
    near = [
        device for device in devices
        if abs(device.memory_gib - memory) <= CLOSE * memory
        and any(_is_called(known, name) for known in (device.id, *device.aliases))
    ]  # fmt: skip
    return max(near, key=lambda device: device.memory_bandwidth_gb_per_s, default=None)


def _is_called(known: str, name: str) -> bool:
    """Whether a name of ours means theirs: ``h100-nvl`` is ``h100nvl``, ``h100-sxm-80gb`` an ``h100``."""
    ours = normalise(known)
    return ours.replace("-", "") == name or ours.startswith(f"{name}-")
