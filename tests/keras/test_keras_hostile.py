"""Hostile and damaged files: one line, bounded time and memory, whatever is in them."""

import json
import time
import zipfile

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from keras_support import DATA, entrance, functional, layer, read, recorded, sequential

from advisor.errors import ModelFileError
from advisor.interfaces import ModelSource

GOOD = sequential(layer("Dense", units=4, batch_input_shape=[None, 3]))
QUICK = settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def refused_or_read(document_or_path):
    """Read it; anything but a model or one line is a failure."""
    from advisor_keras.reader import KerasReader

    reader = KerasReader()
    if isinstance(document_or_path, dict):
        source = ModelSource("document", None, document_or_path)
    else:
        source = ModelSource("file", document_or_path)
    started = time.process_time()
    line = ""
    try:
        if reader.claims(source):
            reader.read(source)
    except ModelFileError as error:
        line = str(error)
    assert "\n" not in line
    assert "not understood" not in line
    assert len(line) < 500
    assert time.process_time() - started < 2


def pack(path, config, metadata="{}", compression=zipfile.ZIP_DEFLATED):
    with zipfile.ZipFile(path, "w", compression) as archive:
        archive.writestr("metadata.json", metadata)
        archive.writestr("config.json", config)
    return path


@pytest.fixture(scope="module")
def scratch(tmp_path_factory):
    return tmp_path_factory.mktemp("hostile")


@QUICK
@given(st.data())
def test_damaged_bytes_anywhere(scratch, data):
    name = data.draw(st.sampled_from(["model.h5", "model_without_weights.keras", "small.keras"]))
    raw = bytearray((DATA / name).read_bytes())
    limit = data.draw(st.sampled_from([96, 2048, 8192, len(raw)]))
    for _ in range(data.draw(st.integers(1, 8))):
        position = data.draw(st.integers(0, min(limit, len(raw)) - 1))
        piece = data.draw(st.one_of(st.binary(min_size=1, max_size=8), st.sampled_from([b"\xff" * 8, b"\0" * 8])))
        raw[position : position + len(piece)] = piece
    path = scratch / "damaged"
    path.write_bytes(raw)
    refused_or_read(path)


@QUICK
@given(st.sampled_from(["model.h5", "small.keras", "model_without_weights.keras"]), st.floats(0, 1))
def test_truncation_anywhere(scratch, name, share):
    raw = (DATA / name).read_bytes()
    path = scratch / "truncated"
    path.write_bytes(raw[: int(share * len(raw))])
    refused_or_read(path)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=True) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=12,
)


def _replaced(value, path, new):
    if not path:
        return new
    copied = dict(value) if isinstance(value, dict) else list(value)
    copied[path[0]] = _replaced(value[path[0]], path[1:], new)
    return copied


def _paths(value, prefix=()):
    entries = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, entry in entries:
        yield (*prefix, key)
        yield from _paths(entry, (*prefix, key))


DOCUMENTS = [
    recorded(f"{kind}_{module}")[name]["document"]
    for module in ("keras", "tf_keras")
    for kind, names in (
        ("graphs", ("transformer block", "sequence to sequence", "shared nested model", "operations")),
        ("layers", tuple(name for name in recorded("layers_tf_keras") if "Conv" in name or "RNN" in name)[:25]),
    )
    for name in names
]


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(st.data())
def test_any_value_in_any_place_of_a_config(data):
    document = data.draw(st.sampled_from(DOCUMENTS))
    for _ in range(data.draw(st.integers(1, 3))):
        path = data.draw(st.sampled_from(list(_paths(document))))
        document = _replaced(document, path, data.draw(JSON))
    refused_or_read(document)


@QUICK
@given(JSON)
def test_any_json_as_a_model(value):
    refused_or_read({"class_name": "Sequential", "config": value, "keras_version": "3"})
    refused_or_read(sequential({"class_name": "Dense", "config": value}))


def test_a_zip_bomb_is_refused_by_its_declared_size(scratch):
    path = pack(scratch / "bomb.keras", b"[" * (20 << 20))
    with pytest.raises(ModelFileError, match="at most"):
        read(path)


def test_a_zip_bomb_that_lies_about_its_size_is_stopped(scratch):
    path = pack(scratch / "liar.keras", b" " * (20 << 20))
    raw = bytearray(path.read_bytes())
    for mark, at in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        position = raw.rindex(mark)
        raw[position + at : position + at + 4] = (100).to_bytes(4, "little")
    path.write_bytes(raw)
    with pytest.raises(ModelFileError):
        read(path)


def test_a_member_that_is_missing_encrypted_or_packed_otherwise(scratch):
    with zipfile.ZipFile(scratch / "a.keras", "w") as archive:
        archive.writestr("metadata.json", "{}")
    refused_or_read(scratch / "a.keras")
    path = pack(scratch / "b.keras", json.dumps(GOOD), compression=zipfile.ZIP_BZIP2)
    with pytest.raises(ModelFileError, match="packed in a way"):
        read(path)


