"""The workload: what is to be done with the model, and what the user will not give up."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, PositiveFloat, PositiveInt, ValidationError, model_validator

from advisor.errors import InputError, nearest
from advisor.names import normalise
from advisor.units import Bytes, Count, Dollars, PerSecond, Seconds, Watts

Task = Literal["train", "finetune", "serve", "batch"]

#: What a layout may call the micro-batch.
MICRO_BATCH_WORDS = ("micro", "micro-batch", "mbs")


class Workload(BaseModel):
    """A task with its data, traffic, service levels, limits, places and preferences.

    Every field can be given as an option of the command line, a key of a TOML file, or an argument;
    sizes, times, rates and money accept units (``"100M"``, ``"500ms"``, ``"0.5/s"``). None means that
    the user did not say.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    task: Task = "serve"

    # the data
    rows: Count | None = Field(None, gt=0, description="samples or requests of one pass over the data")
    tokens: Count | None = Field(None, gt=0, description="tokens of one pass over the data")
    epochs: PositiveFloat = Field(1, description="passes over the data")
    seq_len: Count | None = Field(None, gt=0, description="tokens a training sequence")
    input_tokens: Count = Field(1024, gt=0, description="tokens of a prompt")
    output_tokens: Count = Field(256, gt=0, description="tokens generated a request")
    batch_size: Count | None = Field(None, gt=0, description="samples a training step, or served at once")
    micro_batch: Count | None = Field(None, gt=0, description="samples a device works on at once in training")
    optimizer: str = Field("adam", description="optimizer of the training")
    method: str = Field("full", description="full, or an adaptation technique such as lora")
    framework: str = Field("", description="serving or training framework, such as vllm; empty for a typical one")
    settings: dict[str, float] = Field(default_factory=dict, description="settings of techniques: lora_rank=16")

    # the traffic and service levels
    request_rate: PerSecond | None = Field(None, gt=0, description="requests a second to carry")
    concurrency: Count | None = Field(None, gt=0, description="requests in flight at once")
    max_ttft: Seconds | None = Field(None, gt=0, description="longest time to first token")
    max_tpot: Seconds | None = Field(None, gt=0, description="longest time per output token")
    max_latency: Seconds | None = Field(None, gt=0, description="longest time of a whole request")

    # the limits
    budget: Dollars | None = Field(None, gt=0, description="most US dollars to spend: the run, or a month of service")
    finish_in: Seconds | None = Field(None, gt=0, description="time until a run must be done")
    power_budget: Watts | None = Field(None, gt=0, description="most power to draw")
    min_quality: float | None = Field(None, gt=0, le=1, description="least share of the unchanged model's quality")
    limits: dict[str, float] = Field(default_factory=dict, description="bounds on any estimate or objective by name")

    # the places and parts to consider
    device: tuple[str, ...] = Field((), description="device ids or aliases")
    kind: tuple[str, ...] = Field((), description="kinds of device: cpu, gpu, tpu")
    vendor: tuple[str, ...] = Field((), description="vendors of devices")
    provider: tuple[str, ...] = Field((), description="providers of offers")
    region: tuple[str, ...] = Field((), description="regions, countries or areas")
    term: tuple[str, ...] = Field((), description="price terms: on-demand, spot, reserved-1y, owned")
    max_devices: PositiveInt | None = Field(None, le=10**7, description="most devices to use")
    on_premises: bool = Field(False, description="only hardware on one's own premises")
    buy: bool = Field(False, description="also consider hardware at its purchase price")

    # the privacy
    data_class: str = Field("internal", description="public, internal, personal, health, payment or export-controlled")
    data_region: str = Field("", description="area whose residents the data is about: eu, uk, us ...")
    policies: tuple[str, ...] = Field((), description="policies to follow: gdpr, hipaa ...")
    confidential: bool = Field(False, description="only confidential computing")

    # the recipe and the preference
    techniques: tuple[str, ...] = Field((), description="techniques that must be used: fp8, tensor_parallel=4")
    without_techniques: tuple[str, ...] = Field((), description="techniques to leave out")
    layout: tuple[str, ...] = Field((), description="parallel layout, such as tp=8,pp=16,micro=2: what it does not "
                                    "name is off; all: try every legal one")
    optimize: str = Field("", description="the one aspect to optimize")
    weights: dict[str, float] = Field(default_factory=dict, description="aspect weights: cost=0.5,latency=0.5")
    profile: str = Field("", description="named weights")

    @model_validator(mode="before")
    @classmethod
    def _micro_batch_of_layout(cls, fields: Any) -> Any:
        """A layout may name the micro-batch, which is a field of its own."""
        items = fields.get("layout") if isinstance(fields, dict) else None
        if not isinstance(items, (tuple, list)):
            return fields
        sizes = {str(item).partition("=")[2] for item in items if _is_micro_batch(str(item))}
        given = fields.get("micro_batch")
        if len(sizes) > 1 or (sizes and given is not None and {str(given)} != sizes):
            raise ValueError("layout: give one micro-batch")
        return {**fields, "micro_batch": sizes.pop() or "?"} if sizes else fields

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if "all" in self.layout and len(self.layout) > 1:
            raise ValueError("layout: all stands alone; pin one choice of it with techniques=tp=8")
        if self.request_rate is not None and self.task != "serve":
            raise ValueError("request_rate goes with task serve")
        given = [name for name in ("optimize", "weights", "profile") if getattr(self, name)]
        if len(given) > 1:
            raise ValueError(f"give one of optimize, weights and profile, not {' and '.join(given)}")
        if any(weight < 0 for weight in self.weights.values()) or (self.weights and not any(self.weights.values())):
            raise ValueError("weights must be zero or more and not all zero, such as cost=0.5,latency=0.5")
        return self

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
    try:
        return Workload(**fields)
    except ValidationError as error:
        raise InputError(describe_validation(error, origin, list(Workload.model_fields))) from None


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


def describe_validation(error: ValidationError, origin: str, known: list[str]) -> str:
    """Write pydantic's first complaint as one line with origin, field and what would be accepted."""
    first = error.errors(include_url=False)[0]
    field = ".".join(str(part) for part in first["loc"])
    message = str(first["msg"]).removeprefix("Value error, ")
    if first["type"] == "extra_forbidden":
        close = nearest(field.split(".")[-1], known)
        message = f"no such field{'; did you mean ' + ' or '.join(close) + '?' if close else ''}"
    elif field and "input" in first and first["type"] != "value_error":
        message = f"{message}, not {first['input']!r}"
    return f"{origin}: {field + ': ' if field else ''}{message}".replace("\n", " ")


__all__ = ["Bytes", "Task", "Workload", "describe_validation", "make_workload", "read_toml", "read_workload"]
