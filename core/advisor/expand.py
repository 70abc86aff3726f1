"""From a question to the table of candidates: hardware, then recipes, then batches."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice

import numpy as np

from advisor.candidates import Candidates, Schema
from advisor.columns import Column
from advisor.context import Context
from advisor.errors import InputError, PluginError, UnknownNameError
from advisor.formats import CODES, arithmetic_code, format_named
from advisor.interfaces import STAGES, Refusals, Technique
from advisor.models import Model
from advisor.names import normalise
from advisor.optimizers import optimizer_bytes
from advisor.pieces import BLOCK, pieces
from advisor.plugins import guarded
from advisor.soundness import NOT_OF_TECHNIQUES, check_choices, check_finite, check_kept, protected
from advisor.support import ANY

#: Requests in flight that are tried where the user gives no concurrency.
SERVED_AT_ONCE = (1, 2, 4, 8, 16, 32, 64, 128, 256)
SAMPLES_AT_ONCE = (1, 8, 64, 512, 4096)
MICRO_BATCHES = (1, 2, 4, 8, 16, 32, 64)
#: Stages whose techniques make up a layout, and settings by which a layout leaves one out.
LAYOUT_STAGES = ("layout", "memory")
OFF = ("none", "off", "0")
#: Settings of one technique that are tried at most: each multiplies the candidates.
MOST_SETTINGS = 1000


@dataclass
class Choices:
    """The labels that the ``choice.SLOT`` columns count through; 0 is no technique of the slot."""

    labels: dict[str, list[str]] = field(default_factory=dict)

    def recipe(self, rows: Candidates, row: int) -> dict[str, str]:
        """Slot to label for the techniques of one row."""
        chosen = {slot: int(rows.value(f"choice.{slot}", row)) for slot in self.labels}
        return {slot: self.labels[slot][code] for slot, code in chosen.items() if code}


def make_schema(techniques: list[Technique], more: list[Column]) -> Schema:
    """Core's columns, a choice column a slot, and what plugins declare."""
    slots = dict.fromkeys(technique.slot for technique in techniques)
    choice = [Column(f"choice.{slot}", "", "i2", f"technique of slot {slot}") for slot in slots]
    return Schema([*choice, *(column for technique in techniques for column in technique.columns), *more])


def start_rows(context: Context, schema: Schema, systems: np.ndarray, nodes: np.ndarray) -> Candidates:
    """Rows for systems (positions) and node counts, with the model as its file has it."""
    model, workload = context.model, context.workload
    rows = Candidates(len(systems), schema)
    columns = context.systems
    rows["system"] = systems.astype(np.int32)
    rows["nodes"] = nodes.astype(np.int32)
    rows["device"] = columns.device[systems]
    rows["device_count"] = (columns.device_count[systems] * nodes).astype(np.int32)
    rows["data_parallel"] = rows["device_count"]
    rows["input_tokens"] = float(workload.input_tokens)
    rows["output_tokens"] = float(workload.output_tokens)
    rows["sequence_length"] = float(workload.sequence_length(model.max_context) if model.unit == "token" else 1)
    set_stored_formats(rows, context)
    if context.known_frameworks:
        rows["frameworks"] = context.legality.start()[rows["device"]]
    return rows


def set_stored_formats(rows: Candidates, context: Context) -> None:
    """Set the format columns to what the model file has, and the training state to the optimizer's."""
    model = context.model
    stored = [(copies * op.parameters, format_named(model.format_of(op)).bits)
              for op, copies in model.operators(None) if op.quantizable]  # fmt: skip
    total = sum(count for count, _ in stored)
    wide = format_named(model.weight_format).bits
    rows["weight_bits"] = sum(count * bits for count, bits in stored) / total if total else wide
    rows["weight_format"] = np.int8(CODES[format_named(model.weight_format).name])
    rows["compute_format"] = np.int8(arithmetic_code(model.weight_format))
    rows["cache_format"] = np.int8(CODES[format_named(model.cache_format).name])
    rows["cache_bits"] = float(format_named(model.cache_format).bits)
    rows["quality.low"] = 1.0
    rows["quality.high"] = 1.0
    if context.workload.trains:
        full_precision = wide >= 32  # fp32 weights are their own master copy
        rows["optimizer_bytes"] = optimizer_bytes(context.workload.optimizer, full_precision, _matrix_share(model))
        rows["gradient_bytes"] = 4.0 if full_precision else 2.0


def _matrix_share(model: Model) -> float:
    """Share of the parameters that are quantizable matrices: those within the blocks."""
    inside = sum(copies * op.parameters for op, copies in model.operators(None) if op.quantizable)
    return inside / model.parameters if model.parameters else 1.0


