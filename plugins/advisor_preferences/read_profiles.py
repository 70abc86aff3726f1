"""Profiles as data."""

from __future__ import annotations

from pathlib import Path

from advisor.compiled import toml_data
from advisor.errors import InputError
from advisor.interfaces import Profile


def read_profiles(path: Path | None = None) -> list[Profile]:
    """Read profiles from a TOML file, by default the built-in one; raises ``InputError``."""
    path = path or Path(__file__).with_name("profiles.toml")
    profiles = []
    for name, entry in toml_data(path).items():
        weights = entry.get("weights") if isinstance(entry, dict) else None
        if not isinstance(weights, dict) or not weights:
            raise InputError(f"{path}: {name}: weights: expected a table such as {{cost = 0.5, latency = 0.5}}")
        wrong = [aspect for aspect, weight in weights.items() if not isinstance(weight, (int, float)) or weight < 0]
        if wrong or not any(weights.values()):
            raise InputError(f"{path}: {name}: weights: expected numbers of zero or more, not all zero")
        settings = entry.get("settings", {})
        if not isinstance(settings, dict) or any(type(number) not in (int, float) for number in settings.values()):
            raise InputError(f"{path}: {name}: settings: expected a table such as {{cost = 0.1}}")
        profiles.append(
            Profile(name, weights, entry.get("doc", ""), tuple(entry.get("default_for", ())), entry.get("ranker", ""),
                    settings)
        )  # fmt: skip
    return profiles
