"""JSON schemas of the catalogs' entries, for editors and for those who write their own."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from advisor_catalogs.loading import KINDS


def json_schemas() -> dict[str, dict[str, Any]]:
    """Return kind of entry (``device``, ``system``, ``offer``, ``grid``, ``provider``) to its schema.

    In files, ``sources`` may also be a list of keys, and ``link`` and ``network`` a key, of the file's own
    ``[sources]`` and ``[links]`` tables.
    """
    kinds: dict[str, type[BaseModel]] = dict(KINDS)
    return {kind: record.model_json_schema() for kind, record in kinds.items()}
