import csv

import numpy as np
import pytest

from advisor import InputError
from advisor.validation import validate
from advisor.validation.summary import kendall_tau

HEADER = ["id", "source", "task", "model", "device", "device_count", "concurrency", "input_tokens", "output_tokens",
          "metric", "value"]  # fmt: skip


def write(path, rows):
    with path.open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(HEADER)
        writer.writerows(rows)
    return path


def test_predicts_refuses_and_summarizes(advisor, tmp_path):
    base = ["a", "s", "serve", "meta-llama/Llama-3.1-8B", "h100", "1", "8", "1024", "256"]
    path = write(
        tmp_path / "m.csv",
        [
            [*base, "tpot_ms", "9"],
            [*base, "params", "8030261248"],
            [*base[:3], "no/such-model", *base[4:], "tpot_ms", "9"],
            [*base[:4], "no-such-device", *base[5:], "tpot_ms", "9"],
            [*base, "smell", "9"],
        ],
    )
    answer = validate(advisor.registry, path)
    good, params, *refused = answer.rows
    assert good["low"] < good["predicted"] < good["high"]
    assert params["error_percent"] == pytest.approx(0, abs=1e-9)
    assert all(row["predicted"] is None and row["reason"] for row in refused)
    assert answer.summary["total"]["rows"] == 5
    assert answer.summary["total"]["refused"] == 3


@pytest.mark.parametrize("text", ["", "a,b\n1,2\n"])
def test_a_file_without_the_needed_columns_is_refused(advisor, tmp_path, text):
    path = tmp_path / "bad.csv"
    path.write_text(text)
    with pytest.raises(InputError, match=r"bad.csv: column"):
        validate(advisor.registry, path)


def test_kendall_tau_of_known_pairs():
    # Two of the ten pairs are discordant: (10 - 2 x 2) / 10.
    pairs = np.array([[1, 2], [2, 1], [3, 3], [4, 5], [5, 4]])
    assert kendall_tau(pairs) == pytest.approx(0.6)


def test_measured_servers_stay_within_the_recorded_error(advisor):
    from pathlib import Path

    summary = validate(advisor.registry, Path(__file__).parent.parent / "truth" / "serve_nvidia.csv").summary
    assert summary["total"]["refused"] == 0
    assert summary["by_metric"]["tpot_ms"]["median_absolute_percentage_error"] < 13
    assert summary["by_metric"]["ttft_ms"]["median_absolute_percentage_error"] < 32
