"""Recipes: the rows crossed with every legal technique, slot by slot."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

import numpy as np
from msgspec import Struct, field

from advisor.candidates import Candidates
from advisor.context import Context
from advisor.errors import InputError, PluginError, UnknownNameError
from advisor.formats import format_named
from advisor.interfaces import STAGES, Refusals, Technique
from advisor.names import normalise
from advisor.pieces import BLOCK, pieces
from advisor.plugins import guarded
from advisor.soundness import NOT_OF_TECHNIQUES, check_choices, check_finite, check_kept, protected
from advisor.support import ANY

#: Stages whose techniques make up a layout, and settings by which a layout leaves one out.
LAYOUT_STAGES = ("layout", "memory")
OFF = ("none", "off", "0")
#: Settings of one technique that are tried at most: each multiplies the candidates.
MOST_SETTINGS = 1000


class Choices(Struct):
    """The labels that the ``choice.SLOT`` columns count through; 0 is no technique of the slot."""

    labels: dict[str, list[str]] = field(default_factory=dict)

    def recipe(self, rows: Candidates, row: int) -> dict[str, str]:
        """Slot to label for the techniques of one row."""
        chosen = {slot: int(rows.value(f"choice.{slot}", row)) for slot in self.labels}
        return {slot: self.labels[slot][code] for slot, code in chosen.items() if code}


def apply_techniques(
    rows: Candidates, techniques: list[Technique], owner: dict[str, str], context: Context, choices: Choices
) -> Iterator[Candidates]:
    """Cross the rows with every legal technique, slot by slot, and drop what cannot be used.

    Yields tables of about ``BLOCK`` rows: one that has grown larger is cut, and each piece goes on by itself. Raises
    ``InputError`` where a technique that the user names could be used nowhere.
    """
    pins = _pins(techniques, context)
    stages = {stage: position for position, stage in enumerate(STAGES)}
    slots: dict[str, list[Technique]] = {}
    for technique in sorted(techniques, key=lambda technique: stages.get(technique.stage, len(stages))):
        slots.setdefault(technique.slot, []).append(technique)
    combined = Combinations(techniques, choices.labels)
    dead_ends = DeadEnds()

    def applied(table: Candidates, remaining: list[str]) -> Iterator[Candidates]:
        for position, slot in enumerate(remaining):
            table = _apply_slot(table, slot, slots[slot], pins, owner, context, choices, combined, dead_ends)
            if len(table) > BLOCK // 4:  # batches are still to come; each slot may multiply a piece by ten
                for piece in pieces(table, np.ones(len(table), dtype=int), BLOCK // 16):
                    yield from applied(piece, remaining[position + 1 :])
                return
        yield _loadable(table, context)

    yield from applied(rows, list(slots))
    dead_ends.refuse()


class DeadEnds(Struct):
    """Slots whose technique was named by the user and could not be used, with the reasons, and those it could be in."""

    reasons: dict[str, dict[str, None]] = field(default_factory=dict)
    passed: set[str] = field(default_factory=set)

    def refuse(self) -> None:
        """Raise ``InputError`` for the first technique that could be used in no block."""
        for names, reasons in self.reasons.items():
            if names not in self.passed:
                raise InputError(
                    f"technique {names}: cannot be used here: {'; '.join(reasons) or 'no setting fits'}")  # fmt: skip


def _loadable(rows: Candidates, context: Context) -> Candidates:
    """Rows whose framework loads the weights as they are stored, or that store them anew."""
    if not context.known_frameworks or not len(rows):
        return rows
    left = np.where(rows["requantized"], rows["frameworks"],
                    rows["frameworks"] & context.legality.stored()[rows["device"]])  # fmt: skip
    rows["frameworks"] = left
    stored = format_named(context.model.weight_format).name
    context.note(f"no framework loads weights stored in {stored} on the device", int((left == 0).sum()))
    rows = rows if left.all() else rows.take(left != 0)
    _name_lone_frameworks(rows, context)
    return rows


def _name_lone_frameworks(rows: Candidates, context: Context) -> None:
    """Estimate inference that one framework alone runs with that framework's figures, where the user names none."""
    mask = rows["frameworks"]
    lone = (mask > 0) & (mask & (mask - 1) == 0)
    if context.workload.framework or context.workload.trains or not lone.any():
        return
    places = rows["framework"].copy()
    for bits in sorted(set(mask[lone].tolist())):  # np.unique would import numpy.ma
        name = context.legality.names(bits)[0]
        if name not in context.frameworks:
            context.frameworks.append(name)
        places[mask == bits] = context.frameworks.index(name)
    rows["framework"] = places


