"""Where data may go: hard rules and points over place, law, tenancy and certificates of every offer.

Decision support, not legal advice: the rules simplify the laws they cite, and certificates are
taken as the catalog states them.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from advisor.hookspecs import hookimpl

if TYPE_CHECKING:
    from advisor.interfaces import Scorer


@hookimpl
def scorers() -> Iterable[Scorer]:
    """Return the privacy scorer."""
    from advisor_privacy.scorer import PrivacyScorer

    return [PrivacyScorer()]
