"""Configurations that only transformers knows. What needs torch and transformers runs where they are installed."""

import importlib.util
import json
import sys

import pytest

from advisor.errors import ModelFileError
from advisor.interfaces import ModelSource

HEAVY = all(importlib.util.find_spec(name) is not None for name in ("torch", "transformers"))
needs_transformers = pytest.mark.skipif(not HEAVY, reason="torch and transformers are not installed")

CODEGEN = {"model_type": "codegen", "n_embd": 64, "n_head": 4, "n_layer": 3, "rotary_dim": 8, "vocab_size": 500,
           "n_positions": 256, "bos_token_id": 1, "eos_token_id": 2, "torch_dtype": "float16"}  # fmt: skip
DOGE = {
    "model_type": "doge",
    "hidden_size": 64,
    "intermediate_size": 96,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "vocab_size": 300,
}
ROFORMER = {"model_type": "roformer", "hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4,
            "intermediate_size": 128, "vocab_size": 400, "embedding_size": 64}  # fmt: skip
REGNET = {"model_type": "regnet", "hidden_sizes": [32, 64], "depths": [1, 2], "groups_width": 16, "embedding_size": 16}


def source(document, **more):
    return ModelSource("model", given_document=document, **more)


def read(document):
    from advisor_transformers.reader import TransformersReader

    return TransformersReader().read(source(document))


def counted(document, length):
    """FLOPs by torch's counter, on tensors without values, with attention as products."""
    import torch
    from torch._subclasses.fake_tensor import FakeTensorMode
    from torch.utils.flop_counter import FlopCounterMode

    from advisor_transformers.build import build
    from advisor_transformers.inputs import is_text, other_inputs, text_inputs

    module = build(document, "model").eval()
    given = text_inputs(module, length) if is_text(module) else other_inputs(module)
    mode = FakeTensorMode(allow_non_fake_inputs=True)
    fake = {key: mode.from_tensor(one) if isinstance(one, torch.Tensor) else one for key, one in given.items()}
    counter = FlopCounterMode(display=False)
    with torch.no_grad(), mode, torch.nn.attention.sdpa_kernel(torch.nn.attention.SDPBackend.MATH), counter:
        module(**fake)
    return sum(parameter.numel() for parameter in module.parameters()), counter.get_total_flops()


@needs_transformers
@pytest.mark.parametrize("document", [CODEGEN, ROFORMER, REGNET, DOGE], ids=lambda one: one["model_type"])
@pytest.mark.parametrize("length", [48, 200])
def test_parameters_and_flops_are_those_of_transformers(document, length):
    found = read(document)
    parameters, flops = counted(document, length)
    assert found.parameters == parameters
    assert found.forward_flops(length) == pytest.approx(flops, rel=1e-3)


@needs_transformers
def test_a_decoder_is_served_token_by_token():
    found = read(CODEGEN)
    assert (found.unit, found.generates, found.weight_format) == ("token", True, "fp16")
    assert found.cache_bytes_per_token == 3 * 2 * 64 * 2
    assert [op.name for layer in found.layers for op in layer.operators if op.last_unit_only]
    assert read(DOGE).cache_elements_per_token == 2 * 2 * 2 * 16
    assert read(REGNET).unit == "sample"


@needs_transformers
@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"model_type": "no_such_type"}, "not an architecture of transformers"),
        ({"n_layer": 10**6}, "n_layer: must be at most"),
        ({"n_embd": 1 << 40}, "n_embd: must be at most"),
        ({"n_head": 7}, "transformers cannot build this codegen"),
        ({"n_embd": "wide"}, "transformers cannot build this codegen"),
    ],
)
def test_one_line_that_says_what_is_wrong(change, words):
    with pytest.raises(ModelFileError, match=words) as caught:
        read({**CODEGEN, **change})
    assert "\n" not in str(caught.value)


@needs_transformers
def test_code_of_a_repository_is_never_run(tmp_path):
    (tmp_path / "modeling.py").write_text("raise SystemExit('was run')")
    hostile = {**CODEGEN, "auto_map": {"AutoConfig": "modeling.Config", "AutoModelForCausalLM": "modeling.Model"}}
    (tmp_path / "config.json").write_text(json.dumps(hostile))
    from advisor_transformers.reader import TransformersReader

    place = ModelSource(str(tmp_path), path=tmp_path)
    assert TransformersReader().claims(place)
    assert TransformersReader().read(place).parameters == read(CODEGEN).parameters


def test_what_the_native_reader_knows_is_left_to_it():
    from advisor_transformers.reader import TransformersReader

    reader = TransformersReader()
    for document in ({"model_type": "llama"}, {"class_name": "Sequential"}, {"model_type": 3}, {}):
        assert not reader.claims(source(document))
    assert reader.claims(source(CODEGEN)) == HEAVY


def test_nothing_heavy_is_imported_to_claim():
    from advisor_transformers.reader import TransformersReader

    before = "transformers" in sys.modules
    TransformersReader().claims(source(CODEGEN))
    assert ("transformers" in sys.modules) == before
