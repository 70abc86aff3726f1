"""The stored constants give the recorded accuracy, and docs/accuracy.md says what the records say."""

import importlib
import json
import sys
from pathlib import Path

import pytest

from advisor import Advisor
from advisor.reading import read_model

ROOT = Path(__file__).resolve().parent.parent.parent
BENCHMARKS = ROOT / "benchmarks"


@pytest.fixture(scope="module")
def benchmark():
    """Import a script of benchmarks/, as they import one another."""
    sys.path.insert(0, str(BENCHMARKS))
    yield importlib.import_module
    sys.path.remove(str(BENCHMARKS))


def test_stored_constants_give_the_recorded_accuracy(benchmark, capsys):
    accuracy = benchmark("accuracy")
    failed = accuracy.check(accuracy.Fit(accuracy.load(lambda count: count <= 8)))
    assert not failed, f"run `python benchmarks/accuracy.py report` if it is meant:\n{capsys.readouterr().out}"


def test_advisor_is_ahead_of_the_peers_where_both_answer():
    same = json.loads((BENCHMARKS / "peers.json").read_text("utf-8"))["same_rows"]
    for metric in ("tpot", "ttft"):
        for figure in ("median", "mean"):
            assert same["advisor"][metric][figure] < same["aiconfigurator"][metric][figure]
            assert same["advisor"][metric][figure] < same["roofline"][metric][figure]


def test_page_says_what_the_records_say(benchmark):
    page = (ROOT / "docs" / "accuracy.md").read_text("utf-8")
    assert page == benchmark("make_accuracy_doc").make(), "run `python benchmarks/make_accuracy_doc.py`"


def test_roofline_of_one_request_is_weights_over_bandwidth(benchmark):
    registry = Advisor().registry
    row = {"tp": "1", "pp": "1", "dp": "1", "concurrency": "1", "input_tokens": "1", "output_tokens": "1",
           "weights_dtype": "bf16", "activations_dtype": "bf16", "kv_dtype": ""}  # fmt: skip
    model, device = read_model(registry, "meta-llama/Llama-3.1-8B"), registry.devices["nvidia-h100-sxm-80gb"]
    first, further = benchmark("peer_roofline").roofline(model, device, row)
    # 8.03e9 parameters of 2 bytes at 3,350 GB/s (NVIDIA H100 SXM data sheet); the embedding is among them.
    assert further == pytest.approx(8.03e9 * 2 / 3.35e12 * 1e3, rel=0.01)
    assert first == pytest.approx(further, rel=0.01)


def test_noise_floor_counts_a_measurement_listed_twice_once(benchmark, tmp_path, monkeypatch):
    noise = benchmark("noise_floor")
    line = "m,d,1,fp8,1,1,1,1,4,10,10,tpot_ms"
    rows = [f"{line},vllm 1,10.0", f"{line},vllm 1,10.001", f"{line},vllm 2,12.0", f"{line},sglang 1,20.0"]
    (tmp_path / "truth.csv").write_text("\n".join([",".join([*noise.CONFIGURATION, "framework", "value"]), *rows]))
    monkeypatch.setattr(noise, "TRUTH", tmp_path / "truth.csv")
    found = noise.noise_floor()
    assert (noise.KINDS[0], "tpot_ms") not in found
    assert found[noise.KINDS[1], "tpot_ms"] == {"pairs": 1, "median": 20.0, "mean": 20.0}
    assert found[noise.KINDS[2], "tpot_ms"]["pairs"] == 2
