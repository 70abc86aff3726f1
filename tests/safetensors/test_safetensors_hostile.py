"""Damaged, cut off and lying files: one line, at once, in little memory."""

import json
import resource
import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors_made import LLAMA, llama, write, write_raw

from advisor.errors import ModelFileError
from advisor.interfaces import ModelSource
from advisor.models import Model
from advisor_safetensors.reader import SafetensorsReader


def refused(path, said):
    start = time.process_time()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    source = ModelSource(str(path), path=path)
    assert SafetensorsReader().claims(source)
    with pytest.raises(ModelFileError) as caught:
        SafetensorsReader().read(source)
    assert time.process_time() - start < 2
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200_000  # KiB
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def one(path, entry, data=64):
    return write_raw(path / "one.safetensors", json.dumps({"a": entry}).encode(), data)


@pytest.mark.parametrize("length", [1 << 60, (1 << 64) - 1, 100_000_001, 5000])
def test_header_length_that_cannot_be(tmp_path, length):
    refused(write_raw(tmp_path / "lie.safetensors", b'{"a": 1}', 100, length), f"its header claims {length} bytes")


def test_header_of_more_than_100_mb_in_a_file_that_has_them(tmp_path):
    refused(
        write_raw(tmp_path / "big.safetensors", b'{"a": 1}', 200_000_000, 150_000_000), "at most 100000000 are read"
    )


def test_large_empty_header(tmp_path):
    refused(write_raw(tmp_path / "blank.safetensors", b"{", 100_000_000, 90_000_000), "not valid JSON")


@pytest.mark.parametrize(
    ("header", "said"),
    [
        (b"{" * 5000, "not valid JSON"),
        (b'{"a":' * 5000, "nested too deeply"),
        (b"{" + b"[" * 600_000, "more parts than any checkpoint needs"),
        (b'{"a":[' + b"1," * 5_000_000 + b"1]}", "more parts than any checkpoint needs"),
        (b'{"\xff": 1}', "not UTF-8"),
        (b'{"a": ', "not valid JSON"),
        (b'{"a": 1' + b"0" * 5000 + b"}", "not valid JSON"),
        (b'{"a": 1, "a": 2}', "'a' is there twice"),
    ],
)
def test_bad_json(tmp_path, header, said):
    refused(write_raw(tmp_path / "bad.safetensors", header, 64), said)


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ("text", "must be an object"),
        ({}, "dtype 'None' is not known"),
        ({"dtype": "F31", "shape": [1], "data_offsets": [0, 4]}, "dtype 'F31' is not known"),
        ({"dtype": "F32", "shape": [-1], "data_offsets": [0, 4]}, "shape must be a list of whole numbers"),
        ({"dtype": "F32", "shape": [1.5], "data_offsets": [0, 4]}, "shape must be a list of whole numbers"),
        ({"dtype": "F32", "shape": [True], "data_offsets": [0, 4]}, "shape must be a list of whole numbers"),
        ({"dtype": "F32", "shape": [1], "data_offsets": [4, 0]}, "are not in order"),
        ({"dtype": "F32", "shape": [1], "data_offsets": [-4, 0]}, "are not in order"),
        ({"dtype": "F32", "shape": [1], "data_offsets": [0]}, "must be two whole numbers"),
        ({"dtype": "F32", "shape": [100], "data_offsets": [0, 400]}, "cut off or damaged"),
        ({"dtype": "F32", "shape": [2], "data_offsets": [0, 4]}, "does not take the 4 bytes"),
        ({"dtype": "F32", "shape": [1 << 60] * 8, "data_offsets": [0, 64]}, "does not take the 64 bytes"),
        ({"dtype": "F4", "shape": [3], "data_offsets": [0, 1]}, "does not take the 1 bytes"),
    ],
)
def test_lying_tensors(tmp_path, entry, said):
    refused(one(tmp_path, entry), said)


def test_overlap(tmp_path):
    header = {
        "a": {"dtype": "F32", "shape": [4], "data_offsets": [0, 16]},
        "b": {"dtype": "F32", "shape": [4], "data_offsets": [12, 28]},
    }
    refused(write_raw(tmp_path / "o.safetensors", json.dumps(header).encode(), 64), "tensors 'a' and 'b' overlap")


def test_too_short(tmp_path):
    path = tmp_path / "short.safetensors"
    path.write_bytes(b"\x10\0\0")
    refused(path, "too short")


@pytest.mark.parametrize("shard", ["../outside.safetensors", "/etc/passwd", "a/../../b", "..", "a\\b", "", 7])
def test_shards_outside_the_folder_are_not_followed(tmp_path, shard):
    folder = tmp_path / "model"
    folder.mkdir()
    write(tmp_path / "outside.safetensors", llama())
    index = folder / "model.safetensors.index.json"
    index.write_text(json.dumps({"weight_map": {"a": shard}}))
    refused(index, "files elsewhere are not followed")


