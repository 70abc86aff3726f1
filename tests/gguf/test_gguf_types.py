"""Bytes of every tensor type against what the ``gguf`` package writes and reads (record_oracle.py)."""

import gzip
import json
from pathlib import Path

import gguf_made as made
import pytest

from advisor.errors import ModelFileError
from advisor.formats import format_named
from advisor.interfaces import ModelSource
from advisor_gguf.files import read_files
from advisor_gguf.reader import GGUFReader
from advisor_gguf.types import REMOVED, TYPES

DATA = Path(__file__).parent / "data"


@pytest.mark.parametrize("name", ["types", "types-big-endian"])
def test_every_type_has_the_bytes_that_the_gguf_package_gives_it(tmp_path, name):
    path = tmp_path / "types.gguf"
    path.write_bytes(gzip.decompress((DATA / f"{name}.gguf.gz").read_bytes()))
    expected = json.loads((DATA / "types.json").read_text())[name]
    tensors = {tensor.name: [tensor.type, tensor.values, tensor.bytes] for tensor in read_files(path).tensors}
    assert tensors == expected
    assert {entry[0] for entry in expected.values()} == {block.name for block in TYPES.values()}


@pytest.mark.parametrize("name", ["types", "types-big-endian"])
def test_the_model_holds_every_value_and_byte_of_the_file(tmp_path, name):
    path = tmp_path / "types.gguf"
    path.write_bytes(gzip.decompress((DATA / f"{name}.gguf.gz").read_bytes()))
    expected = json.loads((DATA / "types.json").read_text())[name].values()
    model = GGUFReader().read(ModelSource("types", path=path))
    assert model.parameters == sum(values for _, values, _ in expected)
    assert model.weight_bytes == sum(size for _, _, size in expected)


def test_formats_store_exactly_what_a_block_takes():
    for block in TYPES.values():
        assert format_named(block.format).bits == 8 * block.bytes / block.values, block.name


def test_q8_1_has_the_layout_of_ggml_where_the_file_does(tmp_path):
    # 36 bytes a block in ggml since 2023, 40 in the Python package; the next tensor's place tells.
    sizes, made.SIZES = made.SIZES, {**made.SIZES, 9: (32, 36)}
    try:
        path = made.write(tmp_path / "q.gguf", {"general.architecture": "llama"}, [("a.weight", [64, 7], 9)] * 1)
    finally:
        made.SIZES = sizes
    assert read_files(path).tensors[0].bytes == 64 * 7 // 32 * 36


@pytest.mark.parametrize("code", sorted(REMOVED))
def test_removed_types_are_refused_by_name(tmp_path, code):
    made.SIZES[code] = (32, 18)
    try:
        path = made.write(tmp_path / "old.gguf", {"general.architecture": "llama"}, [("a.weight", [32, 2], code)])
    finally:
        del made.SIZES[code]
    with pytest.raises(ModelFileError, match=f"{REMOVED[code]}, which ggml has removed"):
        read_files(path)
