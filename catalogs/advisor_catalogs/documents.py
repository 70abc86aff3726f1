"""Catalog files in TOML: shared sources, methods and links written once a file, expanded here.

A file has ``[sources.KEY]`` (title, url, date), ``[methods]`` (key to text) and ``[links.KEY]`` tables
beside its entries. An entry names sources by key, its links by key, and in ``estimated`` a method by
key; a link's ``latency_method`` becomes an estimated figure of each entry that uses it.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from advisor.errors import InputError

MOST_BYTES = 8 << 20

Table = dict[str, Any]


def catalog_root() -> Path:
    """Return the folder that holds the built-in catalogs."""
    return Path(__file__).parent


def files_in(folder: Path, ending: str) -> list[Path]:
    """Return the files of ``folder`` with that ending, by name; none if there is no such folder."""
    if not folder.is_dir():
        return []
    return sorted((item for item in folder.iterdir() if item.name.endswith(ending)), key=lambda item: item.name)


def read_text(file: Path) -> str:
    """Read a catalog file as UTF-8 text of at most 8 MiB."""
    try:
        if isinstance(file, Path) and file.stat().st_size > MOST_BYTES:
            raise InputError(f"{file}: larger than {MOST_BYTES >> 20} MiB, so not read as a catalog")
        return file.read_text("utf-8-sig")
    except OSError as error:
        raise InputError(f"{file}: cannot be read ({error.strerror or error})") from None
    except UnicodeDecodeError as error:
        raise InputError(f"{file}: not UTF-8 text (byte {error.start})") from None


def read_toml(file: Path) -> Table:
    """Parse one TOML file; a mistake is one line with file, line and column."""
    import tomli

    try:
        return tomli.loads(read_text(file))
    except (tomli.TOMLDecodeError, RecursionError) as error:
        raise InputError(f"{file_name(file)}: not valid TOML: {error}") from None


def read_csv(
    file: Path, required: Sequence[str], optional: Sequence[str], name: str
) -> list[tuple[str, dict[str, str]]]:
    """Return ``(file row N, column to cell)`` of each row; ``InputError`` for a header or row that is not as asked."""
    lines = csv.reader(io.StringIO(read_text(file)))
    try:
        header = [column.strip() for column in next(lines, [])]
        missing = [column for column in required if column not in header]
        unknown = [column for column in header if column not in (*required, *optional)]
        if missing or unknown:
            problem = f"needs the column {missing[0]!r}" if missing else f"unknown column {unknown[0]!r}"
            raise InputError(f"{name}: {problem}; accepted: {', '.join((*required, *optional))}")
        rows = []
        for number, cells in enumerate(lines, 2):
            if not any(cells):
                continue
            if len(cells) != len(header):
                raise InputError(f"{name} row {number}: {len(cells)} cells, but the header has {len(header)}")
            rows.append((f"{name} row {number}", dict(zip(header, (cell.strip() for cell in cells), strict=True))))
        return rows
    except csv.Error as error:
        raise InputError(f"{name}: not valid CSV ({error})") from None


def file_name(file: Path) -> str:
    """Return what an error calls the file: the path of a user's own, else the name in the catalog."""
    return str(file) if isinstance(file, Path) and not str(file).startswith(str(catalog_root())) else file.name


def entries(document: Table, key: str, where: str) -> Iterator[Table]:
    """Yield the ``[[key]]`` entries of a document with sources, methods and links expanded."""
    allowed = {"sources", "methods", "links", key}
    listed = document.get(key, [])
    if not isinstance(listed, list) or not all(isinstance(entry, dict) for entry in listed):
        raise InputError(f"{where}: {key} must be written as [[{key}]] tables")
    unknown = [name for name in document if name not in allowed]
    if unknown:
        raise InputError(f"{where}: unknown table {unknown[0]!r}; accepted: {', '.join(sorted(allowed))}")
    for entry in listed:
        yield _expand(dict(entry), document, f"{where}: {key} {entry.get('id', '(no id)')!r}")


def _expand(entry: Table, document: Table, where: str) -> Table:
    methods = document.get("methods", {})
    estimated = {figure: methods.get(text, text) for figure, text in entry.get("estimated", {}).items()}
    if isinstance(entry.get("sources"), list):
        entry["sources"] = {key: _shared(document, "sources", key, where) for key in entry["sources"]}
    for figure in ("link", "network"):
        if isinstance(entry.get(figure), str):
            link = dict(_shared(document, "links", entry[figure], f"{where}: {figure}"))
            method = link.pop("latency_method", None)
            if method is not None:
                estimated.setdefault(f"{figure}.latency_us", methods.get(method, method))
            entry[figure] = link
    if estimated:
        entry["estimated"] = estimated
    return entry


def _shared(document: Table, kind: str, key: Any, where: str) -> Table:
    table = document.get(kind, {})
    if key not in table:
        raise InputError(f"{where}: no [{kind}.{key}] in this file; there are: {', '.join(table) or 'none'}")
    found: Table = table[key]
    return found
