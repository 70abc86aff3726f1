"""Pickled checkpoints: what torch saved is listed, nothing is loaded, anything else is refused in one line."""

import gzip
import io
import json
import os
import pickle
import pickletools
import resource
import time
import zipfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from advisor.errors import ModelFileError
from advisor.interfaces import ModelSource
from advisor.models import Model
from advisor_pickle.files import LEGACY, read_legacy, read_zip
from advisor_pickle.reader import PickleReader

DATA = Path(__file__).parent / "data"
ANSWERS = json.loads((DATA / "answers.json").read_text())
TYPES = {"float32": "F32", "bfloat16": "BF16", "bool": "BOOL", "int64": "I64", "float8_e4m3fn": "F8_E4M3"}


def saved(folder, name):
    path = folder / f"{name}.pt"
    path.write_bytes(gzip.decompress((DATA / f"{name}.pt.gz").read_bytes()))
    return path


def read(path):
    source = ModelSource(str(path), path=path)
    assert PickleReader().claims(source)
    return PickleReader().read(source)


@pytest.mark.parametrize("name", ["zip", "legacy", "checkpoint", "parameters"])
def test_tensors_are_those_that_torch_saved(tmp_path, name):
    path = saved(tmp_path, name)
    found = read_legacy(path) if name == "legacy" else read_zip(path)
    expected = {key: (TYPES[dtype], shape, size) for key, (dtype, shape, size) in ANSWERS[name].items()}
    expected.pop("head.weight", None)  # tied: the embedding's own storage, counted once
    assert {one.name: (one.type, list(one.shape), one.bytes) for one in found.tensors} == expected


def test_the_model_says_how_it_was_read(tmp_path):
    model = read(saved(tmp_path, "checkpoint"))
    sizes = {name: size for name, (_, _, size) in ANSWERS["checkpoint"].items() if name != "head.weight"}
    assert model.weight_bytes == sum(sizes.values())
    assert "nothing in the file was loaded or run" in model.notes[0]
    assert "optimizer" in model.notes[1]
    assert model.reader == "pickle"


def refused(path, said):
    start = time.process_time()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(ModelFileError) as caught:
        read(path)
    assert time.process_time() - start < 2
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200_000  # KiB
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_whole_module_is_refused_with_what_to_do(tmp_path):
    refused(saved(tmp_path, "module"), "save the weights as safetensors")


class Boom:
    def __init__(self, mark):
        self.mark = mark

    def __reduce__(self):
        return os.system, (f"touch {self.mark}",)


def zipped(path, raw, storages=None):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", raw)
        for key, data in (storages or {}).items():
            archive.writestr(f"archive/data/{key}", data)
    return path


def test_nothing_is_run(tmp_path):
    mark = tmp_path / "run"
    refused(
        zipped(tmp_path / "a.pt", pickle.dumps({"weight": Boom(mark)}, protocol=2)), "save the weights as safetensors"
    )
    path = tmp_path / "b.pkl"
    path.write_bytes(pickle.dumps(Boom(mark), protocol=4))
    refused(path, "a pickle that torch.save did not make")
    path.write_bytes(LEGACY + pickle.dumps(Boom(mark), protocol=2) * 4)
    refused(path, "save the weights as safetensors")
    assert not mark.exists()


class Storage:
    def __init__(self, key, count, kind):
        self.key, self.count, self.kind = key, count, kind


class Tensor:
    def __init__(self, storage, offset, shape, strides):
        self.arguments = storage, offset, shape, strides


class Pickler(pickle._Pickler):
    """Writes what torch would, without torch."""

    def persistent_id(self, value):
        if not isinstance(value, Storage):
            return None
        return ("storage", Named(f"torch {value.kind}"), value.key, "cpu", value.count)


class Named:
    def __init__(self, text):
        self.text = text


def _save_name(pickler, value):
    module, name = value.text.split(" ")
    pickler.write(pickle.GLOBAL + f"{module}\n{name}\n".encode())


def _save_tensor(pickler, value):
    pickler.save(Named("torch._utils _rebuild_tensor_v2"))
    pickler.save((*value.arguments, False, {}))
    pickler.write(pickle.REDUCE)


Pickler.dispatch = {**pickle._Pickler.dispatch, Named: _save_name, Tensor: _save_tensor}


def dumps(value):
    stream = io.BytesIO()
    Pickler(stream, 2).dump(value)
    return stream.getvalue()


def plain(count=8, shape=(2, 4), offset=0, strides=(4, 1), kind="FloatStorage", key="0"):
    return dumps({"weight": Tensor(Storage(key, count, kind), offset, shape, strides)})


def test_made_without_torch(tmp_path):
    path = zipped(tmp_path / "a.pt", plain(), {"0": bytes(32)})
    model = read(path)
    assert (model.parameters, model.weight_bytes) == (8, 32)
    expanded = read(zipped(path, plain(count=4, shape=(100, 4), strides=(0, 1)), {"0": bytes(16)}))
    assert expanded.weight_bytes == 16


