"""Traffic over the day: how many units run each hour, and what that leaves of the cost of running all of them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from advisor.candidates import Array
from advisor.compiled import toml_data
from advisor.errors import InputError, UnknownNameError

#: Share of a unit's capacity that is planned for, as ``advisor.estimating.scale_out`` has it.
HEADROOM = 0.8


@dataclass(frozen=True)
class Traffic:
    """Requests of each hour of the day over those of the busiest one."""

    name: str
    shares: tuple[float, ...]
    source: str

    @property
    def mean(self) -> float:
        """Mean over the day."""
        return float(np.mean(self.shares))

    def units(self, peak_rate: float, unit_rate: float) -> Array:
        """Return units that each hour takes: as many as carry its requests at 80 % of what they could, at least one."""
        needed = np.asarray(self.shares) * peak_rate / (HEADROOM * unit_rate)
        return np.maximum(np.ceil(needed - 1e-9), 1.0)


def find_traffic(text: str) -> Traffic:
    """Return a profile by its name, or from 24 numbers, or from a file that holds them."""
    known = toml_data(Path(__file__).with_name("traffic.toml"))
    if text in known:
        return Traffic(text, tuple(known[text]["shares"]), known[text]["source"])
    path = Path(text)
    if path.is_file():
        return _of_numbers(path.read_text("utf-8", errors="replace"), str(path))
    if "," in text:
        return _of_numbers(text, "--traffic")
    raise UnknownNameError("traffic profile", text, [*known, "24 numbers or a file of them"])


def _of_numbers(text: str, origin: str) -> Traffic:
    try:
        numbers = [float(word) for word in text.replace(",", " ").replace(";", " ").split()]
    except ValueError as error:
        raise InputError(f"{origin}: expected 24 numbers, one an hour ({error})") from None
    if len(numbers) != 24 or min(numbers) < 0 or max(numbers) <= 0 or not np.isfinite(numbers).all():
        raise InputError(f"{origin}: expected 24 numbers of zero or more, one an hour, not {len(numbers)}")
    return Traffic("own", tuple(number / max(numbers) for number in numbers), f"given in {origin}")
