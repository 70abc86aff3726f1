"""Models out of objects that an application holds: a plugin's function for the framework, found when asked for."""

from __future__ import annotations

from importlib import metadata
from typing import TYPE_CHECKING, Any

from advisor.errors import InputError

if TYPE_CHECKING:
    from advisor.models import Model

#: Entry points of this group are functions that make a ``Model`` of a framework's objects, by the framework's name.
GROUP = "advisor.objects"


def read_object(framework: str, *arguments: Any, **options: Any) -> Model:
    """Return what the installed plugin for the framework makes of the objects."""
    found = metadata.entry_points(group=GROUP)
    entry = next((one for one in found if one.name == framework), None)
    if entry is None:
        known = ", ".join(sorted({one.name for one in found})) or "none"
        raise InputError(
            f"no installed plugin reads objects of {framework} (entry-point group {GROUP!r}; here: {known})"
        )
    model: Model = entry.load()(*arguments, **options)
    return model
