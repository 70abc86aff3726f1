"""The seed model in its three containers, and what a file says of its training."""

import json
import zipfile

import pytest
from keras_support import read

from advisor.interfaces import ModelSource
from advisor.operators import Elementwise, MatMul


@pytest.mark.parametrize("name", ["model.h5", "model_without_weights.keras"])
def test_the_seed_model_has_its_known_parameters_and_flops(data, name):
    model = read(data / name)
    assert model.parameters == 110_849
    assert model.forward_flops() == 221_248
    assert model.forward_flops(batch=32) == 32 * 221_248
    assert model.weight_bytes == 4 * 110_849
    assert (model.unit, model.generates, model.weight_format, model.blocks) == ("sample", False, "fp32", 4)
    assert (model.sample_elements, model.tensor_parallel_limit, model.notes) == (784, 1, ())


def test_a_keras_file_with_weights_reads_the_same_way(data):
    model = read(data / "small.keras")
    assert model.parameters == 16 * 128 + 128 + 128 * 64 + 64 + 64 * 32 + 32 + 32 + 1
    assert model.forward_flops() == 2 * (16 * 128 + 128 * 64 + 64 * 32 + 32)


def test_the_json_of_the_config_reads_the_same_way(data, tmp_path):
    with zipfile.ZipFile(data / "model_without_weights.keras") as archive:
        (tmp_path / "architecture.json").write_bytes(archive.read("config.json"))
    assert read(tmp_path / "architecture.json").parameters == 110_849
    text = (tmp_path / "architecture.json").read_text()
    (tmp_path / "quoted.json").write_text(json.dumps(text))  # json.dump(model.to_json(), file)
    assert read(tmp_path / "quoted.json").parameters == 110_849


@pytest.mark.parametrize("name", ["model.h5", "small.keras"])
def test_training_settings_are_kept_as_plain_values(data, name):
    attributes = read(data / name).attributes
    assert attributes["optimizer"] == "Adam"
    assert attributes["loss"] == "binary_crossentropy"
    assert attributes["learning_rate"] == pytest.approx(1e-3)
    assert attributes["keras_version"].startswith("3.")
    json.dumps(dict(attributes))


def test_one_layer_for_each_keras_layer_with_its_operators(data):
    layers = {layer.name: layer for layer in read(data / "model.h5").layers}
    assert [layer.kind for layer in layers.values()] == ["InputLayer", *["Dense"] * 4]
    first = next(layer for layer in layers.values() if layer.parameters == 784 * 128 + 128)
    product, function = first.operators
    assert isinstance(product, MatMul)
    assert (product.inputs, product.outputs, product.bias, product.positions) == (784, 128, True, 1)
    assert isinstance(function, Elementwise)
    assert (function.name, function.elements) == ("relu", 256)


def test_the_backward_pass_keeps_the_input_and_each_activation_once(data):
    operators = [op for op, _ in read(data / "model.h5").operators()]
    assert sum(op.saved_elements for op in operators) == 784 + 128 + 64 + 32 + 1


def test_the_name_of_the_file_does_not_matter(data, tmp_path):
    renamed = tmp_path / "weights.bin"
    renamed.write_bytes((data / "small.keras").read_bytes())
    assert read(renamed).parameters == 12_545


def test_other_files_are_left_to_other_readers(tmp_path):
    from advisor_keras.reader import KerasReader

    reader = KerasReader()
    llama = {"model_type": "llama", "hidden_size": 8, "architectures": ["LlamaForCausalLM"]}
    assert not reader.claims(ModelSource("a", None, llama))
    assert not reader.claims(ModelSource("a", None, {"class_name": 3, "config": {}}))
    with zipfile.ZipFile(tmp_path / "torch.pt", "w") as archive:
        archive.writestr("archive/data.pkl", b"")
    assert not reader.claims(ModelSource("a", tmp_path / "torch.pt"))
    (tmp_path / "config.json").write_text(json.dumps(llama))
    assert not reader.claims(ModelSource("a", tmp_path / "config.json"))
    (tmp_path / "text").write_text("hello")
    assert not reader.claims(ModelSource("a", tmp_path / "text"))


def test_the_plugin_registers_one_reader_and_imports_nothing_heavy():
    import subprocess
    import sys

    code = (
        "import sys, advisor_keras; heavy = {'h5py', 'tensorflow', 'keras', 'advisor_keras.reader'} & set(sys.modules);"
        "assert not heavy, heavy; print([r.name for r in advisor_keras.model_readers()]);"
        "heavy = {'h5py', 'tensorflow', 'keras'} & set(sys.modules); assert not heavy, heavy"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert run.stdout.strip() == "['keras']", run.stderr
