"""Quantities with units, as people type them: ``100M``, ``500ms``, ``80GB``, ``0.5/s``."""

from __future__ import annotations

import math
import re
from typing import Annotated, Any

from msgspec import Meta

_NUMBER = re.compile(r"^\s*([+-]?(?:\d[\d_,]*\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)\s*(.*?)\s*$")

COUNT_UNITS = {"": 1.0, "k": 1e3, "m": 1e6, "b": 1e9, "g": 1e9, "t": 1e12}
TIME_UNITS = {
    "": 1.0, "s": 1.0, "sec": 1.0, "second": 1.0, "seconds": 1.0,
    "ns": 1e-9, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ms": 1e-3,
    "min": 60.0, "m": 60.0, "minute": 60.0, "minutes": 60.0,
    "h": 3600.0, "hour": 3600.0, "hours": 3600.0,
    "d": 86400.0, "day": 86400.0, "days": 86400.0, "w": 604800.0, "week": 604800.0, "weeks": 604800.0,
}  # fmt: skip
BYTE_UNITS = {
    "": 1.0, "b": 1.0, "kb": 1e3, "mb": 1e6, "gb": 1e9, "tb": 1e12, "pb": 1e15,
    "kib": 2.0**10, "mib": 2.0**20, "gib": 2.0**30, "tib": 2.0**40, "pib": 2.0**50,
}  # fmt: skip
RATE_UNITS = {
    "": 1.0, "/s": 1.0, "/sec": 1.0, "rps": 1.0, "qps": 1.0, "/min": 1 / 60, "/m": 1 / 60, "/h": 1 / 3600,
    "/hour": 1 / 3600, "/d": 1 / 86400, "/day": 1 / 86400,
}  # fmt: skip
POWER_UNITS = {"": 1.0, "w": 1.0, "kw": 1e3, "mw": 1e6}
SHARE_UNITS = {"": 1.0, "%": 0.01}
MONEY_UNITS = {"": 1.0, "usd": 1.0, "$": 1.0, "k": 1e3, "m": 1e6}


def _parse(text: Any, units: dict[str, float], what: str, example: str) -> Any:
    if isinstance(text, bool):
        raise ValueError(f"expected {what} such as {example}, not {text!r}")
    if isinstance(text, (int, float)):
        value = float(text)
    elif isinstance(text, str):
        match = _NUMBER.match(text.strip().removeprefix("$"))
        unit = match.group(2).lower() if match else ""
        if not match or unit not in units:
            raise ValueError(f"expected {what} such as {example}, not {text!r}")
        value = float(match.group(1).replace(",", "").replace("_", "")) * units[unit]
    else:
        return text  # None and the rest: the field's own type decides
    if not math.isfinite(value):
        raise ValueError(f"expected a finite {what} such as {example}, not {text!r}")
    return value


def parse_count(text: Any) -> Any:
    """``"100M"`` to ``100_000_000``; refuses parts of one."""
    if isinstance(text, int) and not isinstance(text, bool):
        return text
    value = _parse(text, COUNT_UNITS, "a whole number", "60000 or 100M")
    if isinstance(value, float):
        if abs(value - round(value)) > 1e-6 * max(1.0, abs(value)):
            raise ValueError(f"expected a whole number such as 60000 or 100M, not {text!r}")
        return round(value)
    return value


def parse_seconds(text: Any) -> Any:
    """``"500ms"`` to ``0.5`` seconds."""
    return _parse(text, TIME_UNITS, "a time", "500ms, 2h or 30d")


def parse_bytes(text: Any) -> Any:
    """``"80GB"`` to bytes; GB is 10^9 and GiB 2^30."""
    return _parse(text, BYTE_UNITS, "a size", "80GB or 64GiB")


def parse_rate(text: Any) -> Any:
    """``"0.5/s"`` or ``"100/min"`` to a number a second."""
    return _parse(text, RATE_UNITS, "a rate", "4, 0.5/s or 100/min")


def parse_power(text: Any) -> Any:
    """``"40kW"`` to watts."""
    return _parse(text, POWER_UNITS, "a power", "700W or 40kW")


def parse_share(text: Any) -> Any:
    """``"99%"`` or ``"0.99"`` to ``0.99``."""
    return _parse(text, SHARE_UNITS, "a share", "0.99 or 99%")


def parse_money(text: Any) -> Any:
    """``"500"``, ``"$1.5k"`` to US dollars."""
    return _parse(text, MONEY_UNITS, "an amount in US dollars", "500 or 1.5k")


#: No workload has more of anything, and arithmetic stays exact to the digits shown.
MOST_COUNT = 10**18
MOST_PER_SECOND = 10**9

#: What people type, read by the function in ``parse``; every such quantity is above zero.
Count = Annotated[int, Meta(gt=0, le=MOST_COUNT, extra={"parse": parse_count})]
Seconds = Annotated[float, Meta(gt=0, extra={"parse": parse_seconds})]
Bytes = Annotated[float, Meta(gt=0, extra={"parse": parse_bytes})]
PerSecond = Annotated[float, Meta(gt=0, le=MOST_PER_SECOND, extra={"parse": parse_rate})]
Watts = Annotated[float, Meta(gt=0, extra={"parse": parse_power})]
Dollars = Annotated[float, Meta(gt=0, extra={"parse": parse_money})]


_TIME_SCALE = [(172800.0, 86400.0, " d"), (5400.0, 3600.0, " h"), (120.0, 60.0, " min"), (1.0, 1.0, " s"),
               (1e-3, 1e-3, " ms"), (1e-6, 1e-6, " µs"), (0.0, 1e-9, " ns")]  # fmt: skip
_MASS_SCALE = [(1e9, 1e9, " kt"), (1e6, 1e6, " t"), (1e3, 1e3, " kg"), (1.0, 1.0, " g"), (0.0, 1e-3, " mg")]
_PREFIXES = [(1e18, "E"), (1e15, "P"), (1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"), (1.0, ""), (1e-3, "m")]


def _scaled(value: float, steps: list[tuple[float, float, str]], digits: int) -> str:
    """Write in the first scale whose least value is reached; steps are (least, size, name)."""
    size, name = next(((size, name) for least, size, name in steps if abs(value) >= least), steps[-1][1:])
    return f"{_digits(value / size, digits)}{name}"


def _digits(value: float, digits: int) -> str:
    if value == 0 or not math.isfinite(value):
        return f"{value:g}"
    places = max(0, digits - 1 - math.floor(math.log10(abs(value))))
    text = f"{value:,.{places}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def format_quantity(value: float | None, unit: str, digits: int = 3) -> str:
    """Write ``value`` for people in the scale that suits it: ``0.5, "s"`` as ``500 ms``."""
    if value is None or math.isnan(value):
        return "-"
    if value == 0 and unit in ("s", "g", "W", "J", "Wh"):
        return f"0 {unit}"
    if unit == "s":
        return _scaled(value, _TIME_SCALE, digits)
    if unit in ("B", "B/s", "FLOP", "FLOP/s"):
        return _scaled(value, [(size, size, f" {prefix}{unit}") for size, prefix in _PREFIXES if size >= 1], digits)
    if unit == "g":
        return _scaled(value, _MASS_SCALE, digits)
    if unit in ("W", "J", "Wh"):
        scale = [(size, size, f" {prefix}{unit}") for size, prefix in _PREFIXES if size <= 1e9]
        return _scaled(value, scale, digits)
    if unit.startswith("USD"):
        return f"${_digits(value, max(digits, 3))}" + unit.removeprefix("USD")
    if unit in ("", "1"):
        return _digits(value, digits)
    return f"{_digits(value, digits)} {unit}"
