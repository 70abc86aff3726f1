"""The models catalog: counts as published on Hugging Face, names that measurements use, and a quick start."""

from __future__ import annotations

import json
import time
from functools import cache
from pathlib import Path

import pytest

from advisor_catalogs.documents import catalog_root
from advisor_catalogs.model_entries import load_models
from advisor_huggingface.reader import read_document

ENTRIES = load_models()
#: The rest (encoders, vision, audio) are tested in huggingface_encoders.
DECODERS = {row["id"] for row in json.loads((catalog_root() / "models" / "index.json").read_text())["models"]}
BY_NAME = {name.lower(): entry for entry in ENTRIES for name in (entry.id, *entry.aliases)}



@cache
def read(name):
    return read_document(BY_NAME[name.lower()].document, name, name)


#: What transformers counts in the catalog's own documents (record_published.py).
BUILT = json.loads((Path(__file__).parent / "data" / "published.json").read_text())

#: Parameters in the safetensors headers of the published checkpoints.
PUBLISHED = {
    "meta-llama/Llama-2-7b-hf": 6_738_415_616, "meta-llama/Llama-2-13b-hf": 13_015_864_320,
    "meta-llama/Llama-2-70b-hf": 68_976_648_192, "meta-llama/Meta-Llama-3-8B": 8_030_261_248,
    "meta-llama/Llama-3.2-1B": 1_235_814_400, "meta-llama/Llama-3.2-3B": 3_212_749_824,
    "mistralai/Mistral-7B-v0.1": 7_241_732_096, "mistralai/Mistral-7B-v0.3": 7_248_023_552,
    "mistralai/Mistral-Nemo-Base-2407": 12_247_782_400, "mistralai/Mistral-Large-Instruct-2407": 122_610_069_504,
    "mistralai/Mistral-Small-3.1-24B-Instruct-2503": 24_011_361_280,
    "Qwen/Qwen2.5-0.5B": 494_032_768, "Qwen/Qwen2.5-1.5B": 1_543_714_304, "Qwen/Qwen2.5-3B": 3_085_938_688,
    "Qwen/Qwen2.5-7B": 7_615_616_512, "Qwen/Qwen2.5-14B": 14_770_033_664, "Qwen/Qwen2.5-32B": 32_763_876_352,
    "Qwen/Qwen2.5-72B": 72_706_203_648, "Qwen/Qwen3-4B": 4_022_468_096, "Qwen/Qwen3-14B": 14_768_307_200,
    "google/gemma-2b": 2_506_172_416, "google/gemma-7b": 8_537_680_896, "google/gemma-2-2b": 2_614_341_888,
    "google/gemma-2-9b": 9_241_705_984, "google/gemma-2-27b": 27_227_128_320, "google/gemma-3-1b-it": 999_885_952,
    "google/gemma-3-4b-it": 4_300_079_472, "google/gemma-3-12b-it": 12_187_325_040,
    "google/gemma-3-27b-it": 27_432_406_640, "microsoft/phi-1_5": 1_418_270_720, "microsoft/phi-2": 2_779_683_840,
    "microsoft/Phi-3-mini-4k-instruct": 3_821_079_552, "microsoft/phi-4": 14_659_507_200,
    "microsoft/Phi-4-mini-instruct": 3_836_021_760, "openai-community/gpt2": 124_439_808,
    "openai-community/gpt2-xl": 1_557_611_200, "EleutherAI/gpt-j-6b": 6_050_882_784,
    "EleutherAI/gpt-neox-20b": 20_554_567_680, "EleutherAI/pythia-6.9b": 6_857_302_016,
    "tiiuae/falcon-40b": 41_303_293_952, "bigscience/bloom": 176_247_271_424, "facebook/opt-6.7b": 6_658_473_984,
    "HuggingFaceTB/SmolLM2-1.7B": 1_711_376_384, "HuggingFaceTB/SmolLM3-3B": 3_075_098_624,
    "allenai/OLMo-2-1124-7B": 7_298_617_344, "TinyLlama/TinyLlama-1.1B-Chat-v1.0": 1_100_048_384,
    "ai21labs/Jamba-v0.1": 51_570_323_328, "CohereLabs/c4ai-command-r-v01": 34_980_831_232,
}  # fmt: skip


@pytest.mark.parametrize("name", PUBLISHED)
def test_parameters_equal_the_published_checkpoint(name):
    assert read(name).parameters == PUBLISHED[name]


def test_parameters_equal_transformers():
    assert {name: read(name).parameters for name in BUILT} == BUILT


@pytest.mark.parametrize("entry", [entry for entry in ENTRIES if entry.id in DECODERS], ids=lambda entry: entry.id)
def test_every_entry_reads_and_has_a_source(entry):
    model = read(entry.id)
    assert model.generates
    assert model.max_context
    assert model.tensor_parallel_limit >= 1
    assert all(source.title for source in entry.sources.values())
    assert entry.sources


# What the measurements of the issue call their models.
@pytest.mark.parametrize(("name", "weights"), [
    ("meta-llama/Llama-3.1-8B", "bf16"), ("meta-llama/Llama-3.1-8B-Instruct", "bf16"),
    ("meta-llama/Meta-Llama-3.1-8B", "bf16"), ("mixtral-8x7b", "bf16"), ("meta-llama/Meta-Llama-3-70B", "bf16"),
    ("zhipuai/GLM-5", "bf16"), ("moonshotai/Kimi-K2.5", "int4"), ("deepseek-ai/DeepSeek-R1", "fp8"),
    ("nvidia/DeepSeek-R1-NVFP4", "nvfp4"), ("nvidia/DeepSeek-V3.1-NVFP4", "nvfp4"),
    ("nvidia/Llama-3.1-8B-Instruct-FP8", "fp8"), ("meta-llama/Llama-3.1-405B-Instruct-FP8", "fp8"),
    ("Qwen/Qwen3-235B-A22B-FP8", "fp8"), ("Qwen/Qwen3-235B-A22B-Instruct-2507", "bf16"),
    ("Qwen/Qwen3-235B-A22B-Instruct-2507-FP8", "fp8"), ("Qwen/Qwen3-235B-A22B-Thinking-2507", "bf16"),
    ("Qwen/Qwen3-30B-A3B-Instruct-2507", "bf16"), ("Qwen/Qwen3-30B-A3B-Thinking-2507", "bf16"),
    ("Qwen/Qwen3.5-397B-A17B", "bf16"), ("google/gemma-3-27b-it", "bf16"), ("google/gemma-3-12b-it", "bf16"),
    ("openai/gpt-oss-120b", "bf16"), ("nvidia/NVIDIA-Nemotron-3-Nano-30B-A3B-BF16", "bf16"),
])  # fmt: skip
def test_measured_models_are_known(name, weights):
    assert read(name).weight_format == weights


def test_names_are_unique_whatever_their_case():
    names = [name.lower() for entry in ENTRIES for name in (entry.id, *entry.aliases)]
    assert len(names) == len(set(names))


def test_variants_differ_where_they_say():
    assert BY_NAME["qwen3-30b-a3b-instruct-2507"].document["max_position_embeddings"] == 262144
    assert BY_NAME["qwen3-30b-a3b"].document["max_position_embeddings"] == 40960


def test_index_loads_at_once_and_documents_when_used():
    took = []
    for _ in range(5):
        begun = time.process_time()
        entries = load_models()
        took.append(time.process_time() - begun)
    assert min(took) < 0.1
    assert "_fields" not in vars(entries[0].document)
    assert entries[0].document["model_type"]
