"""Errors that a user or an embedder can act on."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence


class AdvisorError(Exception):
    """Base of every error that the advisor raises on purpose."""


class InputError(AdvisorError):
    """Something the user gave is wrong: names the input, the field, and what is accepted.

    The command line prints it as one line and exits with code 2.
    """


class ModelFileError(InputError):
    """A model file is missing, damaged, hostile, or of a kind that no reader knows."""


#: So many known names at most are listed where none is near.
FEW = 20


class UnknownNameError(InputError):
    """A name that no catalog or plugin knows; suggests the nearest known ones."""

    def __init__(self, kind: str, name: str, known: Iterable[str]) -> None:
        known = list(known)
        self.kind = kind
        self.name = name
        self.suggestions = nearest(name, known)
        hint = _suggestion(self.suggestions)
        names = list(dict.fromkeys(known))
        if not hint and 0 < len(names) <= FEW:
            hint = f"; known: {', '.join(names)}"
        self.hinted = bool(hint)
        super().__init__(f"unknown {kind} {name!r}{hint}")


class PluginError(AdvisorError):
    """A plugin broke the contract of a hook or a method."""


def nearest(name: str, known: Iterable[str], most: int = 3) -> list[str]:
    """Return up to ``most`` known names: two that begin with ``name``, those close to it, those that contain it."""
    by_lower = {candidate.lower(): candidate for candidate in known}
    wanted = name.lower()
    within = [lower for lower in by_lower if len(wanted) > 2 and wanted in lower]
    begun = sorted((lower for lower in within if lower.startswith(wanted)), key=len)[:2]
    close = difflib.get_close_matches(wanted, by_lower, n=most, cutoff=0.55)
    return [by_lower[lower] for lower in dict.fromkeys([*begun, *close, *within])][:most]


def nearest_hint(name: str, known: Iterable[str], most: int = 3) -> str:
    """``"; did you mean X or Y?"``, or nothing where no known name is near."""
    return _suggestion(nearest(name, known)[:most])


def _suggestion(names: Sequence[str]) -> str:
    return f"; did you mean {' or '.join(names)}?" if names else ""