def _pins(techniques: list[Technique], context: Context) -> dict[str, str]:
    """Technique name to pinned setting; refuses names that no technique has."""
    by_name = {normalise(technique.name): technique.name for technique in techniques}
    for technique in techniques:
        for alias in technique.aliases:
            by_name.setdefault(normalise(alias), technique.name)
    pins: dict[str, str] = {}
    for text in context.workload.named_techniques:
        name, _, setting = (part.strip() for part in text.partition("="))
        if normalise(name + setting) in by_name:  # zero=1 is zero1
            name, setting = name + setting, ""
        elif normalise(setting) in OFF and text in context.workload.layout:
            continue  # what a layout does not name is off
        if normalise(name) not in by_name:
            raise UnknownNameError("technique", name, by_name)
        pins[by_name[normalise(name)]] = setting
    for name in context.workload.without_techniques:
        if normalise(name) not in by_name:
            raise UnknownNameError("technique", name, by_name)
    method = context.workload.method
    if context.workload.task == "finetune" and method != "full" and normalise(method) not in by_name:
        raise UnknownNameError("method", method, ["full", *(t.name for t in techniques if t.slot == "adaptation")])
    return pins


def _apply_slot(
    rows: Candidates, slot: str, members: list[Technique], pins: dict[str, str], owner: dict[str, str],
    context: Context, choices: Choices, combined: Combinations, dead_ends: DeadEnds,
) -> Candidates:  # fmt: skip
    labels = choices.labels.setdefault(slot, ["none"])
    unwanted = {normalise(name) for name in context.workload.without_techniques}
    pinned = [member for member in members if member.name in pins]
    required = pinned
    exact = context.workload.layout and not context.workload.searches_layouts
    if exact and not pinned and members[0].stage in LAYOUT_STAGES:
        return rows
    if not pinned:
        asked = [(m, guarded(owner[m.name], f"technique {m.name!r}", context.warn,
                             lambda m=m: bool(m.required(context)))) for m in members]  # type: ignore[misc]  # fmt: skip
        members = [member for member, answer in asked if answer is not None]  # None: it failed
        required = [member for member, answer in asked if answer]
    tables = [] if required else [rows]
    refused: list[str] = []
    warned = len(context.warnings)
    for technique in required or members:
        if {normalise(technique.name), *map(normalise, technique.aliases)} & unwanted:
            continue
        what = f"technique {technique.name!r}"
        settings = guarded(owner[technique.name], what, context.warn, lambda t=technique: _settings(t, context))  # type: ignore[misc]
        for setting in [] if settings is None else _wanted(technique, settings, pins):
            table = rows.copy()
            label = technique.name if setting == "" else f"{technique.name}={setting}"
            if label not in labels:
                labels.append(label)
            table[f"choice.{slot}"] = np.int16(labels.index(label))
            kept = guarded(owner[technique.name], what, context.warn,
                           lambda t=technique, s=setting, r=table:
                           _apply(r, t, s, context, refused, combined))  # type: ignore[misc]  # fmt: skip
            if kept is not None and len(kept):
                tables.append(kept)
    if pinned:
        names = ", ".join(member.name for member in pinned)
        dead_ends.reasons.setdefault(names, {}).update(dict.fromkeys([*refused, *context.warnings[warned:]]))
        if tables:
            dead_ends.passed.add(names)
    return Candidates.concat(tables) if tables else rows.take(np.zeros(len(rows), dtype=bool))


