"""The built-in plugins and the example keep the contract that any plugin is asked to keep."""

from __future__ import annotations

import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest

from advisor.testing import check_plugin, checks

ROOT = Path(__file__).resolve().parents[2]
BUILT_IN = {entry.name: entry.value for entry in metadata.entry_points(group="advisor")
            if entry.dist is not None and entry.dist.name == "hardware-advisor"}  # fmt: skip
#: A catalog's devices are estimated by other plugins, and its models read by others.
BESIDE = {
    "measure": ["advisor_cpu"],
    "catalogs": ["advisor_huggingface", "advisor_layer_table", "advisor_cpu", "advisor_gpu", "advisor_tpu"],
}
SAMPLES = {"keras": sorted((ROOT / "tests/keras/data").glob("*.h5"))[:2]}
#: What no plugin may import before it is asked for something.
HEAVY = ("h5py", "torch", "tensorflow", "keras", "onnx", "pandas", "rich", "tomli", "scipy")


@pytest.mark.parametrize("name", BUILT_IN)
def test_built_in_plugin(name):
    check_plugin(BUILT_IN[name], beside=BESIDE.get(name, ()), samples=SAMPLES.get(name, ()))


def test_example_plugin(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "examples/advisor-acme")
    found = checks("advisor_acme")
    assert len(found) > 100
    check_plugin("advisor_acme")


@pytest.mark.parametrize("module", [*BUILT_IN.values(), "advisor_acme", "advisor.testing"])
def test_import_is_light(module):
    code = f"import sys, {module}; print([name for name in {HEAVY} if name in sys.modules])"
    path = f"{ROOT / 'examples/advisor-acme'}"
    done = subprocess.run([sys.executable, "-c", f"import sys; sys.path.insert(0, {path!r}); {code}"],
                          capture_output=True, text=True, check=True)  # fmt: skip
    assert done.stdout.strip() == "[]"
