"""Where data may go: hard rules and points over place, law, tenancy and certificates of every offer.

Decision support, not legal advice: the rules simplify the laws they cite, and certificates are
taken as the catalog states them.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from advisor.hookspecs import hookimpl

if TYPE_CHECKING:
    import click

    from advisor.interfaces import Scorer, Technique


@hookimpl
def scorers() -> Iterable[Scorer]:
    """Return the privacy scorer."""
    from advisor_privacy.scorer import PrivacyScorer

    return [PrivacyScorer()]


@hookimpl
def techniques() -> Iterable[Technique]:
    """Return confidential computing."""
    from advisor_privacy.confidential import ConfidentialComputing

    return [ConfidentialComputing()]


@hookimpl
def commands(group: click.Group) -> None:
    """Add ``advisor privacy``."""
    from advisor.cli.later import LaterCommand

    line = "Show which offers meet which rules of privacy, with clauses."
    group.add_command(LaterCommand("privacy", "advisor_privacy.command:privacy", line))
