"""Damaged, cut off and lying files: one line, at once, in little memory."""

import resource
import struct
import time

import pytest
from gguf_made import Q4_K, Writer, llama, write
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from advisor.errors import ModelFileError
from advisor.interfaces import ModelSource
from advisor.models import Model
from advisor_gguf.reader import GGUFReader

METADATA, TENSORS = llama(layers=1, hidden=256, heads=4, groups=2, inner=512, vocab=256)
METADATA = {**METADATA, "tokenizer.ggml.tokens": ["a", "b", "c"] * 20, "list": [1, 2, 3], "truth": True}


def refused(path, said):
    start = time.process_time()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(ModelFileError) as caught:
        GGUFReader().read(ModelSource(str(path), path=path))
    assert time.process_time() - start < 2
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200_000  # KiB
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)
    assert str(path.name) in str(caught.value)


def header(parts):
    return b"GGUF" + struct.pack("<IQQ", 3, *parts[0]) + b"".join(parts[1:])


def text(value):
    return struct.pack("<Q", len(value)) + value


@pytest.mark.parametrize(
    ("counts", "said"),
    [
        ((1 << 60, 1), "it claims 1152921504606846976 tensors"),
        ((1, 1 << 60), "1152921504606846976 metadata entries"),
        ((100_000, 0), "it claims 100000 tensors"),
    ],
)
def test_counts_beyond_the_file(tmp_path, counts, said):
    path = tmp_path / "lie.gguf"
    path.write_bytes(header([counts]) + bytes(100))
    refused(path, said)


def array(kind, length, body=b""):
    return text(b"key") + struct.pack("<IIQ", 9, kind, length) + body


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        (text(b"key") + struct.pack("<IQ", 8, 1 << 60), "takes 1152921504606846976 bytes"),
        (struct.pack("<Q", 1 << 40) + b"key", "a metadata key takes 1099511627776 bytes"),
        (array(0, 1 << 60), "takes 1152921504606846976 bytes"),
        (array(8, 1 << 60), "more than 2000000 items"),
        (array(8, 1_900_000), "takes 8 bytes"),
        (array(9, 1, struct.pack("<IQ", 9, 1) * 50), "nested more than 3 deep"),
        (text(b"key") + struct.pack("<I", 77), "has type 77"),
        (text(b"k\xff") + struct.pack("<IB", 0, 1), "not UTF-8"),
        (text(b"key") + struct.pack("<I", 8) + text(b"\xff\xfe"), "not UTF-8"),
    ],
)
def test_lying_metadata(tmp_path, entry, said):
    path = tmp_path / "lie.gguf"
    path.write_bytes(header([(0, 1), entry]))
    refused(path, said)


def test_many_empty_strings_stay_bounded(tmp_path):
    path = tmp_path / "strings.gguf"
    path.write_bytes(header([(0, 1), array(8, 2_000_000)]))
    with path.open("r+b") as stream:
        stream.truncate(8 * 2_000_001 + 100)
    refused(path, "general.architecture is missing")


@pytest.mark.parametrize("alignment", [0, 3, 1 << 31])
def test_alignment_that_cannot_be(tmp_path, alignment):
    head, data = Writer().header({**METADATA, "general.alignment": alignment}, TENSORS)
    path = tmp_path / "a.gguf"
    path.write_bytes(head + bytes(data))
    refused(path, "expected a power of two")


def test_cut_off_data(tmp_path):
    path = write(tmp_path / "m.gguf", METADATA, TENSORS)
    with path.open("r+b") as stream:
        stream.truncate(path.stat().st_size - 64)
    refused(path, "cut off or damaged: tensor 'output.weight' ends at byte")


def _table(*tensors):
    """A header with the given (name, shape, type, offset)."""
    writer = Writer()
    parts = [writer.text("general.architecture") + writer.value("llama")]
    for name, shape, kind, offset in tensors:
        parts.append(
            text(name)
            + struct.pack("<I", len(shape))
            + b"".join(struct.pack("<Q", n) for n in shape)
            + struct.pack("<IQ", kind, offset)
        )
    raw = header([(len(tensors), 1), *parts])
    return raw + bytes(-len(raw) % 32) + bytes(4096)


