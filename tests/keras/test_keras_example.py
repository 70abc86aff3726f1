"""The example of the seed model: its refusals everywhere, the whole of it where Keras is installed."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest
from keras_support import read

EXAMPLE = Path(__file__).parents[2] / "examples" / "binary_classifier.py"
# The folder of these tests is called keras too: only a package with a file counts.
HAS_KERAS = any(getattr(importlib.util.find_spec(name), "origin", None) for name in ("tensorflow", "keras"))


def run(*arguments, cwd):
    return subprocess.run(
        [sys.executable, str(EXAMPLE), *arguments], capture_output=True, text=True, cwd=cwd, check=False
    )


def test_an_existing_file_is_not_overwritten_unless_told(tmp_path):
    (tmp_path / "model.h5").write_bytes(b"precious")
    answer = run(cwd=tmp_path)
    assert answer.returncode == 1
    assert "--force" in answer.stderr
    assert (tmp_path / "model.h5").read_bytes() == b"precious"


def test_a_wrong_name_or_number_is_refused(tmp_path):
    assert "ends in .h5 or .keras" in run("--output", "model.pt", cwd=tmp_path).stderr
    assert "--rows must be" in run("--rows", "3", cwd=tmp_path).stderr


@pytest.mark.skipif(HAS_KERAS, reason="Keras is installed")
def test_without_keras_it_says_what_to_install(tmp_path):
    answer = run(cwd=tmp_path)
    assert answer.returncode == 1
    assert "pip install tensorflow" in answer.stderr
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(not HAS_KERAS, reason="needs TensorFlow or Keras")
@pytest.mark.parametrize("name", ["model.h5", "model.keras"])
def test_with_keras_it_trains_saves_loads_and_predicts(tmp_path, name):
    answer = run("--output", name, "--rows", "500", cwd=tmp_path)
    assert answer.returncode == 0, answer.stderr
    assert f"advisor inspect {name}" in answer.stdout
    model = read(tmp_path / name)
    assert (model.parameters, model.forward_flops()) == (110_849, 221_248)
