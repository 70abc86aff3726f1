"""The sizes that a user gives of a model, checked one by one."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from advisor.errors import InputError
from advisor.units import parse_count

MOST_LAYERS = 2048
MOST = 1 << 27
MOST_PARAMETERS = 10**15


class Sizes(Struct, frozen=True):
    """Whole numbers, 0 where the user did not say; ``parameters`` counts all, ``active`` those a token uses."""

    parameters: int = 0
    active: int = 0
    layers: int = 0
    hidden_size: int = 0
    heads: int = 0
    kv_heads: int = 0
    intermediate_size: int = 0
    vocab: int = 0
    experts: int = 0
    experts_per_token: int = 0


#: Options in billions, and options that count, for the two sums.
_SUMS = {"parameters": ("params_b", "params"), "active": ("active_params_b", "active_params")}
OPTIONS = tuple(name for names in _SUMS.values() for name in names) + tuple(
    name for name in Sizes.__struct_fields__ if name not in _SUMS
)


def read_sizes(options: Mapping[str, Any], origin: str) -> Sizes:
    """Read the options; raises ``InputError`` with the option and what is accepted."""
    given = {name: _sum(options, *names, origin) for name, names in _SUMS.items()}
    for name in OPTIONS[4:]:
        given[name] = _whole(options, name, origin, MOST_LAYERS if name == "layers" else MOST)
    sizes = Sizes(**given)
    if sizes.active > sizes.parameters > 0:
        raise InputError(f"{origin}: active_params_b: {sizes.active / 1e9:g} is more than params_b "
                         f"{sizes.parameters / 1e9:g}")  # fmt: skip
    if sizes.experts_per_token > sizes.experts > 0:
        raise InputError(f"{origin}: experts_per_token: {sizes.experts_per_token} of {sizes.experts} experts")
    if sizes.experts_per_token and not sizes.experts:
        raise InputError(f"{origin}: experts is missing; it goes with experts_per_token")
    if sizes.heads and sizes.kv_heads and sizes.heads % sizes.kv_heads:
        raise InputError(f"{origin}: kv_heads: {sizes.heads} heads are not divisible by {sizes.kv_heads}")
    if sizes.heads and sizes.hidden_size and sizes.hidden_size % sizes.heads:
        raise InputError(f"{origin}: heads: hidden_size {sizes.hidden_size} is not divisible by {sizes.heads} heads")
    return sizes


def _sum(options: Mapping[str, Any], billions: str, count: str, origin: str) -> int:
    """Parameters: ``params_b`` in billions (70, or "70B" with its unit), or ``params`` as a count."""
    given = options.get(billions)
    if given in (None, ""):
        return _whole(options, count, origin, MOST_PARAMETERS)
    if isinstance(given, str) and given.strip()[-1:].isalpha():
        return _whole({billions: given}, billions, origin, MOST_PARAMETERS)
    try:
        value = float(given)
    except (TypeError, ValueError):
        value = math.nan
    if isinstance(given, bool) or not 0 < value * 1e9 <= MOST_PARAMETERS:
        raise InputError(f"{origin}: {billions}: expected billions of parameters such as 70, not {str(given)[:40]!r}")
    return round(value * 1e9)


def _whole(options: Mapping[str, Any], name: str, origin: str, most: int) -> int:
    given = options.get(name)
    if given in (None, ""):
        return 0
    try:
        value = parse_count(given)
    except ValueError:
        value = None
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= most:
        if name.startswith("experts") and value == 0:
            return 0
        raise InputError(f"{origin}: {name}: expected a whole number from 1 to {most}, not {str(given)[:40]!r}")
    return value