@pytest.mark.parametrize(
    ("tensors", "said"),
    [
        ([(b"a", [64], 0, 0), (b"b", [64], 0, 128)], "tensors 'a' and 'b' overlap"),
        ([(b"a", [1 << 40, 1 << 40], 0, 0)], "claims 1.21e+24 values"),
        ([(b"a", [1 << 40], 0, 0)], "cut off or damaged"),
        ([(b"a", [64], 0, 1 << 62)], "cut off or damaged"),
        ([(b"a", [64], 0, 7)], "not a multiple of 32"),
        ([(b"a", [100], Q4_K, 0)], "does not divide into Q4_K blocks of 256"),
        ([(b"a", [0], 0, 0)], "does not divide"),
        ([(b"a", [1] * 9, 0, 0)], "claims 9 dimensions"),
        ([(b"a", [64], 99, 0)], "type 99, which is not a known ggml type"),
        ([(b"a", [64], 0, 0), (b"a", [64], 0, 256)], "two tensors have the same name"),
        ([(b"\xff", [64], 0, 0)], "not UTF-8"),
    ],
)
def test_lying_tables(tmp_path, tensors, said):
    path = tmp_path / "t.gguf"
    path.write_bytes(_table(*tensors))
    refused(path, said)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"llama.block_count": 1 << 31}, "llama.block_count"),
        ({"llama.block_count": "many"}, "llama.block_count is many; expected a whole number"),
        ({"llama.expert_used_count": 9}, ""),
        ({"general.architecture": 5}, "general.architecture is missing"),
    ],
)
def test_contradictions_name_the_field(tmp_path, changes, said):
    path = write(tmp_path / "m.gguf", {**METADATA, **changes}, TENSORS)
    if said:
        refused(path, said)
    else:
        GGUFReader().read(ModelSource("m", path=path))


def test_experts_that_do_not_match(tmp_path):
    tensors = [
        *TENSORS,
        ("blk.0.ffn_up_exps.weight", [256, 512, 4], Q4_K),
        ("blk.0.ffn_down_exps.weight", [512, 256, 4], Q4_K),
    ]
    path = write(tmp_path / "m.gguf", {**METADATA, "llama.expert_count": 8, "llama.expert_used_count": 2}, tensors)
    refused(path, "llama.expert_count is 8, but the experts of block 0")
    path = write(tmp_path / "m.gguf", {**METADATA, "llama.expert_count": 4, "llama.expert_used_count": 5}, tensors)
    refused(path, "llama.expert_used_count is 5 of 4 experts")


def test_other_versions_and_magic(tmp_path):
    path = tmp_path / "v.gguf"
    path.write_bytes(b"GGUF" + struct.pack("<I", 9) + bytes(64))
    refused(path, "GGUF version 9 is not known")
    path.write_bytes(b"GGU")
    refused(path, "takes 4 bytes")


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    path = write(tmp_path_factory.mktemp("gguf") / "whole.gguf", METADATA, TENSORS)
    return path.read_bytes()


def check(path, raw):
    """Either a model or one line; never anything else."""
    path.write_bytes(raw)
    start = time.process_time()
    try:
        model = GGUFReader().read(ModelSource("f", path=path))
    except ModelFileError as error:
        if "\n" in str(error):
            raise
    else:
        assert isinstance(model, Model)
        assert model.weight_bytes <= len(raw)
        model.forward_flops(16)
    assert time.process_time() - start < 2


HEADER = 2600  # bytes of the file worth changing
FEW = settings(max_examples=70, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@FEW
@given(changes=st.lists(st.tuples(st.integers(0, HEADER), st.integers(0, 255)), min_size=1, max_size=6))
def test_changed_bytes(tmp_path, whole, changes):
    raw = bytearray(whole)
    for place, value in changes:
        raw[place] = value
    check(tmp_path / "f.gguf", bytes(raw))


@FEW
@given(length=st.integers(0, HEADER + 64))
def test_truncation(tmp_path, whole, length):
    check(tmp_path / "f.gguf", whole[:length])


@FEW
@given(place=st.integers(4, HEADER), value=st.sampled_from([0, 1, 1 << 31, 1 << 32, 1 << 60, (1 << 64) - 1]))
def test_lying_numbers(tmp_path, whole, place, value):
    check(tmp_path / "f.gguf", whole[:place] + struct.pack("<Q", value) + whole[place + 8 :])


@FEW
@given(tail=st.binary(max_size=400))
def test_noise_after_the_magic(tmp_path, tail):
    check(tmp_path / "f.gguf", b"GGUF\x03\0\0\0" + tail)
