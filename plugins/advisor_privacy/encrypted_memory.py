"""The column that says that a candidate runs with encrypted memory."""

from __future__ import annotations

from advisor.columns import Column

IN_USE = Column("confidential", "", "?", "memory is encrypted while it is used: confidential computing is switched on")
