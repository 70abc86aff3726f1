import numpy as np
import pytest

from advisor import PluginError
from advisor.candidates import Candidates, Schema
from advisor.columns import Column


@pytest.fixture
def rows():
    return Candidates(3, Schema([Column("colour", "", "i2", "a plugin's own column", 7)]))


def test_reads_defaults(rows):
    assert rows["colour"].tolist() == [7, 7, 7]
    assert rows["weight_bits"].tolist() == [16, 16, 16]


def test_broadcasts_a_number_and_casts_to_the_declared_dtype(rows):
    rows["weight_bits"] = 4
    assert rows["weight_bits"].dtype == np.float64
    assert rows["weight_bits"].tolist() == [4, 4, 4]


@pytest.mark.parametrize(
    ("name", "value", "complaint"),
    [
        ("nonsense", 1, "not declared"),
        ("weight_bits", np.ones(2), "expected shape"),
        ("weight_bits", np.ones((3, 1)), "expected shape"),
        ("nodes", np.array([1.5, 2.5, 3.5]), "expected dtype"),
        ("weight_bits", np.array(["a", "b", "c"]), "expected dtype"),
    ],
)
def test_refuses_what_breaks_the_declaration(rows, name, value, complaint):
    with pytest.raises(PluginError, match=complaint):
        rows[name] = value


def test_arrays_cannot_be_changed_in_place(rows):
    with pytest.raises(ValueError, match="read-only"):
        rows["weight_bits"][0] = 1


def test_a_column_declared_twice_with_another_unit_is_refused():
    with pytest.raises(PluginError, match="is declared as"):
        Schema([Column("memory", "GB", "f8", "in another unit")])


def test_take_and_concat_keep_rows(rows):
    rows["weight_bits"] = np.array([1.0, 2.0, 3.0])
    parts = [rows.take(np.array([True, False, False])), rows.take(np.array([2, 1]))]
    assert Candidates.concat(parts)["weight_bits"].tolist() == [1, 3, 2]