def test_a_zip_with_a_huge_directory_is_refused(scratch):
    path = scratch / "directory.keras"
    with zipfile.ZipFile(path, "w") as archive:
        for i in range(10_000):
            archive.writestr(f"file_{i:0220d}", b"")
        archive.writestr("metadata.json", "{}")
        archive.writestr("config.json", json.dumps(GOOD))
    started = time.process_time()
    with pytest.raises(ModelFileError, match="more reading"):
        read(path)
    assert time.process_time() - started < 1


@pytest.mark.parametrize("config", [b"\xff\xfe", b"", b"7", b"{", b'{"a":' * 100_000, b"[" * 100_000, b'"text"', b"{}"])
def test_text_that_is_no_model(scratch, config):
    with pytest.raises(ModelFileError):
        read(pack(scratch / "text.keras", config))


def test_json_of_very_many_parts_is_refused_before_it_is_parsed(scratch):
    started = time.process_time()
    with pytest.raises(ModelFileError, match="more parts"):
        read(pack(scratch / "parts.keras", b'{"a":[' + b"[]," * 3_000_000 + b"0]}"))
    assert time.process_time() - started < 2


@pytest.mark.parametrize("body", [b"[]," * 3_000_000, b'"x":{"a":' * 200_000, b" " * (20 << 20), b"\xff\xff", b""])
def test_json_files_that_no_model_needs(scratch, body):
    path = scratch / "big.json"
    path.write_bytes(b'{"class_name": "Sequential", "keras_version": "3.0", "config": [' + body + b"0]}")
    started = time.process_time()
    with pytest.raises(ModelFileError):
        read(path)
    assert time.process_time() - started < 2


def test_names_from_a_file_cannot_steer_a_terminal():
    escape = "a\x1b[2J\n\ud800" + "x" * 5000
    document = sequential(layer("Dense", units=4, batch_input_shape=[None, 3], name=escape), layer(escape, name="b"))
    document["config"]["name"] = escape
    model = read(document)
    for text in (model.name, *model.notes, *(entry.name + entry.kind for entry in model.layers)):
        assert text.isprintable()
        assert len(text) < 400
        text.encode()
    with pytest.raises(ModelFileError) as caught:
        read(sequential(layer("Dense", name=escape, units=escape, batch_input_shape=[None, 3])))
    assert str(caught.value).isprintable()


def test_models_nested_without_end_are_refused():
    document = GOOD
    for depth in range(300):
        document = sequential(document)
        document["config"]["name"] = f"level{depth}"
    with pytest.raises(ModelFileError):
        read(document)


def test_a_model_used_twice_by_a_model_used_twice_is_bounded():
    inner = functional([entrance(4), layer("ReLU", ["in"], name="r")], ["in"], ["r"])
    for depth in range(22):
        inner = {**inner, "name": f"m{depth}", "inbound_nodes": [[["in", 0, 0, {}]], [[f"m{depth}", 1, 0, {}]]]}
        outer = functional([entrance(4), inner], ["in"], [f"m{depth}"])
        outer["config"]["output_layers"] = [[f"m{depth}", 2, 0]]
        inner = outer
    started = time.process_time()
    with pytest.raises(ModelFileError, match="more than"):
        read(inner)
    assert time.process_time() - started < 2


def test_shapes_that_grow_without_end_are_refused():
    layers = [layer("Dense", units=1, batch_input_shape=[None, 2])]
    layers += [layer("UpSampling1D", size=2**30, name=f"u{i}") for i in range(2000)]
    layers.insert(1, layer("Reshape", target_shape=[1, 1], name="r"))
    with pytest.raises(ModelFileError, match="values a sample"):
        read(sequential(*layers))


def test_memory_stays_bounded(scratch):
    """The largest text that is let through needs less than 200 MB."""
    import subprocess
    import sys

    body = b'{"a":0},' * 199_000 + b"0.5," * 790_000 + '"\U0001f600"]}'.encode()
    path = pack(scratch / "memory.keras", b'{"class_name":"Sequential","config":{},"x":[' + body + b" " * (4 << 20))
    code = (
        "import sys; from pathlib import Path; from advisor.interfaces import ModelSource;"
        "from advisor.errors import ModelFileError; from advisor_keras.reader import KerasReader\n"
        "try:\n    KerasReader().read(ModelSource('x', Path(sys.argv[1])))\nexcept ModelFileError as e:\n    print(e)\n"
        "print([line.split()[1] for line in open('/proc/self/status') if line.startswith('VmHWM')][0])"
    )
    run = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True)
    assert "layers is None" in run.stdout
    assert int(run.stdout.split()[-1]) < 200 * 1024, run.stdout


def test_weights_that_are_damaged_do_not_matter(scratch):
    path = pack(scratch / "weights.keras", json.dumps(GOOD))
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("model.weights.h5", b"\x89HDF garbage")
    assert read(path).parameters == 16
