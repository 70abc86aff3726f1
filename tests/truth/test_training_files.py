"""The measured training results: columns, layouts, sharding and methods of the measurement schema; what they cover."""

from __future__ import annotations

import csv
import json
import math
from pathlib import Path

import pytest

from advisor import Advisor

HERE = Path(__file__).parent
CASES = HERE / "train_megatron_cases.csv"
FILES = sorted(HERE.glob("train_*.csv"))
COLLECTED = [path for path in FILES if path.name != "train_nvidia.csv"]
COLUMNS = {
    "id", "source", "year", "task", "model", "params_b", "active_params_b", "layers", "hidden_size", "heads",
    "kv_heads", "intermediate_size", "vocab", "experts", "experts_per_token", "device", "device_count", "nodes",
    "framework", "weights_dtype", "activations_dtype", "kv_dtype", "method", "lora_rank", "lora_targets", "optimizer",
    "tp", "pp",
    "cp", "dp", "ep", "vp", "sharding", "recompute", "offload", "concurrency", "batch", "global_batch", "micro_batch",
    "seq_len", "input_tokens", "output_tokens", "metric", "statistic", "value", "fits", "notes",
}  # fmt: skip
METRICS = {"train_tokens_per_s", "samples_per_s", "step_time_s", "memory_gb_per_device", "fits"}
SHARDING = {"none", "ddp", "zero1", "zero2", "zero3", "fsdp"}
RECOMPUTE = {"", "none", "selective", "full"}
ADAPTERS = {"lora", "qlora", "dora", "adalora", "vera", "oft", "loha", "lokr", "ia3", "prompt_tuning",
            "prefix_tuning", "p_tuning", "ln_tuning", "trainable_tokens"}  # fmt: skip


def read(path: Path) -> list[dict[str, str]]:
    """The rows of a file."""
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def rows() -> list[dict[str, str]]:
    """The rows of every collected file."""
    return [row for path in COLLECTED for row in read(path)]


def amount(row: dict[str, str], name: str) -> float:
    """A number of the row, 1 where blank."""
    return float(row.get(name) or 1)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_columns_are_of_the_schema(path: Path) -> None:
    found = read(path)
    assert found
    assert set(found[0]) <= COLUMNS
    assert {"id", "source", "model", "device", "device_count", "metric", "value", "notes"} <= set(found[0])
    assert len({row["id"] for row in found}) == len(found)


def test_each_row_is_one_training_measurement(rows: list[dict[str, str]]) -> None:
    for row in rows:
        assert row["task"] in {"train", "finetune"}, row["id"]
        assert row["metric"] in METRICS, row["id"]
        assert row["method"] == "full" or (row["task"] == "finetune" and row["method"] in ADAPTERS), row["id"]
        assert row["optimizer"], row["id"]
        assert row["notes"], row["id"]
        assert 2019 <= int(row["year"]) <= 2027, row["id"]
        if row["metric"] == "fits":
            assert (row["value"], row["fits"]) in {("0", "no"), ("1", "yes")}, row["id"]
        else:
            assert 0 < float(row["value"]) < math.inf, row["id"]
            assert row["fits"] == "yes", row["id"]
        if row["method"] in {"lora", "qlora", "dora"}:
            assert int(row["lora_rank"]) >= 1, row["id"]


def test_layout_fills_the_devices(rows: list[dict[str, str]]) -> None:
    for row in rows:
        layout = math.prod(amount(row, name) for name in ("tp", "pp", "cp", "dp"))
        assert layout == float(row["device_count"]), row["id"]
        assert row["sharding"] in SHARDING, row["id"]
        assert row.get("recompute", "") in RECOMPUTE, row["id"]
        assert amount(row, "ep") <= float(row["device_count"]), row["id"]
        assert amount(row, "vp") == 1 or amount(row, "pp") > 1, row["id"]


def test_micro_batches_divide_the_global_batch(rows: list[dict[str, str]]) -> None:
    for row in rows:
        if row["global_batch"] and row["micro_batch"]:
            share = float(row["global_batch"]) / (amount(row, "dp") * float(row["micro_batch"]))
            assert share in range(1, 100_000), row["id"]


def test_memory_is_below_what_the_device_has(rows: list[dict[str, str]], advisor: Advisor) -> None:
    for row in rows:
        device = advisor.registry.devices[row["device"]]
        if row["metric"] == "memory_gb_per_device":
            assert 0.5 < float(row["value"]) < device.memory_gib * 1.074, row["id"]


def test_models_are_known_or_have_their_sizes(rows: list[dict[str, str]], advisor: Advisor) -> None:
    for row in rows:
        if row["model"].startswith("timm/"):
            continue
        path = HERE / row["model"]
        if path.is_file():
            assert {"model_type", "hidden_size", "num_hidden_layers"} <= set(json.loads(path.read_text())), row["id"]
        elif advisor.registry.models.find(row["model"]) is None:
            sizes = ("params_b", "layers", "hidden_size", "heads", "intermediate_size", "vocab")
            assert all(row.get(name) for name in sizes), row["id"]


def test_there_is_enough_to_split_by_model_and_source(rows: list[dict[str, str]]) -> None:
    assert len(rows) >= 500
    assert len({row["device"] for row in rows}) >= 12
    assert len({row["model"] for row in rows}) >= 40
    assert len({row["source"].split()[0] for row in rows}) >= 10
    assert sum(row["metric"] == "memory_gb_per_device" for row in rows) >= 100
    assert sum(row["metric"] == "fits" and row["value"] == "0" for row in rows) >= 20
    assert sum(path.stat().st_size for path in FILES) < 1_000_000


def test_the_eight_cases_are_those_of_the_paper() -> None:
    """Korthikanti et al. 2022, table 5: seconds a step, full recomputation and selective with sequence parallelism."""
    published = {"22b": (1.42, 1.10), "175b": (18.13, 13.75), "530b": (49.05, 37.83), "1t": (94.42, 71.49)}
    found = {row["id"]: row for row in read(CASES)}
    assert len(found) == 8
    for size, (full, selective) in published.items():
        for kind, seconds in (("full", full), ("selective", selective)):
            row = found[f"megatron-case-{size}-{kind}"]
            assert (row["metric"], float(row["value"]), row["recompute"]) == ("step_time_s", seconds, kind)
            assert int(row["intermediate_size"]) == 4 * int(row["hidden_size"])
            assert (row["vocab"], row["seq_len"], row["device"]) == ("51200", "2048", "nvidia-a100-sxm-80gb")
