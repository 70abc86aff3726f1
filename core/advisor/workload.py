"""The workload: what is to be done with the model, and what the user will not give up."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from msgspec import Meta, field
from msgspec.structs import force_setattr

from advisor.errors import InputError
from advisor.names import normalise
from advisor.records import Checked, Number, PositiveFloat, declared, no_such_field, one_field
from advisor.units import Bytes, Count, Dollars, PerSecond, Seconds, Watts, parse_share

Share = Annotated[float, Meta(gt=0, le=1, extra={"parse": parse_share})]
Spread = Annotated[float, Meta(ge=0, le=1)]
HitShare = Annotated[float, Meta(ge=0, le=0.99, extra={"parse": parse_share})]
Percentile = Annotated[float, Meta(ge=50, le=99.9)]
DeviceLimit = Annotated[int, Meta(gt=0, le=10**7)]


def about(text: str) -> Meta:
    """What a field is, for its option's help."""
    return Meta(description=text)


Task = Literal["train", "finetune", "serve", "batch"]

#: What a layout may call the micro-batch.
MICRO_BATCH_WORDS = ("micro", "micro-batch", "mbs")


class Workload(Checked, frozen=True, kw_only=True):
    """A task with its data, traffic, service levels, limits, places and preferences.

    Every field can be given as an option of the command line, a key of a TOML file, or an argument;
    sizes, times, rates and money accept units (``"100M"``, ``"500ms"``, ``"0.5/s"``). None means that
    the user did not say.
    """

    task: Annotated[Task, about("what is to be done")] = "serve"

    # the data
    rows: Annotated[Count | None, about("samples or requests of one pass over the data")] = None
    tokens: Annotated[Count | None, about("tokens of one pass over the data")] = None
    epochs: Annotated[PositiveFloat, about("passes over the data")] = 1
    seq_len: Annotated[Count | None, about("tokens a training sequence")] = None
    input_tokens: Annotated[Count, about("tokens of a prompt")] = 1024
    output_tokens: Annotated[Count, about("tokens generated a request")] = 256
    input_spread: Annotated[Spread, about("standard deviation of prompts' lengths over their mean")] = 0
    output_spread: Annotated[Spread, about("the same of outputs: 0 all alike, 1 exponential")] = 0
    prefix_share: Annotated[HitShare, about("share of a prompt's tokens that earlier requests began with")] = 0
    batch_size: Annotated[Count | None, about("samples a training step, or served at once")] = None
    micro_batch: Annotated[Count | None, about("samples a device works on at once in training")] = None
    optimizer: Annotated[str, about("optimizer of the training")] = "adam"
    method: Annotated[str, about("full, or an adaptation technique such as lora")] = "full"
    framework: Annotated[
        str, about("serving or training framework, such as vllm; empty for a typical one")
    ] = ""
    flexible: Annotated[Seconds | None, about("time that a run may wait for cleaner electricity")] = None
    settings: Annotated[dict[str, Number], about("settings of techniques: lora_rank=16")] = field(default_factory=dict)

    # the traffic and service levels
    request_rate: Annotated[PerSecond | None, about("requests a second to carry")] = None
    concurrency: Annotated[Count | None, about("requests in flight at once")] = None
    percentile: Annotated[Percentile, about("percent of requests that latencies at a rate are for")] = 95
    max_ttft: Annotated[Seconds | None, about("longest time to first token, at a rate that percentile")] = None
    max_tpot: Annotated[Seconds | None, about("longest time per output token")] = None
    max_latency: Annotated[Seconds | None, about("longest time of a whole request")] = None

    # the limits
    budget: Annotated[Dollars | None, about("most US dollars to spend: the run, or a month of service")] = None
    finish_in: Annotated[Seconds | None, about("time until a run must be done")] = None
    power_budget: Annotated[Watts | None, about("most power to draw")] = None
    min_quality: Annotated[Share | None, about("least share of the unchanged model's quality")] = None
    allow_unrated: Annotated[bool, about("also try techniques whose loss of quality nobody has published")] = False
    limits: Annotated[
        dict[str, Number], about("bounds on any estimate or objective by name")
    ] = field(default_factory=dict)

    assume: Annotated[
        dict[str, Number], about("figures instead of scorers' own defaults")
    ] = field(default_factory=dict)

    # the places and parts to consider
    device: Annotated[tuple[str, ...], about("device ids or aliases")] = ()
    kind: Annotated[tuple[str, ...], about("kinds of device: cpu, gpu, tpu")] = ()
    vendor: Annotated[tuple[str, ...], about("vendors of devices")] = ()
    provider: Annotated[tuple[str, ...], about("providers of offers")] = ()
    region: Annotated[tuple[str, ...], about("regions, countries or areas")] = ()
    term: Annotated[tuple[str, ...], about("price terms: on-demand, spot, reserved-1y, owned")] = ()
    max_devices: Annotated[DeviceLimit | None, about("most devices to use")] = None
    on_premises: Annotated[bool, about("only hardware on one's own premises")] = False
    buy: Annotated[bool, about("also consider hardware at its purchase price")] = False

    # the privacy
    data_class: Annotated[str, about("public, internal, personal, health, payment or export-controlled")] = "internal"
    data_region: Annotated[str, about("area whose residents the data is about: eu, uk, us ...")] = ""
    policies: Annotated[tuple[str, ...], about("policies to follow: gdpr, hipaa ...")] = ()
    threat: Annotated[
        tuple[str, ...],
        about("whom data or model are to be safe from: co-tenant, operator, foreign-access, model-theft"),
    ] = ()
    confidential: Annotated[bool, about("only confidential computing")] = False

    # the recipe and the preference
    techniques: Annotated[tuple[str, ...], about("techniques that must be used: fp8, tensor_parallel=4")] = ()
    without_techniques: Annotated[tuple[str, ...], about("techniques to leave out")] = ()
    layout: Annotated[
        tuple[str, ...],
        about("parallel layout, such as tp=8,pp=16,micro=2: what it does not name is off; all: try every legal one"),
    ] = ()
    optimize: Annotated[str, about("the one aspect to optimize")] = ""
    weights: Annotated[dict[str, Number], about("aspect weights: cost=0.5,latency=0.5")] = field(default_factory=dict)
    profile: Annotated[str, about("named weights")] = ""

    def __post_init__(self) -> None:
        """Read units and check each field that was given; raises ``InputError``."""
        for name, known in declared(Workload).items():
            value = getattr(self, name)
            if value is not known.default and value != known.default:
                force_setattr(self, name, one_field(known, value, "workload"))
        self._take_micro_batch_of_layout()
        self._refuse_contradictions()

    def _take_micro_batch_of_layout(self) -> None:
        """A layout may name the micro-batch, which is a field of its own."""
        sizes = {item.partition("=")[2] for item in self.layout if _is_micro_batch(item)}
        if len(sizes) > 1 or (sizes and self.micro_batch is not None and {str(self.micro_batch)} != sizes):
            raise InputError("workload: layout: give one micro-batch")
        if sizes:
            known = declared(Workload)["micro_batch"]
            force_setattr(self, "micro_batch", one_field(known, sizes.pop() or "?", "workload"))

    def _refuse_contradictions(self) -> None:
        if "all" in self.layout and len(self.layout) > 1:
            raise InputError("workload: layout: all stands alone; pin one choice of it with techniques=tp=8")
        if self.request_rate is not None and self.task != "serve":
            raise InputError("workload: request_rate goes with task serve")
        given = [name for name in ("optimize", "weights", "profile") if getattr(self, name)]
        if len(given) > 1:
            raise InputError(f"workload: give one of optimize, weights and profile, not {' and '.join(given)}")
        if any(weight < 0 for weight in self.weights.values()) or (self.weights and not any(self.weights.values())):
            raise InputError("workload: weights must be zero or more and not all zero, such as cost=0.5,latency=0.5")

    @property
    def trains(self) -> bool:
        """Whether the task has a backward pass."""
        return self.task in ("train", "finetune")

    @property
    def searches_layouts(self) -> bool:
        """Whether every legal layout is to be tried, not only the usual ones."""
        return self.layout == ("all",)

    @property
    def named_techniques(self) -> tuple[str, ...]:
        """Techniques that must be used, those of the layout included: ``NAME`` or ``NAME=SETTING``."""
        layout = () if self.searches_layouts else self.layout
        return (*self.techniques, *(item for item in layout if not _is_micro_batch(item)))

    def sequence_length(self, max_context: int | None = None) -> int:
        """Tokens a training sequence: as given, else the model's context up to 4,096."""
        if self.seq_len is not None:
            return self.seq_len
        return min(4096, max_context or 4096)

    def samples_total(self, tokens_per_sample: float) -> float | None:
        """Samples of the whole job over all epochs, or None where the workload has no end."""
        if self.rows is not None:
            return self.rows * self.epochs
        if self.tokens is not None:
            return self.tokens * self.epochs / max(tokens_per_sample, 1)
        return None


