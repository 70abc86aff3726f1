"""Encoders, encoder-decoders, vision and audio: published counts, caches, stacks, refusals."""

from __future__ import annotations

import time

import pytest

from advisor.errors import ModelFileError
from advisor.interfaces import ModelSource
from advisor.operators import Attention
from advisor.testing.readers import reader_checks
from advisor_catalogs.model_entries import load_models
from advisor_huggingface.families import MODULES
from advisor_huggingface.reader import HuggingFaceReader, read_document
from advisor_huggingface.samples import CrossAttention, FixedKeysAttention

ENTRIES = {entry.id: entry for entry in load_models()}
DOCUMENTS = {name: ENTRIES[name].document for name in (
    "google-bert/bert-base-uncased", "albert/albert-base-v2", "microsoft/deberta-v3-base",
    "answerdotai/ModernBERT-base",
    "google/flan-t5-base", "facebook/bart-base", "openai/whisper-tiny", "facebook/wav2vec2-base-960h",
    "google/vit-base-patch16-224", "microsoft/swin-tiny-patch4-window7-224", "facebook/convnext-tiny-224",
    "microsoft/resnet-50", "facebook/dinov2-base", "openai/clip-vit-base-patch32", "google/siglip-base-patch16-224",
    "llava-hf/llava-1.5-7b-hf",
)}  # fmt: skip


def model(name, **changes):
    return read_document({**ENTRIES[name].document, **changes}, name, name)


@pytest.mark.parametrize(("name", "parameters"), [
    # as the headers of the published checkpoints count them, less heads that the model leaves out
    ("google-bert/bert-base-uncased", 109_482_240), ("google-bert/bert-large-uncased", 335_141_888),
    ("FacebookAI/roberta-base", 124_645_632), ("FacebookAI/roberta-large", 355_359_744),
    ("FacebookAI/xlm-roberta-large", 559_890_432), ("distilbert/distilbert-base-uncased", 66_362_880),
    ("distilbert/distilbert-base-uncased-finetuned-sst-2-english", 66_955_010),
    ("albert/albert-base-v2", 11_683_584), ("google/electra-base-discriminator", 108_891_648),
    ("microsoft/deberta-v3-base", 183_831_552), ("answerdotai/ModernBERT-base", 149_014_272),
    ("sentence-transformers/all-MiniLM-L6-v2", 22_713_216), ("BAAI/bge-small-en-v1.5", 33_360_000),
    ("BAAI/bge-m3", 567_754_752), ("BAAI/bge-reranker-v2-m3", 567_755_777),
    ("google-t5/t5-small", 60_506_624), ("google-t5/t5-11b", 11_307_321_344), ("google/flan-t5-base", 247_577_856),
    ("google/flan-t5-xxl", 11_135_332_352), ("google/mt5-small", 300_176_768), ("google/mt5-base", 582_401_280),
    ("facebook/bart-base", 139_420_416), ("facebook/bart-large", 406_291_456),
    ("openai/whisper-tiny", 37_760_640), ("openai/whisper-large-v3", 1_543_490_560),
    ("openai/whisper-large-v3-turbo", 808_878_080), ("facebook/wav2vec2-base-960h", 94_396_320),
    ("google/vit-base-patch16-224", 86_567_656), ("google/vit-large-patch16-224", 304_326_632),
    ("facebook/deit-base-distilled-patch16-224", 87_338_192), ("microsoft/swin-base-patch4-window7-224", 87_768_224),
    ("facebook/convnext-large-224", 197_767_336), ("microsoft/resnet-152", 60_192_808),
    ("facebook/dinov2-giant", 1_136_480_768), ("openai/clip-vit-base-patch32", 151_277_313),
    ("openai/clip-vit-large-patch14", 427_616_513), ("google/siglip-so400m-patch14-384", 877_960_498),
    ("llava-hf/llava-1.5-7b-hf", 7_063_427_072),
])  # fmt: skip
def test_published_parameters(name, parameters):
    assert model(name).parameters == parameters


def test_text_encoders_see_both_ways_and_generate_nothing():
    read = model("google-bert/bert-base-uncased")
    assert (read.unit, read.generates, read.cache_elements_per_token, read.max_context) == ("token", False, 0, 512)
    assert not any(op.causal for op, _ in read.operators() if isinstance(op, Attention))


def test_flops_of_bert_by_hand():
    tokens, batch = 384, 3
    products = 12 * (4 * 768 * 768 + 2 * 768 * 3072)
    attention = 12 * 2 * 2 * tokens * tokens * 768
    pooler = 2 * 768 * 768
    expected = batch * (2 * tokens * products + attention + pooler)
    assert model("google-bert/bert-base-uncased").forward_flops(tokens, batch) == expected


def test_shared_blocks_work_twelve_times_and_are_stored_once():
    albert, bert = model("albert/albert-base-v2"), model("google-bert/bert-base-uncased")
    assert albert.parameters < bert.parameters / 9
    assert albert.forward_flops(128) == pytest.approx(bert.forward_flops(128), rel=2e-3)


def test_modernbert_bounds_two_layers_of_three():
    limits = [op.attended_limit for op, copies in model("answerdotai/ModernBERT-base").operators()
              for _ in range(copies) if isinstance(op, Attention)]  # fmt: skip
    assert sorted(limits, key=str) == [129] * 14 + [None] * 8


