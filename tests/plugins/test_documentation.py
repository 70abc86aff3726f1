"""The documentation names every hook and column, and its examples keep the contract."""

from __future__ import annotations

import re
from pathlib import Path
from types import ModuleType

import pytest
from made_plugins import plugin

from advisor import Advisor, hookspecs
from advisor.columns import COLUMNS
from advisor.plugins import HOOKS
from advisor.testing import check_plugin
from advisor.testing.documentation import columns_page
from advisor.testing.samples import sample_device, sample_systems

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGE = (DOCS / "plugins.md").read_text("utf-8")
SECTIONS = {match[1]: match[2] for match in re.finditer(r"^### `(\w+)`\n(.*?)(?=^### |\Z)", PAGE, re.M | re.S)}
#: What the examples refer to: the catalog in small, so that each is ranked in a moment.
H100 = sample_device("nvidia-h100-sxm-80gb", kind="gpu")
SMALL = plugin("small catalog", devices=lambda: [H100], systems=lambda: sample_systems([H100], (1,)))
BESIDE = {"devices": ["advisor_gpu"], "systems": ["advisor_gpu", SMALL], "offers": ["advisor_gpu", SMALL],
          "models": ["advisor_huggingface"]}  # fmt: skip


def blocks(text):
    return re.findall(r"^```python\n(.*?)^```", text, re.M | re.S)


def module(name, code):
    made = ModuleType(name)
    exec(compile(code, f"plugins.md: {name}", "exec"), made.__dict__)
    return made


def test_every_hook_has_a_section_with_one_example():
    assert list(SECTIONS) == list(HOOKS)
    for hook, text in SECTIONS.items():
        (code,) = blocks(text)
        assert f"@hookimpl\ndef {hook}(" in code
        assert text.strip().split("```")[0].strip(), hook


def test_every_hook_has_a_docstring():
    for hook in HOOKS:
        assert (getattr(hookspecs, hook).__doc__ or "").strip().endswith(".")


@pytest.mark.parametrize("hook", HOOKS)
def test_example_of_a_hook_keeps_the_contract(hook):
    (code,) = blocks(SECTIONS[hook])
    check_plugin(module(f"example_{hook}", code), beside=BESIDE.get(hook, ()))


def test_what_the_examples_refer_to_is_in_the_catalog():
    registry = Advisor().registry
    assert H100.id in {device.id for device in registry.devices}
    assert f"1x{H100.id}" in {system.id for system in registry.systems}


def test_first_example_keeps_the_contract_and_is_short():
    example, test = blocks(PAGE.split("## The hooks")[0])
    assert len([line for line in example.splitlines() if line.strip()]) <= 30
    made = module("my_plugin", example)
    check_plugin(made, beside=["advisor_gpu"])
    assert callable(module("test_my_plugin", test).test_conformance)


def test_page_of_columns_is_up_to_date():
    assert (DOCS / "columns.md").read_text("utf-8") == columns_page(), (
        "run: python -m advisor.testing.documentation > docs/columns.md"
    )


def test_every_column_is_there_with_unit_and_meaning():
    rows = dict(re.findall(r"^\| `(\w+)` \|(.*)$", (DOCS / "columns.md").read_text("utf-8"), re.M))
    for column in COLUMNS:
        cells = [cell.strip() for cell in rows[column.name].split("|")]
        assert cells[0] == column.unit
        assert cells[4] == column.doc
        assert column.doc
