"""The attribute reader against files that the HDF5 library writes, and files that lie."""

import json
import os
import struct

import pytest
from keras_support import layer, read, sequential

from advisor.errors import ModelFileError
from advisor_keras.hdf5 import root_texts

h5py = pytest.importorskip("h5py")

CONFIG = json.dumps(sequential(layer("Dense", units=4, batch_input_shape=[None, 3])))
NAMES = ("model_config", "training_config", "keras_version")


def write(path, libver="earliest", **attributes):
    with h5py.File(path, "w", libver=libver) as file:
        for name, value in attributes.items():
            file.attrs[name] = value
        file.create_group("model_weights").create_dataset("kernel", data=[1.0] * 100)


@pytest.mark.parametrize("libver", ["earliest", "v108", "v110", "latest"])
@pytest.mark.parametrize("as_bytes", [True, False])
def test_attributes_of_every_version_of_the_format(tmp_path, libver, as_bytes):
    value = CONFIG.encode() if as_bytes else CONFIG
    write(tmp_path / "m.h5", libver, backend="tensorflow", keras_version="2.9.0", model_config=value)
    found = root_texts(tmp_path / "m.h5", NAMES, 1 << 20)
    assert found == {"model_config": CONFIG.encode(), "training_config": None, "keras_version": b"2.9.0"}
    assert read(tmp_path / "m.h5").parameters == 16


@pytest.mark.parametrize("libver", ["earliest", "latest"])
def test_many_attributes_long_texts_and_fixed_strings(tmp_path, libver):
    import numpy as np

    long = json.dumps({**json.loads(CONFIG), "padding": "x" * 3_000_000})
    other = {f"other_{i}": "y" * 100 for i in range(5)}
    write(tmp_path / "m.h5", libver, **other, keras_version=np.bytes_("2.1.6"), model_config=long)
    found = root_texts(tmp_path / "m.h5", NAMES, 1 << 23)
    assert found["model_config"] == long.encode()
    assert found["keras_version"] == b"2.1.6"


def test_tracked_order_and_rewritten_attributes(tmp_path):
    with h5py.File(tmp_path / "m.h5", "w", track_order=True) as file:
        file.attrs["model_config"] = "{}"
        for i in range(4):
            file.create_group(f"g{i}")
        file.attrs["model_config"] = CONFIG
    assert root_texts(tmp_path / "m.h5", NAMES, 1 << 20)["model_config"] == CONFIG.encode()


def test_weights_alone_are_refused_with_what_to_do(tmp_path):
    write(tmp_path / "weights.h5", backend="tensorflow")
    with pytest.raises(ModelFileError, match="save the whole model"):
        read(tmp_path / "weights.h5")


def test_an_attribute_that_is_no_text_is_refused(tmp_path):
    for value in (7, [1.0, 2.0], ["a", "b"]):
        write(tmp_path / "m.h5", model_config=value)
        with pytest.raises(ModelFileError, match=r"not (one )?text"):
            read(tmp_path / "m.h5")


def test_a_text_that_is_not_utf_8_is_refused(tmp_path):
    write(tmp_path / "m.h5", model_config=b"{\xff\xfe}")
    with pytest.raises(ModelFileError, match="not UTF-8"):
        read(tmp_path / "m.h5")


def test_a_file_cut_short_says_so(data, tmp_path):
    whole = (data / "model.h5").read_bytes()
    for size in (8, 40, 96, 800, 5000, len(whole) // 2, len(whole) - 1):
        (tmp_path / "m.h5").write_bytes(whole[:size])
        with pytest.raises(ModelFileError, match="damaged HDF5 file"):
            read(tmp_path / "m.h5")


def test_links_that_loop_do_not_matter(tmp_path):
    with h5py.File(tmp_path / "m.h5", "w") as file:
        file.attrs["model_config"] = CONFIG
        group = file.create_group("a")
        group["self"] = file["/"]
        file["b"] = h5py.SoftLink("/b")
        file["c"] = h5py.ExternalLink("/etc/passwd", "/")
    assert read(tmp_path / "m.h5").parameters == 16


def test_a_lying_length_is_refused_before_it_is_read(tmp_path):
    write(tmp_path / "m.h5", model_config=CONFIG)
    raw = bytearray((tmp_path / "m.h5").read_bytes())
    mark = raw.rindex(struct.pack("<I", len(CONFIG)), 0, raw.index(b"GCOL"))
    raw[mark : mark + 4] = struct.pack("<I", 2**31)
    (tmp_path / "m.h5").write_bytes(raw)
    with pytest.raises(ModelFileError, match="at most"):
        read(tmp_path / "m.h5")


def test_a_sparse_file_of_four_hundred_gigabytes_is_read_at_once(tmp_path):
    write(tmp_path / "m.h5", model_config=CONFIG)
    os.truncate(tmp_path / "m.h5", 400 * 10**9)
    assert read(tmp_path / "m.h5").parameters == 16
