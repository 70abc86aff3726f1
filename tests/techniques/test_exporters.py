import shlex
from dataclasses import dataclass, field

import pytest

import advisor_exporters
from advisor.errors import InputError

from .made import CLASSIFIER, HOPPER, LLAMA_31_8B, context

EXPORTERS = {exporter.name: exporter for exporter in advisor_exporters.exporters()}


@dataclass
class Chosen:
    """The part of a ranked candidate that exporters read."""

    model_name: str = "meta-llama/Llama-3.1-8B-Instruct"
    recipe: dict[str, str] = field(default_factory=dict)
    columns: dict[str, float] = field(default_factory=dict)
    batch: float = 64.0
    device = HOPPER

    def column(self, name: str) -> float:
        return self.columns.get(name, 0.0 if name in ("shard_stage", "recompute") else 1.0)


def options(text):
    """Option to value, of the one command in the text."""
    words = shlex.split(text, comments=True)
    return words, {word: words[position + 1] if position + 1 < len(words) else ""
                   for position, word in enumerate(words) if word.startswith("-")}  # fmt: skip


def test_vllm_serves_the_layout_the_formats_and_the_batch():
    chosen = Chosen(recipe={"weights": "fp8", "cache": "fp8_cache", "tensor": "tensor_parallel=4"},
                    columns={"tensor_parallel": 4, "data_parallel": 2, "expert_parallel": 4})  # fmt: skip
    words, given = options(EXPORTERS["vllm"].export(chosen, context(input_tokens=1000, output_tokens=200)))
    assert words[:3] == ["vllm", "serve", "meta-llama/Llama-3.1-8B-Instruct"]
    assert given["--tensor-parallel-size"] == "4"
    assert given["--data-parallel-size"] == "2"
    assert given["--quantization"] == "fp8"
    assert given["--kv-cache-dtype"] == "fp8"
    assert given["--max-num-seqs"] == "64"
    assert given["--max-model-len"] == "1200"
    assert "--enable-expert-parallel" in given
    assert "--pipeline-parallel-size" not in given


def test_vllm_serves_the_quantized_checkpoint_and_says_how_it_is_made():
    text = EXPORTERS["vllm"].export(Chosen(recipe={"weights": "int4"}), context())
    words, given = options(text)
    assert words[2].endswith("-W4A16")
    assert "--quantization" not in given
    assert "W4A16" in text.splitlines()[1]


def test_vllm_refuses_what_it_cannot_serve():
    with pytest.raises(InputError, match="int8_cache"):
        EXPORTERS["vllm"].export(Chosen(recipe={"cache": "int8_cache"}), context())
    with pytest.raises(InputError, match="generating"):
        EXPORTERS["vllm"].export(Chosen(), context(CLASSIFIER, task="batch"))


def test_names_are_quoted():
    words, _ = options(EXPORTERS["vllm"].export(Chosen(model_name="my model; rm -rf x"), context()))
    assert words[2] == "my model; rm -rf x"


def test_a_name_cannot_leave_its_comment():
    text = EXPORTERS["vllm"].export(Chosen(model_name="a\nrm -rf x", recipe={"weights": "int4"}), context())
    for line in text.split("vllm serve", 1)[0].splitlines():
        assert line.startswith("#")


def test_torchtitan_trains_in_the_layout():
    chosen = Chosen(columns={
        "device_count": 16, "nodes": 2, "tensor_parallel": 4, "data_parallel": 4, "shard_stage": 3, "recompute": 1,
        "micro_batch": 2, "global_batch": 64, "sequence_length": 4096})  # fmt: skip
    words, given = options(EXPORTERS["torchtitan"].export(chosen, context(LLAMA_31_8B, task="train")))
    assert words[0] == "torchrun"
    assert given["--nnodes"] == "2"
    assert given["--nproc-per-node"] == "8"
    assert given["--parallelism.tensor_parallel_degree"] == "4"
    assert given["--parallelism.data_parallel_shard_degree"] == "4"
    assert given["--parallelism.data_parallel_replicate_degree"] == "1"
    assert given["--activation_checkpoint.mode"] == "selective"
    with pytest.raises(InputError):
        EXPORTERS["torchtitan"].export(chosen, context())


def test_llama_cpp_converts_and_serves_a_gguf_file():
    chosen = Chosen(recipe={"weights": "q4_k_m", "cache": "q8_0_cache"}, batch=4)
    chosen.frameworks = ["llama.cpp"]
    text = EXPORTERS["llama.cpp"].export(chosen, context(input_tokens=1000, output_tokens=24))
    words, given = options(text)
    assert words[:3] == ["llama-server", "-m", "Llama-3.1-8B-Instruct-Q4_K_M.gguf"]
    assert given["--parallel"] == "4"
    assert given["--ctx-size"] == "4096"
    assert given["--cache-type-k"] == "q8_0"
    assert "llama-quantize Llama-3.1-8B-Instruct-F16.gguf Llama-3.1-8B-Instruct-Q4_K_M.gguf Q4_K_M" in text


def test_exporters_refuse_what_their_framework_does_not_run():
    chosen = Chosen(recipe={"weights": "q4_k_m"})
    chosen.frameworks = ["llama.cpp"]
    with pytest.raises(InputError, match=r"llama\.cpp writes GGUF"):
        EXPORTERS["vllm"].export(chosen, context())
    chosen = Chosen(recipe={"weights": "fp8"})
    chosen.frameworks = ["vllm"]
    with pytest.raises(InputError, match="expected a file type of GGUF"):
        EXPORTERS["llama.cpp"].export(chosen, context())
