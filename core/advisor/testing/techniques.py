"""Checks of techniques: settings, refusals with reasons, and columns that stay within bounds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress

import numpy as np

from advisor.candidates import Array, Candidates
from advisor.context import Context
from advisor.devices import Device
from advisor.errors import InputError
from advisor.interfaces import STAGES, Technique
from advisor.recipes import MOST_SETTINGS
from advisor.soundness import NOT_OF_TECHNIQUES, check_choices, check_finite, check_kept, protected
from advisor.testing.requirement import Check, require, require_same, require_unique, snapshot
from advisor.testing.samples import context_of, questions, sample_device
from advisor.testing.tables import halves, plain_rows


def technique_checks(technique: Technique, devices: Sequence[Device]) -> Iterator[Check]:
    """Checks of one technique, on its plugin's devices and on a made-up one."""
    tried = [*devices[:4], sample_device()]
    yield Check(f"technique {technique.name}: says what it is", lambda: _says_what_it_is(technique))
    for question in questions():
        yield Check(f"technique {technique.name}: settings: {question}",
                    lambda q=question: _settings(technique, _context(q, tried)))  # type: ignore[misc]  # fmt: skip
        yield Check(f"technique {technique.name}: applies: {question}",
                    lambda q=question: _applies(technique, _context(q, tried)))  # type: ignore[misc]  # fmt: skip


def _context(question: str, devices: Sequence[Device]) -> Context:
    model, workload = questions()[question]
    return context_of(model, workload, devices)


def _says_what_it_is(technique: Technique) -> None:
    require(technique.doc.strip(), "has no doc: one line on what it does")
    require("=" not in technique.name and "," not in technique.name, "its name holds '=' or ',', which settings use")
    require(technique.stage in STAGES, f"stage {technique.stage!r} is none of {', '.join(STAGES)}")
    require_unique([technique.name, *technique.aliases], "name or alias")


def _settings(technique: Technique, context: Context) -> None:
    settings = list(technique.settings(context))
    require(settings == list(technique.settings(context)), "settings() gives others a second time")
    require(len(settings) <= MOST_SETTINGS, f"settings() gives more than {MOST_SETTINGS}")
    for setting in settings:
        require(isinstance(setting, (int, str)), f"settings() gives a {type(setting).__name__}; expected int or str")
    require_unique([str(setting) for setting in settings], "setting")
    require(not technique.required(context), "required() is true though the workload does not ask for it: every "
            "candidate of the slot that does not use it, of every vendor, would be left out")  # fmt: skip


def _applies(technique: Technique, context: Context) -> None:
    rows = plain_rows(context, [technique])
    for setting in technique.settings(context):
        whole, refused = _apply(technique, rows, setting, context)
        again, refused_again = _apply(technique, rows, setting, context)
        require_same(whole, again, f"setting {setting!r} a second time")
        require(np.array_equal(refused, refused_again), f"setting {setting!r} a second time refuses other rows")
        for positions in halves(rows):
            part, refused_part = _apply(technique, rows.take(positions), setting, context)
            require(np.array_equal(refused[positions], refused_part), "refuses other rows when given fewer")
            kept = ~refused_part
            require_same({name: array[positions][kept] for name, array in whole.items()},
                         {name: array[kept] for name, array in part.items()}, "some of the rows alone",
                         exact=False)  # fmt: skip
        if "quality" in whole and (whole["quality"][~refused] < 1).any():
            require(technique.sources, "costs quality but names no source of how much")
    for setting in technique.settings(context):
        _apply(technique, rows.take(np.zeros(0, dtype=int)), setting, context)  # where an earlier one refused every row
    with suppress(InputError):  # what a user typed wrong is the user's to know
        _apply(technique, rows, "no such setting", context)


def _apply(
    technique: Technique, rows: Candidates, setting: int | str, context: Context
) -> tuple[dict[str, Array], Array]:
    """Apply it to a copy; return the columns and the refused rows, once both are sound."""
    before = snapshot(rows)
    table = rows.copy()
    table[f"choice.{technique.slot}"] = np.int16(1)
    given = protected(table, NOT_OF_TECHNIQUES)
    refused = np.zeros(len(rows), dtype=bool)
    with np.errstate(all="ignore"):
        refusals = technique.apply(table, setting, context)
    require(isinstance(refusals, (list, tuple)), f"apply() gives a {type(refusals).__name__}; expected a list")
    for mask, reason in refusals:
        require(isinstance(reason, str) and reason.strip() and "\n" not in reason, "refuses rows without a reason")
        array = np.asarray(mask)
        require(array.dtype == bool, f"a refusal's rows are of dtype {array.dtype}; expected bool")
        require(array.shape in ((), (len(rows),)), f"a refusal's rows are of shape {array.shape}")
        refused |= array
    check_kept(table, given, NOT_OF_TECHNIQUES)
    kept = table.take(~refused)
    check_finite(kept, kept.names)
    check_choices(kept, kept.names)
    require_same(before, {name: rows[name] for name in before}, "changes the arrays that it was given")
    return snapshot(table), refused