@pytest.mark.parametrize(
    "document", [{"weight_map": []}, {"weight_map": {}}, {"weight_map": {"a": "b"}, "metadata": 5}]
)
def test_bad_indexes(tmp_path, document):
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps(document))
    refused(tmp_path, "model.safetensors.index.json" if not document["weight_map"] else "no tensor is described")


def test_index_that_names_what_its_shard_lacks(tmp_path):
    write(tmp_path / "b.safetensors", {"other": ("F32", [1])})
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps({"weight_map": {"a": "b.safetensors"}}))
    refused(tmp_path, "'a' is not in b.safetensors")


def test_not_claimed(tmp_path):
    for name, raw in (
        ("config.json", json.dumps(LLAMA).encode()),
        ("x.bin", b"        {}"),
        ("y", b"PK\x03\x04" + bytes(50)),
    ):
        path = tmp_path / name
        path.write_bytes(raw)
        assert not SafetensorsReader().claims(ModelSource(name, path=path))
    (tmp_path / "empty").mkdir()
    assert not SafetensorsReader().claims(ModelSource("empty", path=tmp_path / "empty"))


SMALL = {**LLAMA, "num_hidden_layers": 1, "hidden_size": 64, "intermediate_size": 128, "vocab_size": 64}


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return write(tmp_path_factory.mktemp("st") / "whole.safetensors", llama(config=SMALL)).read_bytes()


def check(folder, raw, config=True):
    """Either a model or one line; never anything else."""
    path = folder / "f.safetensors"
    path.write_bytes(raw)
    (folder / "config.json").write_text(json.dumps(SMALL if config else {}))
    start = time.process_time()
    try:
        model = SafetensorsReader().read(ModelSource("f", path=path))
    except ModelFileError as error:
        if "\n" in str(error):
            raise
        return
    assert isinstance(model, Model)
    model.forward_flops(16)
    assert time.process_time() - start < 2


FEW = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@FEW
@given(
    changes=st.lists(st.tuples(st.integers(0, 1300), st.integers(0, 255)), min_size=1, max_size=5), config=st.booleans()
)
def test_changed_bytes(tmp_path, whole, changes, config):
    raw = bytearray(whole)
    for place, value in changes:
        raw[place] = value
    check(tmp_path, bytes(raw), config)


@FEW
@given(length=st.integers(0, 1400))
def test_truncation(tmp_path, whole, length):
    check(tmp_path, whole[:length])


_NAMES = st.one_of(
    st.sampled_from(sorted(llama(config=SMALL))),
    st.text(max_size=12),
    st.sampled_from(
        [
            "a.weight",
            "a.qweight",
            "a.scales",
            "a.qzeros",
            "a.g_idx",
            "a.weight_scale",
            "model.layers.0.mlp.experts.3.up_proj.weight",
            "a_blocks",
            "a_scales",
        ]
    ),
)


@FEW
@given(
    tensors=st.dictionaries(
        _NAMES,
        st.tuples(
            st.sampled_from(["F32", "BF16", "U8", "I8", "I32", "U32", "F8_E4M3", "I64"]),
            st.lists(st.integers(0, 40), max_size=4),
        ),
        max_size=12,
    ),
    config=st.booleans(),
)
def test_any_true_table(tmp_path, tensors, config):
    from safetensors_made import entries, size

    total = sum(size(*entry) for entry in tensors.values())
    header = json.dumps(entries(tensors)).encode()
    check(tmp_path, len(header).to_bytes(8, "little") + header + bytes(total), config)


_JSON = st.recursive(
    st.none() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=12,
)


@FEW
@given(
    entry=st.fixed_dictionaries({}, optional={"dtype": _JSON | st.just("F32"), "shape": _JSON, "data_offsets": _JSON})
)
def test_any_entry(tmp_path, entry):
    header = json.dumps({"a": entry}).encode()
    check(tmp_path, len(header).to_bytes(8, "little") + header + bytes(64))


@FEW
@given(document=_JSON)
def test_any_index(tmp_path, document):
    (tmp_path / "config.json").unlink(missing_ok=True)
    path = tmp_path / "model.safetensors.index.json"
    path.write_text(json.dumps({"weight_map": document, "metadata": document}))
    source = ModelSource("index", path=path)
    try:
        if SafetensorsReader().claims(source):
            SafetensorsReader().read(source)
    except ModelFileError as error:
        if "\n" in str(error):
            raise
