"""What ``advisor fleet`` is asked: workloads with their traffic, and what the whole fleet must keep to.

::

    objective = "cost"              # or "carbon"

    [defaults]                      # any field of a workload, for all that do not say otherwise
    region = "eu"

    [[workload]]
    name = "chat"
    model = "meta-llama/Llama-3.1-8B"
    request_rate = "6/s"            # mean; by_hour = [24 rates] gives the day
    max_tpot = "60ms"
    sizes = [{ share = 0.8, input_tokens = 200, output_tokens = 200 },
             { share = 0.2, input_tokens = 4000, output_tokens = 300 }]
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

from msgspec import Meta

from advisor.errors import InputError
from advisor.records import Checked, NonNegativeFloat, PositiveFloat, declared, no_such_field
from advisor.units import Count, Dollars, PerSecond, Seconds, parse_rate
from advisor.workload import Workload, make_workload, read_toml

HOURS = 24
#: Least share of the unchanged model's quality where a workload does not say: 8-bit formats pass, 4-bit ones do not.
LEAST_QUALITY = 0.98
#: How much of a system's capacity is planned for, as ``advisor rank`` does under a request rate.
MOST_LOAD = 0.8
#: Fields of a workload that are lists, of which one may be given without brackets.
LISTS = ("device", "kind", "vendor", "provider", "region", "term", "policies", "techniques", "without_techniques",
         "layout")  # fmt: skip


class Size(Checked, frozen=True, kw_only=True):
    """A bucket of request sizes: its share of the requests, and the tokens of one."""

    share: PositiveFloat = 1.0
    input_tokens: Count = 1024
    output_tokens: Count = 256


class Traffic(Checked, frozen=True, kw_only=True):
    """What a workload of a fleet has beside the fields of ``advisor.Workload``.

    ``request_rate`` is the mean of the day. ``by_hour`` are the rates of its 24 hours; with
    ``request_rate`` they are a shape that is scaled to that mean. ``every`` is how often a job that is
    no service is to be done.
    """

    model: str
    name: str = ""
    request_rate: PerSecond | None = None
    by_hour: tuple[NonNegativeFloat, ...] = ()
    sizes: tuple[Size, ...] = ()
    every: Seconds = 30 * 86400.0
    min_replicas: Count = 1
    share: bool = True

    def __post_init__(self) -> None:
        """Refuse days that are none; raises ``InputError``."""
        if not self.model:
            raise InputError("model: expected a path or the name of a model")
        if self.by_hour and len(self.by_hour) != HOURS:
            raise InputError(f"by_hour: expected {HOURS} rates, one an hour from midnight, not {len(self.by_hour)}")
        if self.by_hour and not any(self.by_hour):
            raise InputError("by_hour: expected a rate above zero in some hour")


class Rules(Checked, frozen=True, kw_only=True):
    """What holds for the fleet as a whole."""

    objective: Literal["cost", "carbon"] = "cost"
    scaling: Literal["hourly", "none"] = "hourly"
    budget: Dollars | None = None
    carbon_budget_kg: PositiveFloat | None = None
    max_devices: Count | None = None
    sharing: Annotated[int, Meta(ge=1, le=4)] = 2
    max_load: Annotated[float, Meta(gt=0, le=1)] = MOST_LOAD
    time_limit: Seconds = 30.0
    gap: Annotated[float, Meta(ge=0, lt=1)] = 1e-3


@dataclass(frozen=True)
class FleetWorkload:
    """One workload: its name, model, ``advisor.Workload``, sizes and requests a second by hour."""

    name: str
    model: str
    workload: Workload
    traffic: Traffic
    sizes: Sequence[Size]
    rates: Sequence[float]

    @property
    def serves(self) -> bool:
        """Whether it is a service, which must be carried when its requests come."""
        return self.workload.task == "serve"

    @property
    def shares(self) -> list[float]:
        """Share of the requests that each size has; a job is one request."""
        if not self.serves:
            return [1.0]
        return [size.share / sum(each.share for each in self.sizes) for size in self.sizes]

    def of_size(self, size: Size) -> Workload:
        """The workload for requests of one size, at full capacity."""
        tokens = {"input_tokens": size.input_tokens, "output_tokens": size.output_tokens}
        return self.workload.replace(**tokens) if self.traffic.sizes else self.workload


@dataclass(frozen=True)
class FleetJob:
    """The whole question."""

    workloads: Sequence[FleetWorkload]
    rules: Rules = field(default_factory=Rules)


def read_fleet(path: Path) -> FleetJob:
    """Read a job from a TOML file; raises ``InputError`` with the file, the field and what is accepted."""
    return make_fleet(read_toml(path), str(path), path.parent)


def make_fleet(document: Mapping[str, Any], origin: str = "fleet", folder: Path | None = None) -> FleetJob:
    """Make a job from its TOML document; models are looked for in ``folder`` first."""
    tables, defaults = document.get("workload", []), document.get("defaults", {})
    if not isinstance(tables, list) or not tables or not all(isinstance(table, dict) for table in tables):
        raise InputError(f'{origin}: expected [[workload]] tables, such as: [[workload]] model = "model.h5", '
                         "request_rate = 4")  # fmt: skip
    if not isinstance(defaults, dict):
        raise InputError(f"{origin}: defaults: expected a table, [defaults]")
    rest = {_key(key): value for key, value in document.items() if key not in ("workload", "defaults")}
    for name in rest:
        if name not in declared(Rules):
            raise InputError(f"{origin}: {name}: {no_such_field(name, ['workload', 'defaults', *declared(Rules)])}")
    rules = Rules.checked(rest, origin)
    workloads = []
    for number, table in enumerate(tables, start=1):
        fields = {_key(key): value for key, value in {**defaults, **table}.items()}
        workloads.append(_workload(fields, f"{origin}: workload[{number}]", number, folder))
    names = [workload.name for workload in workloads]
    for name in names:
        if names.count(name) > 1:
            raise InputError(f"{origin}: two workloads are named {name!r}; give each a name of its own")
    return FleetJob(workloads, rules)


def _key(name: str) -> str:
    return name.replace("-", "_")


def _workload(fields: dict[str, Any], origin: str, number: int, folder: Path | None) -> FleetWorkload:
    known = {**declared(Traffic), **declared(Workload)}
    for name in fields:
        if name not in known:
            raise InputError(f"{origin}: {name}: {no_such_field(name, known)}")
    own = {name: value for name, value in fields.items() if name in declared(Traffic)}
    traffic = Traffic.checked(_parsed(own, origin), origin)
    rest = {name: (value,) if name in LISTS and isinstance(value, str) else value
            for name, value in fields.items() if name not in own}  # fmt: skip
    if traffic.sizes and {"input_tokens", "output_tokens"} & set(rest):
        raise InputError(f"{origin}: sizes: give either sizes or input_tokens and output_tokens")
    limits = rest.get("limits", {})
    if "min_quality" not in rest and isinstance(limits, dict):  # a limit, which brings no lossy technique in
        rest["limits"] = {"quality": LEAST_QUALITY, **limits}
    workload = make_workload(rest, origin)
    model = str(folder / traffic.model) if folder and (folder / traffic.model).exists() else traffic.model
    rates = _rates(traffic, workload, origin)
    sizes = traffic.sizes or (Size(input_tokens=workload.input_tokens, output_tokens=workload.output_tokens),)
    name = traffic.name or f"{Path(traffic.model).stem or traffic.model}-{number}"
    return FleetWorkload(name, model, workload, traffic, sizes, rates)


def _rates(traffic: Traffic, workload: Workload, origin: str) -> Sequence[float]:
    """Requests a second in each hour; runs a second of a job."""
    if workload.task != "serve":
        if traffic.by_hour or traffic.request_rate is not None:
            raise InputError(f"{origin}: request_rate and by_hour go with task serve; say how often a job is done "
                             'with every = "7d"')  # fmt: skip
        if workload.rows is None and workload.tokens is None:
            raise InputError(f"{origin}: rows: a job of a fleet needs rows or tokens, so that it has an end")
        return (1 / traffic.every,) * HOURS
    if traffic.by_hour:
        mean = sum(traffic.by_hour) / HOURS
        scale = 1.0 if traffic.request_rate is None else traffic.request_rate / mean
        return tuple(rate * scale for rate in traffic.by_hour)
    if traffic.request_rate is None:
        raise InputError(f'{origin}: request_rate: a service needs it, or by_hour, such as request_rate = "4/s"')
    return (traffic.request_rate,) * HOURS


def _parsed(own: dict[str, Any], origin: str) -> dict[str, Any]:
    """Read the quantities that lie within lists."""
    answer = dict(own)
    if isinstance(own.get("by_hour"), (list, tuple)):
        try:
            answer["by_hour"] = tuple(parse_rate(rate) for rate in own["by_hour"])
        except ValueError as error:
            raise InputError(f"{origin}: by_hour: {error}") from None
    if isinstance(own.get("sizes"), (list, tuple)):
        sizes = []
        for number, size in enumerate(own["sizes"], start=1):
            if not isinstance(size, (dict, Size)):
                raise InputError(f"{origin}: sizes: expected tables such as {{ share = 1, input_tokens = 500 }}")
            made = size if isinstance(size, Size) else Size.checked(size, f"{origin}: sizes[{number}]")
            sizes.append(made)
        answer["sizes"] = tuple(sizes)
    return answer
