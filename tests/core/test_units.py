import pytest
from hypothesis import given
from hypothesis import strategies as st

from advisor import InputError
from advisor.units import format_quantity, parse_bytes, parse_count, parse_rate, parse_seconds
from advisor.workload import make_workload


@pytest.mark.parametrize(
    ("parse", "text", "value"),
    [
        (parse_count, "100M", 100_000_000),
        (parse_count, "60_000", 60_000),
        (parse_count, "1.5k", 1500),
        (parse_seconds, "500ms", 0.5),
        (parse_seconds, "30d", 30 * 86400),
        (parse_bytes, "80GB", 80e9),
        (parse_bytes, "64GiB", 64 * 2**30),
        (parse_rate, "0.5/s", 0.5),
        (parse_rate, "120/min", 2),
    ],
)
def test_known_quantities(parse, text, value):
    assert parse(text) == pytest.approx(value)


@pytest.mark.parametrize(("parse", "text"), [(parse_count, "1.5"), (parse_seconds, "5parsec"), (parse_bytes, "big")])
def test_refuses_what_is_not_a_quantity(parse, text):
    with pytest.raises(ValueError, match="expected"):
        parse(text)


@given(st.integers(1, 10**15))
def test_counts_round_trip(count):
    assert parse_count(str(count)) == count


@given(st.floats(1e-9, 1e9))
def test_formatting_keeps_three_digits(seconds):
    number, unit = format_quantity(seconds, "s").split(" ")
    assert parse_seconds(f"{number}{unit}") == pytest.approx(seconds, rel=0.006)


def test_error_names_input_field_and_accepted():
    with pytest.raises(InputError, match=r"workload: max_ttft: expected a time such as .* not 'soon'"):
        make_workload({"max_ttft": "soon"})


def test_unknown_field_suggests_the_nearest():
    with pytest.raises(InputError, match="did you mean request_rate"):
        make_workload({"reqest_rate": 3})