def hardware_rows(context: Context, schema: Schema) -> Candidates:
    """One row a system and power-of-two node count that the job could use."""
    columns = context.systems
    workload = context.workload
    one = context.model.weight_bytes * (9.0 if workload.trains and workload.method == "full" else 1.0) * 1.2
    need = np.ceil(one / (columns.device_count * context.devices.memory_bytes[columns.device]))
    most = np.minimum(np.maximum(need * (16 if workload.trains else 2), 1), columns.max_nodes)
    if workload.finish_in is not None and workload.trains:
        most = columns.max_nodes.astype(float)
    if workload.max_devices is not None:
        most = np.minimum(most, workload.max_devices // columns.device_count)
    systems, nodes = [], []
    for exponent in range(15):
        allowed = np.flatnonzero(most >= 2**exponent)
        systems.append(allowed)
        nodes.append(np.full(len(allowed), 2**exponent))
    return start_rows(context, schema, np.concatenate(systems), np.concatenate(nodes))


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


@dataclass
class DeadEnds:
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
    given = protected(rows, NOT_OF_TECHNIQUES)
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
    check_finite(kept, kept.names)
    check_choices(kept)
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


def batch_blocks(rows: Candidates, context: Context) -> Iterator[Candidates]:
    """The rows crossed with batches, in pieces of ``BLOCK`` rows at most."""
    rungs = max(len(SERVED_AT_ONCE), MICRO_BATCHES[-1] if context.workload.searches_layouts else len(MICRO_BATCHES))
    for piece in pieces(rows, np.full(len(rows), rungs)):
        yield batch_rows(piece, context)


def batch_rows(rows: Candidates, context: Context) -> Candidates:
    """Cross the rows with the batches that suit the task."""
    if context.workload.trains:
        return _training_batches(rows, context)
    workload, model = context.workload, context.model
    if workload.concurrency is not None or (workload.batch_size is not None and not model.generates):
        wanted = float(workload.concurrency or workload.batch_size or 1)
        rows = rows.copy()
        rows["batch"] = np.maximum(1.0, np.ceil(wanted / rows["data_parallel"]))
        rows["steady"] = workload.task == "serve"
        return rows
    ladder = np.array(SERVED_AT_ONCE if model.unit == "token" else SAMPLES_AT_ONCE, dtype=float)
    if workload.batch_size is not None:
        ladder = np.array([float(workload.batch_size)])
    index = np.repeat(np.arange(len(rows)), len(ladder))
    answer = rows.take(index)
    answer["batch"] = np.tile(ladder, len(rows))
    answer["steady"] = workload.task == "serve"
    return answer


def default_global_batch(context: Context) -> int:
    """Samples a training step where the user gives none.

    Four million tokens for pretraining (Brown et al. 2020 use 3.2 million at 175B), 64 sequences for
    fine-tuning, 32 samples (the Keras default) for networks without a sequence axis.
    """
    if context.model.unit != "token":
        return 32
    if context.workload.task == "finetune":
        return 64
    return max(1, round(2**22 / context.workload.sequence_length(context.model.max_context)))


def _training_batches(rows: Candidates, context: Context) -> Candidates:
    wanted = context.workload.batch_size or default_global_batch(context)
    most = np.floor(wanted / rows["data_parallel"])
    context.note(f"more replicas than the {wanted} samples of a step", int((most < 1).sum()))
    rows = rows.take(most >= 1)
    most = np.floor(wanted / rows["data_parallel"])
    if context.workload.micro_batch is not None:
        ladder = np.array([float(context.workload.micro_batch)])
    elif context.model.unit != "token":
        ladder = np.array([np.inf])  # a small network runs a replica's whole share at once
    else:
        ladder = np.array(MICRO_BATCHES, dtype=float)
        if context.workload.searches_layouts:
            ladder = np.array([size for size in range(1, MICRO_BATCHES[-1] + 1) if wanted % size == 0], dtype=float)
    index = np.repeat(np.arange(len(rows)), len(ladder))
    micro = np.tile(ladder, len(rows))
    share = most[index]
    micro = np.where(np.isinf(micro), share, micro)
    together = micro * rows["data_parallel"][index]
    batch = np.full(len(index), float(wanted))
    if context.workload.batch_size is None:  # the default is rounded to whole micro-batches of every replica
        batch = np.maximum(np.round(wanted / together), 1) * together
    keep = micro <= share
    if context.model.unit == "token":
        whole = batch % together == 0
        context.note(f"data parallel x micro-batch does not divide the {wanted} samples of a step",
                     int((keep & ~whole).sum()))  # fmt: skip
        keep &= whole
    # An interleaved schedule runs micro-batches in groups of one a stage (Narayanan et al. 2021, section 2.2).
    stages, chunks = rows["pipeline_parallel"][index], rows["virtual_stages"][index]
    grouped = (chunks == 1) | (batch // np.maximum(together, 1) % stages == 0)
    context.note("interleaved stages need a multiple of the stages in micro-batches", int((keep & ~grouped).sum()))
    keep &= grouped
    answer = rows.take(index[keep])
    answer["micro_batch"] = micro[keep]
    answer["global_batch"] = batch[keep]
    answer["batch"] = micro[keep]
    return answer