def test_encoder_decoders_keep_their_own_and_the_encoders_keys():
    read = model("google-t5/t5-small")
    assert read.generates
    assert read.cache_elements_per_token == 6 * 2 * (2 * 8 * 64)  # both attentions of six layers
    assert {layer.stack for layer in read.layers} == {"main", "encoder"}
    assert sum(layer.parameters for layer in read.layers if layer.stack == "encoder") > read.parameters / 3


def test_whisper_keeps_the_whole_encoders_keys_from_the_first_token_on():
    read = model("openai/whisper-large-v3")
    cross = next(op for op, _ in read.operators() if isinstance(op, CrossAttention))
    assert (cross.cached(1), cross.attended(1)) == (1500, 1500)
    assert read.cache_elements(10) == 32 * 2 * 1280 * (10 + 1500)
    assert read.attributes["encoder_positions"] == 1500


def test_vision_samples_have_patches():
    read = model("google/vit-base-patch16-224")
    attention = next(op for op, _ in read.operators() if isinstance(op, FixedKeysAttention))
    assert (read.unit, attention.positions, attention.keys) == ("sample", 197, 197)
    assert read.sample_elements == 3 * 224 * 224
    assert read.forward_flops(seq_len=512, batch=8) == 8 * read.forward_flops()


def test_image_size_may_be_given():
    small, large = (model("microsoft/resnet-50", image_size=edge) for edge in (224, 288))
    assert small.parameters == large.parameters
    assert large.forward_flops() / small.forward_flops() == pytest.approx((288 / 224) ** 2, rel=0.01)


def test_swin_attends_within_windows():
    keys = {op.keys for op, _ in model("microsoft/swin-base-patch4-window12-384").operators()
            if isinstance(op, FixedKeysAttention)}  # fmt: skip
    assert keys == {144}


def test_heads_follow_the_architecture():
    bare = model("google-bert/bert-base-uncased")
    masked = model("google-bert/bert-base-uncased", architectures=["BertForMaskedLM"])
    classes = model("google-bert/bert-base-uncased", architectures=["BertForSequenceClassification"], num_labels=7)
    assert masked.parameters == 109_514_298
    assert classes.parameters - bare.parameters == 7 * 769
    assert read_document({"architectures": ["RobertaForMaskedLM"]}, "a", "a").family == "roberta"


def test_llava_fills_in_what_its_configuration_leaves_to_defaults():
    published = {"model_type": "llava", "text_config": {"model_type": "llama", "vocab_size": 32064}}
    read = read_document(published, "config.json", "llava")
    assert read.parameters == 7_063_427_072
    assert {layer.stack for layer in read.layers} == {"main", "vision"}


@pytest.mark.parametrize(("name", "changes", "complaint"), [
    ("google-bert/bert-base-uncased", {"num_attention_heads": 7}, "hidden_size: 768 is not divisible by"),
    ("google-bert/bert-base-uncased", {"vocab_size": "many"}, "vocab_size: must be a whole number"),
    ("microsoft/swin-tiny-patch4-window7-224", {"num_heads": [3, 6, 12]}, "depths: must give at least one block"),
    ("microsoft/swin-tiny-patch4-window7-224", {"num_heads": [5, 6, 12, 24]}, "num_heads: 5 does not divide"),
    ("microsoft/resnet-50", {"layer_type": "odd"}, "layer_type: must be basic or bottleneck"),
    ("microsoft/resnet-50", {"depths": [3, 4]}, "depths: must give at least one block"),
    ("google/vit-base-patch16-224", {"patch_size": 256}, "patch_size: is larger than the image"),
    ("google/vit-base-patch16-224", {"image_size": [224, 224, 3]}, "image_size: must be an edge"),
    ("facebook/wav2vec2-base-960h", {"conv_kernel": [10, 3]}, "conv_dim: conv_kernel and conv_stride"),
    ("facebook/wav2vec2-base-960h", {"add_adapter": True}, "add_adapter: adapters"),
    ("facebook/bart-base", {"encoder_layers": 10**6}, "encoder_layers: must be from 1 to 2048"),
    ("llava-hf/llava-1.5-7b-hf", {"text_config": {"model_type": "bert"}}, "model_type: 'bert' is not"),
])  # fmt: skip
def test_contradictions_are_refused_with_the_field(name, changes, complaint):
    with pytest.raises(ModelFileError) as refused:
        model(name, **changes)
    assert complaint in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("name", DOCUMENTS)
def test_conformance(name):
    for check in reader_checks(HuggingFaceReader(), [dict(DOCUMENTS[name])], []):
        if "document" in check.name:
            check.run()


def _module(document):
    kind = document.get("model_type")
    return next((module for module, types in MODULES.items() if kind in types.split()), "")


def test_every_catalog_entry_reads_in_a_moment():
    others = [entry for entry in ENTRIES.values() if _module(entry.document).startswith(("encoder_", "vision_"))]
    assert len(others) > 150
    start = time.process_time()
    for entry in others:
        read = HuggingFaceReader().read(ModelSource(entry.id, given_document=entry.document))
        assert entry.sources
        assert entry.licence
        assert read.unit == "sample" or read.vocabulary
        assert read.forward_flops(128) > 0
    assert (time.process_time() - start) / len(others) < 0.05
