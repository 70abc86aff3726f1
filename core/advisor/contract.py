"""What an object that a plugin hands over must be like before it is taken up; the conformance suite asks more."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from advisor.candidates import Schema
from advisor.columns import Column
from advisor.errors import PluginError
from advisor.interfaces import STAGES, Backend, ModelEntry, Objective, Profile, Scorer, Technique
from advisor.plugins import describe
from advisor.records import Checked, problem
from advisor.support import Framework, Support

#: Workload fields that bound an objective.
LIMITS = ("max_ttft", "max_tpot", "max_latency", "budget", "finish_in", "power_budget", "min_quality")


def check_item(item: object, name: str) -> str:
    """Return the item's name; raise ``PluginError`` if it would break those who use it."""
    found = getattr(item, name, None)
    if not isinstance(found, str) or not found.strip():
        raise PluginError(f"has no {name}")
    if isinstance(item, Checked):
        if wrong := problem(item):
            raise PluginError(wrong)
    elif not isinstance(getattr(item, "doc", ""), str):
        raise PluginError("its doc is not text")
    if isinstance(item, Technique):
        _check_text("slot", [getattr(item, "slot", None)])
        _check_text("aliases", item.aliases)
        if getattr(item, "stage", None) not in STAGES:
            raise PluginError(f"stage: expected one of {', '.join(STAGES)}, not {getattr(item, 'stage', None)!r}")
        _check_text("excludes", item.excludes)
        _check_text("needs", item.needs)
    elif isinstance(item, Framework):
        _check_framework(item)
    elif isinstance(item, ModelEntry):
        _check_text("aliases", item.aliases)
        if not isinstance(item.document, Mapping):
            raise PluginError(f"document: expected a mapping, not a {type(item.document).__name__}")
    elif isinstance(item, Profile):
        _check_profile(item)
    return found


def declared_columns(item: Technique | Backend | Scorer) -> list[Column]:
    """Columns that the item adds, the choice of a technique's slot included; raises ``PluginError``."""
    columns = list(item.columns)
    for column in columns:
        if not isinstance(column, Column):
            raise PluginError(f"columns: expected Column objects, not a {type(column).__name__}")
        kind = np.dtype(column.dtype).kind
        if kind not in "biuf":
            raise PluginError(f"column {column.name!r}: expected a dtype of numbers, not {column.dtype!r}")
        if not np.isfinite(column.default):
            raise PluginError(f"column {column.name!r}: its default is not a finite number")
    if isinstance(item, Technique):
        columns.insert(0, Column(f"choice.{item.slot}", "", "i2", f"technique of slot {item.slot}"))
    return columns


def compatible(items: Iterable[Any], known: list[Column]) -> Iterable[tuple[Any, str]]:
    """Yield each item with what is wrong with its columns, ``""`` if nothing; adds good ones to ``known``."""
    for item in items:
        try:
            columns = [column for column in declared_columns(item) if column not in known]
            if columns:
                Schema([*known, *columns])
        except Exception as error:
            yield item, describe(error)
        else:
            known += columns
            yield item, ""


def check_objective(objective: Objective, given: set[str]) -> None:
    """Raise ``PluginError`` for an objective that nothing could be compared by; ``given`` are names already taken."""
    if not isinstance(objective, Objective):
        raise PluginError(f"objectives: expected Objective objects, not a {type(objective).__name__}")
    name = objective.name
    if not all(isinstance(text, str) for text in (name, objective.unit, objective.doc, objective.aspect)) or not name:
        raise PluginError(f"objective {name!r}: its name, unit, doc and aspect must be text")
    if name in given:
        raise PluginError(f"objective {name!r} is measured already")
    if objective.direction not in ("minimize", "maximize") or objective.scale not in ("ratio", "linear"):
        raise PluginError(f"objective {name!r}: expected direction minimize or maximize, and scale ratio or linear")
    if objective.errs_with not in ("device", "recipe", "place"):
        raise PluginError(f"objective {name!r}: errs_with: expected device, recipe or place")
    if not (math.isfinite(objective.span) and objective.span > 0):
        raise PluginError(f"objective {name!r}: span: expected a number above zero, not {objective.span!r}")
    if objective.limited_by and objective.limited_by not in LIMITS:
        raise PluginError(f"objective {name!r}: limited_by: expected one of {', '.join(LIMITS)}")


def _check_framework(framework: Framework) -> None:
    _check_text("aliases", framework.aliases)
    for support in framework.supports:
        if not isinstance(support, Support):
            raise PluginError(f"supports: expected Support objects, not a {type(support).__name__}")
        for field in ("techniques", "vendors", "kinds", "families", "formats", "tasks", "units", "checkpoints"):
            _check_text(field, getattr(support, field))


def _check_text(field: str, values: Any) -> None:
    if isinstance(values, str) or not all(isinstance(value, str) and value.strip() for value in values):
        raise PluginError(f"{field}: expected text, not {values!r}")


def _check_profile(profile: Profile) -> None:
    _check_text("default_for", profile.default_for)
    _check_text("weights", profile.weights)
    weights = [float(weight) for weight in profile.weights.values()]
    if not any(weights) or not all(math.isfinite(weight) and weight >= 0 for weight in weights):
        raise PluginError("weights: expected numbers of zero or more, not all zero")
    _check_text("settings", profile.settings)
    if not isinstance(profile.ranker, str):
        raise PluginError(f"ranker: expected the name of a ranker, not {profile.ranker!r}")
    if not all(math.isfinite(float(number)) and float(number) >= 0 for number in profile.settings.values()):
        raise PluginError("settings: expected numbers of zero or more")
