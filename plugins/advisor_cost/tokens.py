"""The same work bought by the token: published prices of serverless APIs, and the traffic at which hardware pays."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from advisor.names import normalise
from advisor.workload import Workload
from advisor_energy.demand import HOURS_PER_MONTH

SECONDS_PER_MONTH = HOURS_PER_MONTH * 3600.0


def token_prices(model_name: str, own: Iterable[Any] = ()) -> Sequence[Any]:
    """Return the published prices of a model, the user's own over them; none where the catalog has none."""
    try:
        from advisor_catalogs.apis import load_token_prices
    except ImportError:
        return ()
    wanted = _core(model_name)
    known = {price.id: price for price in (*load_token_prices(), *own)}
    return [price for price in known.values() if _core(price.model) == wanted]


def by_the_token(
    price: Any, workload: Workload, requests_a_month: float | None, own_month: float | None
) -> dict[str, Any]:
    """Return what a request, a million output tokens and a month cost, and the rate above which one's own pays."""
    source = next(iter(price.sources.values()))
    request = (workload.input_tokens * price.input_usd_per_million
               + workload.output_tokens * price.output_usd_per_million) / 1e6  # fmt: skip
    return {
        "provider": price.provider,
        "name": price.name,
        "input_usd_per_million": price.input_usd_per_million,
        "output_usd_per_million": price.output_usd_per_million,
        "usd_per_request": request,
        "usd_per_million_output_tokens": request / workload.output_tokens * 1e6,
        "usd_per_month": request * requests_a_month if requests_a_month is not None else None,
        "own_pays_above_requests_per_s": own_month / request / SECONDS_PER_MONTH if own_month is not None else None,
        "source": source.title,
        "source_url": source.url,
        "date": str(source.date),
    }


def _core(name: str) -> str:
    """A model's name without its maker, and without what tells an instruction-tuned or repackaged one apart."""
    text = normalise(name.rpartition("/")[2]).removeprefix("meta").strip("-")
    for word in ("fp8", "instruct", "base"):
        text = text.removesuffix(word).strip("-")
    return text
