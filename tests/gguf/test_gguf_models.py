"""GGUF models against the readings of the configurations that they would be converted from."""

import time

import gguf_made as made
import pytest
from gguf_made import F32, Q4_K, Q8_0, llama, size, write
from gguf_readings import LLAMA, block_tensors, read, same_work, whole_model

from advisor.errors import ModelFileError
from advisor.formats import format_named
from advisor.records import replace
from advisor_huggingface.reader import read_document


def test_llama_in_mixed_types_is_exact_to_the_byte(tmp_path):
    metadata, tensors = llama()
    model = read(write(tmp_path / "model.gguf", metadata, tensors))
    same_work(model, LLAMA)
    assert model.weight_bytes == sum(size(shape, kind) for _, shape, kind in tensors)
    assert model.family == "llama"
    assert model.generates
    assert model.max_context == 8192
    assert model.weight_format == "q4_k"
    assert model.cache_bytes_per_token == 2 * 2 * 2 * 128 * 2


def test_mean_bits_of_quantizable_weights_are_those_of_the_blocks(tmp_path):
    metadata, tensors = llama()
    model = read(write(tmp_path / "model.gguf", metadata, tensors))
    products = [(shape, kind) for name, shape, kind in tensors if name.startswith("blk.") and len(shape) == 2]
    expected = 8 * sum(size(*entry) for entry in products) / sum(shape[0] * shape[1] for shape, _ in products)
    held = [
        (copies * op.parameters, format_named(model.format_of(op)).bits)
        for op, copies in model.operators()
        if op.quantizable
    ]
    assert sum(n * bits for n, bits in held) / sum(n for n, _ in held) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("version", [1, 2, 3])
@pytest.mark.parametrize("big", [False, True])
def test_versions_and_byte_orders_read_the_same(tmp_path, version, big):
    metadata, tensors = llama()
    metadata["tokenizer.ggml.tokens"] = ["<s>", "naïve", "日本"] * 50
    model = read(write(tmp_path / "model.gguf", metadata, tensors, version, big))
    assert model.parameters == read_document(LLAMA, "c", "c").parameters
    assert model.weight_bytes == sum(size(shape, kind) for _, shape, kind in tensors)


def test_tied_output_is_not_counted_twice(tmp_path):
    metadata, tensors = llama(tied=True)
    model = read(write(tmp_path / "model.gguf", metadata, tensors))
    same_work(model, {**LLAMA, "tie_word_embeddings": True})
    assert model.weight_bytes == sum(size(shape, kind) for _, shape, kind in tensors)


def test_split_files_are_read_as_one_from_any_part(tmp_path):
    metadata, tensors = llama()
    whole = read(write(tmp_path / "whole.gguf", metadata, tensors))
    half = len(tensors) // 2
    split = {"split.count": ("u16", 2), "split.tensors.count": ("i32", len(tensors))}
    paths = [tmp_path / f"m-{part:05d}-of-00002.gguf" for part in (1, 2)]
    write(paths[0], {**metadata, "split.no": ("u16", 0), **split}, tensors[:half])
    write(paths[1], {"split.no": ("u16", 1), **split}, tensors[half:])
    for path in paths:
        model = read(path)
        assert (model.parameters, model.weight_bytes) == (whole.parameters, whole.weight_bytes)
        assert model.attributes["files"] == 2
    paths[1].unlink()
    with pytest.raises(ModelFileError, match="1 of its 2 parts are not beside it"):
        read(paths[0])


def test_folder_with_one_model(tmp_path):
    metadata, tensors = llama()
    write(tmp_path / "model.gguf", metadata, tensors)
    assert read(tmp_path).parameters == read_document(LLAMA, "c", "c").parameters
    write(tmp_path / "other.gguf", metadata, tensors)
    with pytest.raises(ModelFileError, match=r"holds 2 GGUF models; give one of them: model\.gguf, other\.gguf"):
        read(tmp_path)


def test_unknown_architecture_keeps_every_value(tmp_path):
    block = [*block_tensors(256, 4, 2, 64), ("strange.weight", [256, 96], Q8_0), ("odd.weight", [7], F32)]
    metadata, tensors = whole_model("nobody-knows", 2, 256, 4, 2, 64, 1024, block)
    model = read(write(tmp_path / "m.gguf", metadata, tensors))
    assert model.weight_bytes == sum(size(shape, kind) for _, shape, kind in tensors)
    assert model.cache_elements_per_token == 2 * 2 * 2 * 64


def test_a_header_of_400_gb_takes_no_time(tmp_path):
    metadata, tensors = llama(
        layers=126, hidden=16384, heads=128, groups=8, inner=53248, vocab=128256, kinds=(Q8_0, Q8_0, F32)
    )
    metadata["tokenizer.ggml.tokens"] = [f"token{number}" for number in range(128_256)]
    path = write(tmp_path / "big.gguf", metadata, tensors)
    assert path.stat().st_size > 400e9
    start = time.process_time()
    model = read(path)
    assert time.process_time() - start < 2
    assert model.parameters == 405_853_388_800  # Llama 3.1 405B as published


def test_models_can_be_changed(tmp_path):
    metadata, tensors = llama()
    model = read(write(tmp_path / "model.gguf", metadata, tensors))
    assert replace(model, name="other").name == "other"
    assert made.size([256, 2], Q4_K) == 288