def _settings(technique: Technique, context: Context) -> list[int | str]:
    """The technique's settings, of the kind and number that labels can be made of."""
    settings = list(islice(technique.settings(context), MOST_SETTINGS + 1))
    if len(settings) > MOST_SETTINGS:
        raise PluginError(f"has more than {MOST_SETTINGS} settings")
    for setting in settings:
        if not isinstance(setting, (int, str)):
            raise PluginError(f"settings: expected numbers or text, not a {type(setting).__name__}")
    return settings


def _wanted(technique: Technique, settings: list[int | str], pins: dict[str, str]) -> list[int | str]:
    pin = pins.get(technique.name)
    if not pin:
        return settings
    return [next((setting for setting in settings if str(setting) == pin), int(pin) if pin.isdigit() else pin)]


def _apply(
    rows: Candidates, technique: Technique, setting: int | str, context: Context, refused: list[str],
    combined: Combinations,
) -> Candidates:  # fmt: skip
    given, before = protected(rows, NOT_OF_TECHNIQUES), rows.filled()
    refusals = [*combined.refusals(rows, technique), *(technique.apply(rows, setting, context) or [])]
    check_kept(rows, given, NOT_OF_TECHNIQUES)
    refusals += _without_framework(rows, technique, context)
    legal = np.ones(len(rows), dtype=bool)
    notes: list[tuple[str, int]] = []
    for mask, reason in refusals:
        mask = np.broadcast_to(np.asarray(mask, dtype=bool), legal.shape)
        notes.append((str(reason), int((mask & legal).sum())))
        legal &= ~mask
    kept = rows if legal.all() else rows.take(legal)
    changed = [name for name, column in rows.filled().items() if before.get(name) is not column]
    check_finite(kept, changed)
    check_choices(kept, changed)
    for reason, count in notes:  # counted once the technique is known to be sound
        context.note(f"{technique.name}: {reason}", count)
        if count:
            refused.append(reason)
    return kept


def _without_framework(rows: Candidates, technique: Technique, context: Context) -> Refusals:
    """Narrow the frameworks of rows that use the technique; refuse those that none is left for."""
    if not context.known_frameworks:
        return []
    masks = context.legality.of(technique.name)
    if (masks == ANY).all():
        return []
    own = masks[rows["device"]]
    before = rows["frameworks"]
    rows["frameworks"] = before & own
    apart = (own != 0) & (before & own == 0)
    named = context.workload.framework
    who = f"{named} does not run" if named else "no framework runs"
    return [(own == 0, f"{who} it on the device"), (apart, f"{who} it together with the rest of the recipe")]


class Combinations:
    """Which techniques may stand in one recipe, as they declare it."""

    def __init__(self, techniques: list[Technique], labels: dict[str, list[str]]) -> None:
        self._labels = labels
        self._excludes = {technique.name: set(technique.excludes) for technique in techniques}
        self._slots = {technique.name: technique.slot for technique in techniques}

    def refusals(self, rows: Candidates, technique: Technique) -> Refusals:
        """Rows that hold what the technique excludes, or lack what it needs."""
        answer: Refusals = []
        satisfied = np.zeros(len(rows), dtype=bool)
        for slot, labels in self._labels.items():
            if slot == technique.slot:
                continue
            names = [label.partition("=")[0] for label in labels]
            excluded = [code for code, name in enumerate(names) if code and self.exclude(technique.name, name)]
            if excluded:
                listed = ", ".join(dict.fromkeys(names[code] for code in excluded))
                answer.append((np.isin(rows[f"choice.{slot}"], excluded), f"it does not go with {listed}"))
            needed = [code for code, name in enumerate(names) if code and name in technique.needs]
            if needed:
                satisfied |= np.isin(rows[f"choice.{slot}"], needed)
        if technique.needs:
            answer.append((~satisfied, f"it needs {' or '.join(technique.needs)}"))
        return answer

    def exclude(self, one: str, other: str) -> bool:
        """Whether either excludes the other by its name or its slot."""
        return any(
            wanted in self._excludes.get(name, ()) for name, wanted in (
                (one, other), (one, self._slots.get(other)), (other, one), (other, self._slots.get(one)))
        )  # fmt: skip
