"""Which hardware, how many, set up how, from whom: for any model and workload.

>>> from advisor import Advisor, Workload
>>> ranking = Advisor().rank("meta-llama/Llama-3.1-8B", Workload(task="serve", request_rate=4))
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from advisor.api import Advisor
    from advisor.candidates import Candidates
    from advisor.columns import Column
    from advisor.context import Context
    from advisor.devices import Device, Link, Source, System
    from advisor.errors import AdvisorError, InputError, ModelFileError, PluginError, UnknownNameError
    from advisor.hookspecs import HOOK_VERSION, hookimpl
    from advisor.interfaces import (
        Backend,
        Exporter,
        ModelEntry,
        ModelReader,
        ModelSource,
        Objective,
        Profile,
        Ranker,
        Scorer,
        Scores,
        Technique,
    )
    from advisor.models import Layer, Model
    from advisor.offers import Offer
    from advisor.policies import Policy, PolicyRule
    from advisor.ranking.result import Candidate, Figure, Ranking
    from advisor.support import Framework, Support
    from advisor.workload import Workload

_HOMES = {
    "api": ["Advisor"],
    "candidates": ["Candidates"],
    "columns": ["Column"],
    "context": ["Context"],
    "devices": ["Device", "Link", "Source", "System"],
    "errors": ["AdvisorError", "InputError", "ModelFileError", "PluginError", "UnknownNameError"],
    "hookspecs": ["HOOK_VERSION", "hookimpl"],
    "interfaces": [
        "Backend", "Exporter", "ModelEntry", "ModelReader", "ModelSource", "Objective", "Profile", "Ranker", "Scorer",
        "Scores", "Technique",
    ],
    "models": ["Layer", "Model"],
    "offers": ["Offer"],
    "policies": ["Policy", "PolicyRule"],
    "ranking.result": ["Candidate", "Figure", "Ranking"],
    "support": ["Framework", "Support"],
    "workload": ["Workload"],
}  # fmt: skip
_HOME = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "HOOK_VERSION", "Advisor", "AdvisorError", "Backend", "Candidate", "Candidates", "Column", "Context", "Device",
    "Exporter", "Figure", "Framework", "InputError", "Layer", "Link", "Model", "ModelEntry", "ModelFileError",
    "ModelReader", "ModelSource", "Objective", "Offer", "PluginError", "Policy", "PolicyRule", "Profile", "Ranker",
    "Ranking", "Scorer", "Scores", "Source", "Support", "System", "Technique", "UnknownNameError", "Workload",
    "hookimpl",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used, so that ``import advisor`` costs nothing."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)
    globals()[name] = value
    return value
