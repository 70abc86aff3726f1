"""Unpacking of stored weights costs time: formats differ by more than their bytes."""

import csv

import pytest

from advisor import Advisor
from advisor.validation import validate

COLUMNS = ("task", "model", "device", "framework", "weights_dtype", "activations_dtype", "kv_dtype", "tp", "batch",
           "input_tokens", "output_tokens", "metric", "value")  # fmt: skip


@pytest.fixture(scope="module")
def advisor():
    return Advisor()


def predicted(advisor, tmp_path, metric, weights, **other):
    """Predictions for one setting with each of the formats."""
    common = {"task": "serve", "model": "meta-llama/Llama-2-7b-hf", "device": "nvidia-p40-24gb", "tp": 1, "batch": 1,
              "framework": "llama.cpp CUDA", "activations_dtype": "fp16", "input_tokens": 512, "output_tokens": 64,
              "metric": metric, "value": 1}  # fmt: skip
    path = tmp_path / "rows.csv"
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, COLUMNS)
        writer.writeheader()
        for name in weights:
            writer.writerow(common | {"weights_dtype": name} | other)
    rows = validate(advisor.registry, path).rows
    assert not [row["reason"] for row in rows if row["reason"]]
    return [row["predicted"] for row in rows]


def test_two_and_three_bits_are_read_slower_than_four(advisor, tmp_path):
    """llama.cpp pull request 4766, P40: 33.4 and 30.7 tokens/s beside 56.3, though the files are smaller."""
    two, three, four = predicted(advisor, tmp_path, "tpot_ms", ["gguf_q2_k", "q3_k_s", "q4_0"])
    assert two < three
    assert two > 1.2 * four


def test_prompts_are_slower_from_packed_weights(advisor, tmp_path):
    """M2 Ultra, pull request 3084: 1265 tokens/s in fp16, 1164 in Q4_0, 1028 in Q4_K_M, 978 in Q6_K."""
    names = ["fp16", "q4_0", "q4_k_m", "q6_k"]
    rates = predicted(advisor, tmp_path, "prefill_tokens_per_s", names, device="apple-m2-ultra-192gb")
    assert rates == sorted(rates, reverse=True)
    assert 0.6 < rates[3] / rates[0] < 0.95


def test_openvino_multiplies_four_bits_faster_than_eight(advisor, tmp_path):
    intel = {"device": "intel-core-ultra-7-258v-gpu", "framework": "openvino 2024.5", "input_tokens": 1024}
    four, eight = predicted(advisor, tmp_path, "ttft_ms", ["int4", "int8"], **intel)
    other = predicted(advisor, tmp_path, "ttft_ms", ["int4", "int8"], **(intel | {"framework": ""}))
    assert 1.2 < eight / four < 2
    assert eight / four > 1.2 * other[1] / other[0]


def test_quantizing_inputs_is_felt_by_small_shares_of_a_dense_model(advisor, tmp_path):
    """On 8 devices NVFP4 decodes no faster than fp8; on one device by a fifth; a mixture quantizes as it sorts."""
    def ratio(model, devices):
        setting = {"model": model, "device": "nvidia-b200-sxm-180gb", "framework": "trtllm", "tp": devices}
        eight, = predicted(advisor, tmp_path, "tpot_ms", ["fp8"], **setting | {"activations_dtype": "fp8"})
        four, = predicted(advisor, tmp_path, "tpot_ms", ["nvfp4"], **setting | {"activations_dtype": "nvfp4"})
        return four / eight

    assert ratio("meta-llama/Llama-3.1-70B", 1) < 0.85
    assert ratio("mistralai/Mixtral-8x7B-v0.1", 1) < 0.85


def test_a_format_nobody_knows_is_named(advisor, tmp_path):
    with pytest.raises(AssertionError, match="q4_k_x"):
        predicted(advisor, tmp_path, "tpot_ms", ["q4_k_x"])
