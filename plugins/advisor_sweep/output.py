"""The parts of a finished sweep as one Parquet or CSV file, a part at a time; or left as a folder of Parquet files."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from advisor.errors import InputError
from advisor_sweep.parts import Parts
from advisor_sweep.table import columns, kinds, ordered

#: Rows of one group of a Parquet file, whatever the parts.
GROUP = 20_000
FORMATS = (".parquet", ".csv")


def is_folder(output: Path) -> bool:
    """Whether the parts stay as they are: a name without an ending is a folder of Parquet files."""
    return not output.suffix


def check_output(output: Path) -> None:
    """Refuse a format that cannot be written, before anything is computed."""
    if not is_folder(output) and output.suffix not in FORMATS:
        raise InputError(f"{output}: expected a name that ends in {' or '.join(FORMATS)}, or a folder's")
    if output.suffix != ".csv":
        _pyarrow()


def _pyarrow() -> Any:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise InputError("Parquet needs pyarrow: pip install 'hardware-advisor[sweep]'; or write a .csv") from None
    return pyarrow


def write_output(output: Path, parts: Parts, axes: Sequence[str]) -> int:
    """Write all rows in the order of their positions; returns how many."""
    names = ordered({name for records in parts.read() for record in records for name in record}, axes)
    partial = output.with_name(f".{output.name}.{os.getpid()}")
    try:
        count = (_parquet if output.suffix == ".parquet" else _csv)(partial, _groups(parts), names, axes)
        os.replace(partial, output)
    except OSError as error:
        raise InputError(f"{output}: cannot be written ({error.strerror or error})") from None
    return count


def _groups(parts: Parts) -> Iterator[list[dict[str, Any]]]:
    """Records in groups of one size, so that the file does not show how the work was cut."""
    waiting: list[dict[str, Any]] = []
    for records in parts.read():
        waiting += records
        while len(waiting) >= GROUP:
            yield waiting[:GROUP]
            waiting = waiting[GROUP:]
    if waiting:
        yield waiting


def _csv(path: Path, groups: Iterator[list[dict[str, Any]]], names: list[str], axes: Sequence[str]) -> int:
    count = 0
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(names)
        for records in groups:
            table = columns(records, axes)
            empty = [None] * len(records)
            writer.writerows(zip(*(table.get(name, empty) for name in names), strict=True))
            count += len(records)
    return count


def _parquet(path: Path, groups: Iterator[list[dict[str, Any]]], names: list[str], axes: Sequence[str]) -> int:
    schema = _schema(names, axes)
    count = 0
    with _pyarrow().parquet.ParquetWriter(path, schema) as writer:
        for records in groups:
            writer.write_table(_table(records, schema, axes), row_group_size=GROUP)
            count += len(records)
    return count


def parquet_bytes(records: Sequence[dict[str, Any]], axes: Sequence[str]) -> bytes:
    """Records as the contents of a Parquet file."""
    pyarrow = _pyarrow()
    schema = _schema(ordered({name for record in records for name in record}, axes), axes)
    sink = pyarrow.BufferOutputStream()
    pyarrow.parquet.write_table(_table(records, schema, axes), sink)
    contents: bytes = sink.getvalue().to_pybytes()
    return contents


def count_rows(parts: Parts) -> int:
    """Rows of a folder of Parquet files, from their ends alone."""
    metadata = _pyarrow().parquet.read_metadata
    return sum(metadata(path).num_rows for path in parts.folder.glob("part-*.parquet"))


def _schema(names: Sequence[str], axes: Sequence[str]) -> Any:
    pyarrow = _pyarrow()
    types = {"text": pyarrow.string(), "whole": pyarrow.int64(), "flag": pyarrow.bool_(), "number": pyarrow.float64()}
    known = kinds(axes)
    return pyarrow.schema([(name, types[known.get(name, "number")]) for name in names])


def _table(records: Sequence[dict[str, Any]], schema: Any, axes: Sequence[str]) -> Any:
    pyarrow = _pyarrow()
    table = columns(records, axes)
    empty = [None] * len(records)
    arrays = [pyarrow.array(table.get(field.name, empty), field.type) for field in schema]
    return pyarrow.Table.from_arrays(arrays, schema=schema)
