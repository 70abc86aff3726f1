"""Countries and areas: what a place is called, and which country codes it stands for."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping
from pathlib import Path

from advisor.compiled import toml_data
from advisor.errors import UnknownNameError


class Areas:
    """Names of places, lower case, to the ISO 3166-1 codes that they cover."""

    def __init__(self, codes: Mapping[str, frozenset[str]]) -> None:
        self.codes = codes

    def resolve(self, name: str) -> frozenset[str]:
        """Return the country codes of a place; raises ``UnknownNameError``."""
        found = self.codes.get(_key(name))
        if found is None:
            raise UnknownNameError("data region", name, self.codes)
        return found

    def countries(self, names: Iterable[str]) -> frozenset[str]:
        """Return the codes of those names that are known: one country each, or an area."""
        return frozenset().union(*(self.codes.get(_key(name), ()) for name in names))

    def country(self, name: str) -> str:
        """Return the code of a country by code or name; an unknown name as it is, upper case."""
        found = self.codes.get(_key(name), frozenset())
        return next(iter(found)) if len(found) == 1 else name.strip().upper()


@functools.cache
def known_areas() -> Areas:
    """Return the areas of ``areas.toml``."""
    document = toml_data(Path(__file__).with_name("areas.toml"))
    codes: dict[str, frozenset[str]] = {}
    for code, names in document["countries"].items():
        for name in (code, *names):
            codes[_key(name)] = frozenset([code])
    for name, area in document["areas"].items():  # an area comes after the areas that it is made of
        codes[_key(name)] = frozenset(area["codes"]).union(*(codes[_key(part)] for part in area.get("areas", ())))
    return Areas(codes)


def _key(name: str) -> str:
    return name.strip().lower().replace("_", "-").replace(" ", "-")