def _is_micro_batch(item: str) -> bool:
    return normalise(item.partition("=")[0]) in MICRO_BATCH_WORDS


def make_workload(fields: dict[str, Any], origin: str = "workload") -> Workload:
    """Build a workload, or raise ``InputError`` with the origin, the field and what is accepted."""
    known = declared(Workload)
    for name in fields:
        if name not in known:
            raise InputError(f"{origin}: {name}: {no_such_field(name, known)}")
    try:
        return Workload(**fields)
    except InputError as error:
        raise InputError(str(error).replace("workload: ", f"{origin}: ", 1)) from None


def read_workload(path: Path, overrides: dict[str, Any] | None = None) -> Workload:
    """Read a workload from a TOML file; ``overrides`` win over the file."""
    fields = read_toml(path)
    return make_workload({**fields, **(overrides or {})}, str(path))


def read_toml(path: Path, most_bytes: int = 16 << 20) -> dict[str, Any]:
    """Read a TOML file of bounded size, or raise ``InputError`` in one line."""
    import tomli

    try:
        if path.stat().st_size > most_bytes:
            raise InputError(f"{path}: larger than {most_bytes >> 20} MiB, so not read as TOML")
        return tomli.loads(path.read_text("utf-8"))
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or error})") from None
    except (UnicodeDecodeError, tomli.TOMLDecodeError, RecursionError) as error:
        raise InputError(f"{path}: not a valid TOML file ({error})") from None


__all__ = ["Bytes", "Task", "Workload", "make_workload", "read_toml", "read_workload"]