@pytest.mark.parametrize(
    ("raw", "storages", "said"),
    [
        (plain(), {}, "storage '0' should hold 32 bytes and holds 0"),
        (plain(), {"0": bytes(8)}, "should hold 32 bytes and holds 8"),
        (plain(shape=(1 << 40, 1 << 40)), {"0": bytes(32)}, "takes more than its storage"),
        (plain(count=1 << 59), {"0": bytes(32)}, "should hold"),
        (plain(count=1 << 70), {"0": bytes(32)}, "no whole numbers"),
        (plain(shape=(-1,)), {"0": bytes(32)}, "no whole numbers"),
        (plain(kind="MagicStorage"), {"0": bytes(32)}, "unknown type of storage: 'torch.MagicStorage'"),
        (plain(key=7), {"7": bytes(32)}, "a storage without a name"),
        (plain()[:-20], {"0": bytes(32)}, "no plain table of tensors"),
        (b"\x80\x02}q\x00.", {}, "a pickle without a table of tensors"),
        (b"\x80\x02" + b"(" * 100_000 + b".", {}, "without a table of tensors"),
        (b"\x80\x02" + b"]" + b"]a" * 100_000 + b".", {}, "without a table of tensors"),
        (b"\x80\x02" + b"(" * 900_000 + b".", {}, "more opcodes than any table"),
        (b"\x80\x02\x8b\xff\xff\xff\x7f.", {}, "no plain table of tensors"),
        (b"\x80\x02j\xff\xff\xff\x00.", {}, "no plain table of tensors"),
    ],
)
def test_lying_pickles(tmp_path, raw, storages, said):
    refused(zipped(tmp_path / "lie.pt", raw, storages), said)


def test_tuples_that_print_endlessly(tmp_path):
    doubled = b"\x80\x02)" + b"2\x86" * 2000 + b"."
    refused(zipped(tmp_path / "bomb.pt", doubled), "without a table of tensors")
    for place in ("shape", "strides", "key"):
        value = ()
        for _ in range(200):
            value = (value, value)
        refused(zipped(tmp_path / "bomb.pt", plain(**{place: value}), {"0": bytes(32)}), "no plain table of tensors")


def test_compressed_and_oversized_members(tmp_path):
    path = tmp_path / "bomb.pt"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data.pkl", b"\x80\x02" + bytes(30 << 20))
    refused(path, "its table of tensors takes")


def test_a_directory_without_end(tmp_path):
    path = tmp_path / "many.pt"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", plain())
        for number in range(25_000):
            archive.writestr(f"archive/data/{number:0150d}", b"")
    start = time.process_time()
    assert not PickleReader().claims(ModelSource("many", path=path))
    assert time.process_time() - start < 2


def test_an_index_of_shards(tmp_path):
    for number in (1, 2):
        raw = dumps({f"weight{number}": Tensor(Storage("0", 8, "HalfStorage"), 0, (2, 4), (4, 1))})
        zipped(tmp_path / f"pytorch_model-{number}.bin", raw, {"0": bytes(16)})
    index = tmp_path / "pytorch_model.bin.index.json"
    names = {f"weight{number}": f"pytorch_model-{number}.bin" for number in (1, 2)}
    index.write_text(json.dumps({"weight_map": names}))
    model = read(index)
    assert (model.parameters, model.weight_bytes, model.attributes["files"]) == (16, 32, 2)
    index.write_text(json.dumps({"weight_map": {**names, "more": "../pytorch_model-3.bin"}}))
    refused(index, "files elsewhere are not followed")
    index.write_text(json.dumps({"weight_map": {**names, "more": "pytorch_model-3.bin"}}))
    refused(index, "its shard pytorch_model-3.bin is not beside it")
    index.write_text(json.dumps({"weight_map": {"more": 3}}))
    refused(index, "files elsewhere are not followed")


def test_other_zips_are_not_claimed(tmp_path):
    path = tmp_path / "x.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("config.json", "{}")
    assert not PickleReader().claims(ModelSource("x", path=path))
    path.write_bytes(b"\x80\x01\x02")
    assert not PickleReader().claims(ModelSource("x", path=path))


def check(path, raw):
    path.write_bytes(raw)
    start = time.process_time()
    source = ModelSource("f", path=path)
    try:
        if PickleReader().claims(source):
            assert isinstance(PickleReader().read(source), Model)
    except ModelFileError as error:
        if "\n" in str(error):
            raise
    assert time.process_time() - start < 2


FEW = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
WHOLE = gzip.decompress((DATA / "zip.pt.gz").read_bytes())
OLD = gzip.decompress((DATA / "legacy.pt.gz").read_bytes())
RAW = plain()


@FEW
@given(data=st.data(), old=st.booleans())
def test_changed_bytes(tmp_path, data, old):
    raw = bytearray(OLD if old else WHOLE)
    changes = st.lists(st.tuples(st.integers(0, len(raw) - 1), st.integers(0, 255)), min_size=1, max_size=5)
    for place, value in data.draw(changes):
        raw[place] = value
    check(tmp_path / "f.pt", bytes(raw))


@FEW
@given(length=st.integers(0, len(WHOLE)), old=st.booleans())
def test_truncation(tmp_path, length, old):
    check(tmp_path / "f.pt", (OLD if old else WHOLE)[:length])


@FEW
@given(changes=st.lists(st.tuples(st.integers(0, len(RAW) - 1), st.integers(0, 255)), min_size=1, max_size=4))
def test_changed_opcodes(tmp_path, changes):
    raw = bytearray(RAW)
    for place, value in changes:
        raw[place] = value
    check(zipped(tmp_path / "f.pt", bytes(raw), {"0": bytes(32)}), (tmp_path / "f.pt").read_bytes())


CODES = [opcode.code.encode("latin-1") for opcode in pickletools.opcodes]


@FEW
@given(parts=st.lists(st.sampled_from(CODES) | st.binary(max_size=4), max_size=40))
def test_any_opcodes(tmp_path, parts):
    raw = b"\x80\x02" + b"".join(parts) + b"."
    check(zipped(tmp_path / "f.pt", raw), (tmp_path / "f.pt").read_bytes())
    check(tmp_path / "g.pt", LEGACY + raw * 4)
