"""The table of columns as ``docs/columns.md`` holds it, written from the declarations.

``python -m advisor.testing.documentation`` prints it.
"""

from __future__ import annotations

from advisor.columns import CHOICE, ESTIMATES, MEMORY_PARTS, SYSTEM, TIME_PARTS, WORKLOAD, Column

#: Section to its text and its columns.
SECTIONS: dict[str, tuple[str, tuple[Column, ...]]] = {
    "System": ("Which hardware a row is of. Core's own: a plugin that changes one is left out.", SYSTEM),
    "Workload": ("What one candidate works on. Set from the workload; techniques may change them.", WORKLOAD),
    "Choice": ("What techniques choose and backends read.", CHOICE),
    "Estimate": ("What backends set, with `NAME.low` and `NAME.high` where marked as intervals.",
                 tuple(column for column in ESTIMATES if column not in (*MEMORY_PARTS, *TIME_PARTS))),
    "Parts of memory": ("They add up to `memory`.", MEMORY_PARTS),
    "Parts of time": ("They add up to `step_time`.", TIME_PARTS),
}  # fmt: skip
DTYPES = {"f8": "float64", "i4": "int32", "i2": "int16", "i1": "int8", "?": "bool"}


def columns_page() -> str:
    """The page, in Markdown."""
    lines = [
        "# Columns of the candidate table",
        "",
        "A candidate is a row; techniques, backends and scorers read and set whole columns. Units are SI base units;",
        "a column without a unit is a plain number. `core/advisor/columns.py` declares them, this page is written",
        "from it (`python -m advisor.testing.documentation > docs/columns.md`), and a test compares the two. A",
        "plugin adds columns of its own in its `columns`; `choice.SLOT` (int16) counts through the techniques of a",
        "slot, 0 for none, and is core's own. `rows[name]` is read-only, of the declared dtype, and reads as the",
        "default until it is set.",
    ]
    for title, (text, columns) in SECTIONS.items():
        lines += ["", f"## {title}", "", text, "", "| name | unit | dtype | default | interval | meaning |",
                  "|---|---|---|---|---|---|"]  # fmt: skip
        lines += [_row(column) for column in columns]
    return "\n".join(lines) + "\n"


def _row(column: Column) -> str:
    default = f"{column.default:g}"
    interval = "yes" if column.interval else ""
    dtype = DTYPES.get(column.dtype, column.dtype)
    return f"| `{column.name}` | {column.unit} | {dtype} | {default} | {interval} | {column.doc} |"


if __name__ == "__main__":
    print(columns_page(), end="")
