"""Are prices plausible: of systems by the hour, and of tokens."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

DEVICE_HOUR_USD = (0.002, 40.0)  # from a Raspberry Pi's share to the dearest accelerator on demand


def price_problems(own: Mapping[str, Sequence[Any]]) -> Iterator[tuple[str, str]]:
    """Yield (check, line) for prices that are not plausible, or above the same on demand."""
    counts = {system.id: system.device_count for system in own["system"]}
    on_demand = {
        (offer.provider, offer.system, offer.instance, offer.region): offer.price_usd_per_hour
        for offer in own["offer"]
        if offer.term == "on-demand"
    }
    for offer in own["offer"]:
        price = offer.price_usd_per_hour
        if price is None or offer.term == "owned":
            continue
        per_device = price / counts.get(offer.system, 1)
        low, high = DEVICE_HOUR_USD
        if not low <= per_device <= high:
            yield "prices", (f"offer {offer.id}: {per_device:.4g} USD a device and hour is not plausible "
                             f"({low:g} to {high:g})")  # fmt: skip
        listed = on_demand.get((offer.provider, offer.system, offer.instance, offer.region))
        if listed is not None and price > listed * 1.001:
            yield "prices", f"offer {offer.id}: {offer.term} {price:g} is dearer than on-demand {listed:g}"
    for one in own["token_price"]:
        if one.output_usd_per_million < one.input_usd_per_million * 0.99:
            yield "prices", (f"token price {one.id}: output {one.output_usd_per_million:g} USD a million is cheaper "
                             f"than input {one.input_usd_per_million:g}")  # fmt: skip
