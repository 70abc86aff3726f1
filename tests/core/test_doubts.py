"""What was hardly meant is said beside the answer, once."""

import pytest

from advisor import Advisor

MODEL = "meta-llama/Llama-3.1-8B"  # made for 131,072 tokens


@pytest.fixture(scope="module")
def advisor():
    return Advisor()


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"framework": "vlm"}, ["framework 'vlm'", "did you mean vllm"]),
        ({"input_tokens": 131_000, "output_tokens": 100}, ["131,100 tokens", "131,072"]),
        ({"task": "finetune", "seq_len": 200_000}, ["seq_len: 200,000 tokens", "131,072"]),
    ],
)
def test_doubt_is_a_warning(advisor, fields, words):
    warnings = advisor.estimate(MODEL, "8xh100", **fields).warnings
    assert [line for line in warnings if all(word in line for word in words)] == warnings != []


@pytest.mark.parametrize(
    "fields",
    [
        {"framework": "trtllm 1.0"},
        {"framework": "vllm"},
        {"input_tokens": 131_000, "output_tokens": 72},
        {"task": "finetune", "seq_len": 131_072, "input_tokens": 10**6},
    ],
)
def test_what_is_known_and_fits_is_no_doubt(advisor, fields):
    assert advisor.estimate(MODEL, "8xh100", **fields).warnings == []
