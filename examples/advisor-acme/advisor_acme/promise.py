"""A policy of the vendor's own: rules as data, which the privacy scorer applies where a user names it."""

from __future__ import annotations

from datetime import date

from advisor import Policy, PolicyRule, Source


def acme_promise() -> Policy:
    """Customers' data stay in Europe, with an audited provider or on their own premises."""
    handbook = Source(title="Acme: handbook of data protection (invented)", date=date(2026, 1, 1))
    rule = PolicyRule(
        name="acme-europe", doc="data stay in Europe, audited or on one's own premises", clause="handbook 2.1",
        topic="place", hard=True,
        require=({"on_premises": True}, {"country_in": ["europe"], "certification": ["iso-27001", "soc-2"]}),
    )  # fmt: skip
    sources = {"handbook": handbook}
    return Policy(id="acme-promise", name="Acme's promise", kind="choice", rules=(rule,), sources=sources)
