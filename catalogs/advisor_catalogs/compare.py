"""The catalog beside independent compilations: figure by figure, each disagreement with its reason.

``comparisons/*.csv`` hold what others have published of our entries, as ``entry, figure, value, source, name, reason``;
``comparisons/sources.toml`` says who they are and what each reason means. A reason stands where the two differ and
nowhere else, so that a figure that changes, here or there, asks for another look.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from advisor.errors import InputError
from advisor_catalogs.documents import catalog_root, read_toml

FOLDER = "comparisons"
COLUMNS = ("entry", "figure", "value", "source", "name", "reason")
#: Share by which two figures of one thing may differ: sheets round, and some memory is given as the driver shows it
#: (less what error correction and the driver keep) or in GB for GiB.
CLOSE = {"memory_gib": 0.08, "memory_bandwidth_gb_per_s": 0.03, "clock_ghz": 0.01, "board_power_w": 0.01,
         "link.bandwidth_gb_per_s": 0.02, "network.bandwidth_gb_per_s": 0.02, "cache_mib": 0.02}  # fmt: skip
CLOSE_RATE = 0.02
#: Announced and sold may be a year apart.
CLOSE_DAYS = 370


@dataclass(frozen=True)
class Comparison:
    """One figure of one entry beside that of somebody else; ``ours`` is None where the entry lacks the figure."""

    entry: str
    figure: str
    ours: Any
    theirs: str
    source: str
    name: str
    reason: str

    @property
    def differs(self) -> bool:
        """Whether the two are further apart than roundings are."""
        return self.ours is not None and differs(self.figure, self.ours, self.theirs)


def comparisons(records: Mapping[str, Any], file: Path) -> Iterator[Comparison]:
    """Yield the comparisons of a CSV file; raises ``InputError`` for what is no such file or names no entry."""
    try:
        with file.open(encoding="utf-8", newline="") as stream:
            reader = csv.DictReader(stream)
            wanted = [name for name in COLUMNS[:4] if name not in (reader.fieldnames or ())]
            if wanted:
                raise InputError(f"{file}: no column {wanted[0]!r}; expected {', '.join(COLUMNS)}")
            rows = list(reader)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{file}: cannot be read ({error})") from None
    for number, row in enumerate(rows, start=2):
        entry, figure, theirs = row["entry"] or "", row["figure"] or "", row["value"] or ""
        if entry not in records:
            raise InputError(f"{file}: line {number}: unknown entry {entry!r}")
        ours = figure_of(records[entry], figure)
        if ours is not None:
            _checked(file, number, figure, theirs)
        yield Comparison(entry, figure, ours, theirs, row["source"] or "", row.get("name") or "",
                         row.get("reason") or "")  # fmt: skip


def _checked(file: Path, number: int, figure: str, theirs: str) -> None:
    try:
        differs(figure, date(2000, 1, 1) if figure == "launched" else 1.0, theirs)
    except ValueError:
        what = "a day as 2024-03-18 or a year" if figure == "launched" else "a number above zero"
        raise InputError(f"{file}: line {number}: value: {theirs!r} is not {what}") from None


def figure_of(record: Any, path: str) -> Any:
    """Return a figure by its path, as ``peak_tflops.bf16`` or ``link.bandwidth_gb_per_s``; None where there is none."""
    for part in path.split("."):
        record = record.get(part) if isinstance(record, Mapping) else getattr(record, part, None)
        if record is None:
            return None
    return record


def differs(figure: str, ours: Any, theirs: str) -> bool:
    """Tell whether two figures of one thing are further apart than roundings are."""
    if figure == "launched":
        if len(theirs) == 4:
            return bool(ours.year != int(theirs))
        return bool(abs((ours - date.fromisoformat(theirs)).days) > CLOSE_DAYS)
    value = float(theirs)
    if not value > 0:
        raise ValueError(theirs)
    close = CLOSE_RATE if figure.startswith("peak_tflops.") else CLOSE.get(figure, 0.0)  # what is counted is exact
    return bool(abs(float(ours) / value - 1) > close + 1e-9)


def read_reasons(root: Path | None = None) -> dict[str, Any]:
    """Return the document that names sources (title, url, version, date) and says what each reason means."""
    return read_toml((root or catalog_root()) / FOLDER / "sources.toml")


def comparison_files(root: Path | None = None) -> list[Path]:
    """Return the files of comparisons of the built-in catalogs."""
    return sorted(((root or catalog_root()) / FOLDER).glob("*.csv"))


def comparison_problems(found: Iterable[Comparison], document: Mapping[str, Any]) -> Iterator[str]:
    """Yield a line for each disagreement without a reason, each reason without one, and unknown names."""
    sources, reasons = document["sources"], document["reasons"]
    for one in found:
        where = f"{one.entry}: {one.figure}: {one.source} ({one.name})"
        if one.source not in sources:
            yield f"{where}: unknown source"
        if one.reason and one.reason not in reasons:
            yield f"{where}: unknown reason {one.reason!r}"
        if one.differs and not one.reason:
            yield f"{where} has {one.theirs}, the catalog {one.ours}, and no reason is given"
        if one.reason and not one.differs:
            yield f"{where}: a reason is given ({one.reason}), but the two agree"
