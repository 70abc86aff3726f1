"""The measured results: known columns and metrics, numbers, unique ids, a source and a year on every row."""

from __future__ import annotations

import csv
import math
import re
from pathlib import Path

import pytest

from advisor import formats

HERE = Path(__file__).parent
KERNELS = HERE / "kernels_vidur.csv"
FILES = sorted(path for path in HERE.glob("*.csv") if path != KERNELS)
COPIED = {"serve_nvidia.csv", "serve_energy_nvidia.csv", "train_nvidia.csv"}


def words(text: str) -> list[str]:
    """The names in a text."""
    return text.split()


COLUMNS = set(
    words(
        "id source year task model params_b active_params_b layers hidden_size heads kv_heads intermediate_size vocab "
        "experts experts_per_token device device_count nodes framework weights_dtype activations_dtype kv_dtype "
        "method lora_rank lora_targets optimizer "
        "tp pp cp dp ep vp sharding recompute offload concurrency batch global_batch "
        "micro_batch seq_len input_tokens output_tokens requests statistic metric value fits notes"
    )
)
METRICS = set(
    words(
        "ttft_ms tpot_ms output_tokens_per_s total_tokens_per_s prefill_tokens_per_s requests_per_s samples_per_s "
        "step_time_s train_tokens_per_s model_tflops_per_device memory_gb_per_device fits power_w energy_j_per_token"
    )
)
COUNTS = words("device_count nodes layers hidden_size heads kv_heads vocab experts tp pp cp dp ep batch")
AMOUNTS = words("params_b active_params_b intermediate_size concurrency requests seq_len input_tokens output_tokens")


def read(path: Path) -> list[dict[str, str]]:
    """The rows of a file."""
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def collected() -> list[dict[str, str]]:
    """The rows collected from public sources beside the NVIDIA files."""
    return [row for path in FILES if path.name not in COPIED for row in read(path)]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_rows_follow_the_schema(path: Path) -> None:
    rows = read(path)
    assert rows
    assert set(rows[0]) <= COLUMNS
    for row in rows:
        where = f"{path.name} {row['id']}"
        assert all(row[name] for name in ("id", "source", "model", "device", "framework")), where
        if row["year"] or path.name not in COPIED:  # the copied file leaves some years blank
            assert 2019 <= int(row["year"]) <= 2027, where
        assert row["task"] in {"serve", "batch", "train", "finetune"}, where
        assert row["metric"] in METRICS, where
        assert row.get("fits", "") in {"", "yes", "no"}, where
        assert 0 < float(row["value"]) < math.inf or row["metric"] == "fits", where
        for name in COUNTS:
            assert not row.get(name) or int(row[name]) >= 1, f"{where} {name}"
        for name in AMOUNTS:
            assert not row.get(name) or float(row[name]) > 0, f"{where} {name}"


def test_ids_are_unique_over_all_files() -> None:
    ids = [row["id"] for path in [*FILES, KERNELS] for row in read(path)]
    assert len(ids) == len(set(ids))


def test_formats_and_device_ids_are_well_formed(collected: list[dict[str, str]]) -> None:
    for row in collected:
        for name in ("weights_dtype", "activations_dtype", "kv_dtype"):
            if row.get(name):
                formats.format_code(row[name])
        assert re.fullmatch(r"[a-z]+(-[a-z0-9]+)+", row["device"]), row["device"]


def test_sources_name_repository_path_and_version(collected: list[dict[str, str]]) -> None:
    for row in collected:
        repository, rest = row["source"].split(" ", 1)
        assert repository.count("/") == 1, row["id"]
        assert rest.startswith(("pull/", "issues/")) or re.search(r" ([0-9a-f]{7,40}|v[0-9.]+)$", rest), row["id"]


def test_parallel_layout_fills_the_devices(collected: list[dict[str, str]]) -> None:
    for row in collected:
        layout = math.prod(int(row.get(name) or 1) for name in ("tp", "pp", "cp", "dp"))
        assert layout in (1, int(row["device_count"])), row["id"]


def test_there_is_enough_to_split_by_model_and_device(collected: list[dict[str, str]]) -> None:
    assert len(collected) >= 3500
    assert len({row["device"] for row in collected}) >= 50
    assert len({row["model"] for row in collected}) >= 100
    assert len({row["framework"].split()[0].split("/")[0] for row in collected}) >= 10


def test_kernel_rows() -> None:
    rows = read(KERNELS)
    assert 1000 <= len(rows) < 3000
    assert {row["op"] for row in rows} == {"gemm", "all_reduce", "send_recv"}
    for row in rows:
        assert all(row[name] for name in ("source", "year", "device")), row["id"]
        assert float(row["value_us"]) > 0, row["id"]
        shape = [row["m"], row["n"], row["k"]] if row["op"] == "gemm" else [row["bytes"], row["workers"]]
        assert all(int(size) > 0 for size in shape), row["id"]


def test_readme_lists_every_file_with_its_row_count() -> None:
    text = (HERE / "README.md").read_text()
    for path in [*FILES, KERNELS]:
        match = re.search(rf"\| `{path.name}` \| ([\d,]+) \|", text)
        assert match, path.name
        assert int(match[1].replace(",", "")) == len(read(path)), path.name
