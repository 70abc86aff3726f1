"""What plugins hand over through the hooks: objects with vectorised methods.

Subclass these, or provide objects of the same shape. Every call is guarded: an object that raises,
or that leaves a column of the wrong shape, dtype or a non-finite number, is named in a warning and
left out, and the ranking goes on.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

from msgspec import Struct, field

from advisor.candidates import Array, Candidates
from advisor.columns import Column
from advisor.context import Context
from advisor.devices import Source
from advisor.errors import InputError, ModelFileError
from advisor.models import Model

if TYPE_CHECKING:
    from advisor.ranking.result import Candidate

#: Order in which techniques are applied.
STAGES = ("structure", "formats", "adaptation", "layout", "memory", "runtime")
TechniqueStage = Literal["structure", "formats", "adaptation", "layout", "memory", "runtime"]

#: Rows that a technique cannot be used on, each with the reason.
Refusals = list[tuple[Array, str]]

#: A text of so many bytes, or brackets, is no model's configuration: parsing it would take a gigabyte.
MOST_JSON_BYTES = 16 << 20
MOST_JSON_CONTAINERS = 500_000


class ModelSource(Struct, frozen=True, dict=True):
    """Where a model comes from: a file or folder, or a document that a catalog holds.

    Readers look at ``head`` (the first 4 KiB of a file) and ``document`` (parsed JSON, None if it is
    not JSON) and never trust the name alone. ``options`` carry what the user said of the model.
    """

    name: str
    path: Path | None = None
    given_document: Mapping[str, Any] | None = None
    options: Mapping[str, Any] = field(default_factory=dict)

    @cached_property
    def head(self) -> bytes:
        """First bytes of the file; empty for folders and catalog documents."""
        if self.path is None or not self.path.is_file():
            return b""
        with self.path.open("rb") as stream:
            return stream.read(4096)

    @cached_property
    def document(self) -> Mapping[str, Any] | None:
        """The JSON object in the file, of at most 16 MiB; None if it does not hold one."""
        if self.given_document is not None:
            return self.given_document
        if self.path is None or not self.head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{"):
            return None
        if self.path.stat().st_size > MOST_JSON_BYTES:
            raise ModelFileError(f"{self.path}: larger than {MOST_JSON_BYTES >> 20} MiB, so not read as JSON")
        try:
            text = self.path.read_text("utf-8-sig")
            if text.count("[") + text.count("{") > MOST_JSON_CONTAINERS:
                raise ModelFileError(f"{self.path}: more than {MOST_JSON_CONTAINERS:,} JSON containers, so not read")
            loaded = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise ModelFileError(f"{self.path}: not valid JSON ({error})") from None
        return loaded if isinstance(loaded, dict) else None


class ModelReader(ABC):
    """Reads one kind of model file, without running anything from it.

    Of readers that claim a source the one with the highest ``precedence`` reads it: one that sees more of
    it (the weights beside a configuration) goes first.
    """

    name: str
    doc: str = ""
    precedence: int = 0

    @abstractmethod
    def claims(self, source: ModelSource) -> bool:
        """Say, from the content, whether this reader can read the source. Must be quick."""

    @abstractmethod
    def read(self, source: ModelSource) -> Model:
        """Read the model, or raise ``ModelFileError`` with the file, the field and what is accepted."""


class ModelEntry(Struct, frozen=True):
    """A model that a catalog knows by name; ``document`` is what its reader reads."""

    id: str
    document: Mapping[str, Any]
    aliases: tuple[str, ...] = ()
    licence: str = ""
    sources: Mapping[str, Source] = field(default_factory=dict)


class Backend(ABC):
    """Estimates memory, time and power of candidates on the devices whose ``backend`` it is named for.

    It is called with the rows of its own devices alone. ``columns`` are columns it adds to the table.
    """

    name: str
    doc: str = ""
    columns: Sequence[Column] = ()

    @abstractmethod
    def memory(self, rows: Candidates, context: Context) -> None:
        """Set the memory parts and the interval ``memory``: bytes on one device."""

    @abstractmethod
    def estimate(self, rows: Candidates, context: Context) -> None:
        """Set, with intervals, what the task asks for, of one unit.

        Serving and batch: ``samples_per_s``, ``request_latency``, ``step_time``, ``power``, and for a
        generating model ``time_to_first_token`` and ``time_per_output_token``. Training:
        ``samples_per_s``, ``step_time``, ``power``. Always the parts of ``step_time`` and
        ``flops_per_sample``.
        """

    def at_load(self, rows: Candidates, context: Context, share: float) -> None:
        """Replace the latencies by those that ``share`` of the requests stay below at the ``load`` of each row.

        Called after ``estimate`` where the workload has a ``request_rate``: requests arrive at random, ``load`` x
        ``samples_per_s`` of one unit a second. Sets ``time_to_first_token``, ``time_per_output_token`` and
        ``request_latency``, as far as ``estimate`` did, with intervals. It may be called again with other loads and
        shares, and on some of the rows. A backend without it stays with the latencies of a full batch.
        """
        return None

    def bearable_load(
        self, rows: Candidates, context: Context, share: float, bounds: Mapping[str, float]
    ) -> Array | None:
        """Return the largest load of each row at which ``share`` of the requests keep within the bounds.

        ``bounds`` are latencies in seconds by column. 0 where no load does; None where the backend cannot say.
        Loads above 0.8 and below 0.05 need not be told apart. Called after ``at_load``.
        """
        return None


class Technique(ABC):
    """A choice that changes how the model runs. Techniques of one ``slot`` exclude each other.

    ``settings`` are the values it can be used with (``tensor_parallel=2, 4, 8``); one empty setting
    means that it has none. ``apply`` gets rows that all use it, rewrites their columns, and returns
    the rows on which it cannot be used, each with the reason. ``excludes`` names techniques, or whole
    slots, that it cannot be combined with; of those in ``needs``, which are of earlier stages, a recipe must hold one.
    Where it runs is for frameworks to say (the hook ``frameworks``).
    """

    name: str
    slot: str
    stage: TechniqueStage
    doc: str = ""
    aliases: Sequence[str] = ()
    sources: Sequence[Source] = ()
    columns: Sequence[Column] = ()
    excludes: Sequence[str] = ()
    needs: Sequence[str] = ()

    def settings(self, context: Context) -> Sequence[int | str]:
        """Values to try for this model and workload; none where it makes no sense."""
        return ("",)

    def required(self, context: Context) -> bool:
        """Whether the workload asks for it, so that candidates without it are left out."""
        return False

    @abstractmethod
    def apply(self, rows: Candidates, setting: int | str, context: Context) -> Refusals:
        """Rewrite columns of ``rows`` and return the refusals."""


class Objective(Struct, frozen=True):
    """What a scorer measures.

    ``aspect`` is the word a user optimizes by (``cost``); a scorer gives each aspect one objective.
    ``limited_by`` is the workload field that bounds it. ``scale`` says how differences compare:
    ``ratio`` (twice as much is as bad anywhere) or ``linear``, where ``span`` counts as one doubling.
    ``negligible`` is an amount that nobody minds (ten cents a run): ratios are taken after adding it.
    ``errs_with`` says which candidates share the error of its estimate: those on one device, with one
    recipe, or at one place.
    """

    name: str
    unit: str
    direction: Literal["minimize", "maximize"]
    doc: str
    aspect: str = ""
    limited_by: str = ""
    scale: Literal["ratio", "linear"] = "ratio"
    span: float = 1.0
    negligible: float = 0.0
    errs_with: Literal["device", "recipe", "place"] = "device"


class Scores(Struct):
    """A scorer's answer: objective to (value, low, high), what each adds, and rows it rules out.

    Where ``Scorer.detail`` gives intervals and parts, ``score`` may give the values alone.
    """

    values: Mapping[str, tuple[Array, Array, Array] | Array]
    parts: dict[str, dict[str, Array]] = field(default_factory=dict)
    exclusions: Refusals = field(default_factory=list)


class Scorer(ABC):
    """Turns estimates and offers into objectives.

    ``enforces`` names workload fields that it rules candidates out by (``policies``): where the user
    gives one and no scorer that enforces it has run, every candidate is infeasible. ``assumes`` are
    figures that it takes from the workload's ``assume`` where the user gives them: name to value and meaning.
    """

    name: str
    doc: str = ""
    columns: Sequence[Column] = ()
    enforces: Sequence[str] = ()
    assumes: Mapping[str, str] = MappingProxyType({})

    @abstractmethod
    def objectives(self, context: Context) -> Sequence[Objective]:
        """The objectives that apply to this model and workload."""

    @abstractmethod
    def score(self, rows: Candidates, context: Context) -> Scores:
        """Score every row; ``rows["offer"]`` is -1 where no offer is known: NaN is allowed there alone."""

    def detail(self, rows: Candidates, context: Context) -> Scores:
        """The same scores with intervals and parts, of the rows that someone looks at.

        A scorer whose ``score`` gives both need not have it.
        """
        return self.score(rows, context)


class Ranker(ABC):
    """Puts candidates in order by several objectives.

    ``losses`` are (rows, objectives): 0 at the best feasible value, 1 at twice as bad. ``weights`` sum to 1.
    """

    name: str
    doc: str = ""

    def configured(self, settings: Mapping[str, float], aspects: Sequence[str]) -> Ranker:
        """Return the ranker with what the user set for aspects, ``--ranker NAME:ASPECT=NUMBER,...``.

        ``aspects`` name the columns of ``losses``. Raises ``InputError`` for a setting it does not have.
        """
        if settings:
            raise InputError(f"ranker {self.name!r} has no settings; given: {', '.join(settings)}")
        return self

    @abstractmethod
    def scores(self, losses: Array, weights: Array) -> Array:
        """Return a score a row, lower is better."""

    def fitted(self, losses: Array, weights: Array) -> Callable[[Array], Array]:
        """Return a function that scores any rows as these are scored, one row at a time.

        A ranker whose scores depend on the other rows (on the best or worst of them, or on how many
        are better) overrides it and takes from ``losses`` what it needs.
        """
        return lambda rows: self.scores(rows, weights)


class Profile(Struct, frozen=True):
    """Named weights of aspects; ``tasks`` it is the default of.

    It may name the ``ranker`` that suits it, with ``settings`` of aspects.
    """

    name: str
    weights: Mapping[str, float]
    doc: str = ""
    default_for: tuple[str, ...] = ()
    ranker: str = ""
    settings: Mapping[str, float] = field(default_factory=dict)


class Exporter(ABC):
    """Writes a candidate as something that can be used: a launch command, a job file."""

    name: str
    doc: str = ""

    @abstractmethod
    def export(self, candidate: Candidate, context: Context) -> str:
        """Return the text."""
