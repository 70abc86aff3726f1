"""Quantities as people type them."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from advisor import units

finite = st.floats(1e-3, 1e9)


@given(finite, st.sampled_from(sorted(units.TIME_UNITS)))
def test_times(value, unit):
    assert units.parse_seconds(f"{value!r}{unit}") == pytest.approx(value * units.TIME_UNITS[unit])
    spelled = unit.upper() if unit.isascii() else unit
    assert units.parse_seconds(f" {value!r} {spelled} ") == pytest.approx(value * units.TIME_UNITS[unit])


@given(st.integers(0, 10**12), st.sampled_from(["", "k", "K", "M", "B", "T"]))
def test_counts(value, unit):
    assert units.parse_count(f"{value:,}{unit}") == value * units.COUNT_UNITS[unit.lower()]


@given(finite, st.sampled_from(sorted(units.BYTE_UNITS)), st.sampled_from(sorted(units.RATE_UNITS)))
def test_sizes_and_rates(value, size, rate):
    assert units.parse_bytes(f"{value!r}{size}") == pytest.approx(value * units.BYTE_UNITS[size])
    assert units.parse_rate(f"{value!r}{rate}") == pytest.approx(value * units.RATE_UNITS[rate])


def outcome(parse, text):
    """The value, or the complaint."""
    try:
        return parse(text)
    except ValueError as error:
        return str(error)


@given(st.text(max_size=20))
def test_anything_else_is_refused_or_finite(text):
    for parse in (units.parse_count, units.parse_seconds, units.parse_bytes, units.parse_rate, units.parse_money):
        found = outcome(parse, text)
        assert "such as" in found if isinstance(found, str) else math.isfinite(found)


@given(st.floats(1e-9, 1e15), st.sampled_from(["s", "B", "FLOP", "W", "USD/h", "", "g"]))
def test_written_quantities_are_short(value, unit):
    assert len(units.format_quantity(value, unit)) < 25
