"""Modules of torch against torch's own counts. Runs where torch is installed."""

from types import SimpleNamespace

import pytest

from advisor.errors import InputError
from advisor.models import Model

torch = pytest.importorskip("torch")


def from_torch(*arguments, **options):
    from advisor_torch import from_torch as function

    return function(*arguments, **options)


def cases():
    from torch_modules import CASES

    return CASES


@pytest.mark.parametrize("name", ["residual", "recurrent", "language", "products", "transformer"])
def test_parameters_and_flops_are_those_of_torch(name):
    from torch_modules import count

    make, inputs, _ = cases()[name]
    module = make()
    found = from_torch(module, inputs)
    assert found.parameters == sum(parameter.numel() for parameter in module.parameters())
    assert found.forward_flops() == count(module.eval(), inputs)


def test_nothing_is_changed_and_layers_have_their_modules_names():
    module = cases()["residual"][0]().train()
    found = from_torch(module, torch.zeros(1, 3, 32, 32))
    assert module.training
    assert {"stem.0", "depthwise", "head"} <= {layer.name for layer in found.layers}
    assert next(layer for layer in found.layers if layer.name == "stem.0").kind == "Conv2d"
    assert found.attributes["buffer_values"] == 32 + 1


def test_modules_without_values():
    with torch.device("meta"):
        module = torch.nn.Linear(40_000, 1_000_000, bias=False, dtype=torch.bfloat16)
    found = from_torch(module, torch.zeros(1, 40_000, device="meta", dtype=torch.bfloat16))
    assert (found.parameters, found.weight_format) == (40_000_000_000, "bf16")


def test_parameters_that_are_not_used_are_counted():
    module = torch.nn.ModuleDict({"used": torch.nn.Linear(2, 3), "idle": torch.nn.Linear(5, 7)})
    module.forward = lambda x: module["used"](x)
    found = from_torch(module, (torch.zeros(1, 2),))
    assert found.parameters == 9 + 42
    assert found.layers[-1].name == "unused"


def test_keywords_and_wrong_inputs():
    module = torch.nn.Linear(2, 3)
    assert from_torch(module, {"input": torch.zeros(4, 2)}, name="mine").name == "mine"
    with pytest.raises(InputError, match="Linear fails on these inputs") as caught:
        from_torch(module, torch.zeros(4, 5))
    assert "\n" not in str(caught.value)
    with pytest.raises(InputError, match=r"expected a torch\.nn\.Module"):
        from_torch("text", torch.zeros(1))


def test_the_model_class_finds_the_plugin(monkeypatch):
    from advisor import objects

    entry = SimpleNamespace(name="torch", load=lambda: from_torch)
    monkeypatch.setattr(objects.metadata, "entry_points", lambda group: [entry] if group == "advisor.objects" else [])
    assert Model.from_torch(torch.nn.Linear(2, 3), (torch.zeros(1, 2),)).parameters == 9
