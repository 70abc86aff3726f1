"""Forgiving look-up of names: case, separators and aliases do not matter, and a wrong one gets a hint."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Generic, Protocol, TypeVar

from advisor.errors import UnknownNameError

_SEPARATORS = re.compile(r"[\s_.\-]+")


class Named(Protocol):
    """A record with an id and aliases."""

    @property
    def id(self) -> str:
        """Unique name."""

    @property
    def aliases(self) -> Sequence[str]:
        """Other names."""


Record = TypeVar("Record", bound=Named)


@lru_cache(maxsize=65536)
def normalise(name: str) -> str:
    """Fold case and separators: ``"A100_80GB"`` and ``"a100-80gb"`` are one name."""
    return _SEPARATORS.sub("-", name.strip().lower()).strip("-")


class NameIndex(Generic[Record]):
    """Records by id and alias. An id wins over an alias, the first alias over later ones."""

    def __init__(self, kind: str, records: Iterable[Record]) -> None:
        self.kind = kind
        self.records = list(records)
        self._by_name: dict[str, Record] = {}
        for record in self.records:
            self._by_name.setdefault(normalise(record.id), record)
        for record in self.records:
            for alias in (*record.aliases, record.id.rsplit("/", 1)[-1]):
                self._by_name.setdefault(normalise(alias), record)

    def find(self, name: str) -> Record | None:
        """Return the record of that name, or None."""
        return self._by_name.get(normalise(name))

    def __getitem__(self, name: str) -> Record:
        found = self.find(name)
        if found is None:
            known = [record.id for record in self.records]
            known += [alias for record in self.records for alias in record.aliases]
            raise UnknownNameError(self.kind, name, known)
        return found

    def __iter__(self) -> Iterator[Record]:
        return iter(self.records)

    def __len__(self) -> int:
        return len(self.records)

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and self.find(name) is not None
