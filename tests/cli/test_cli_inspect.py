"""inspect and compare: the five metrics, against figures worked out by hand or published."""

import json

import pytest

from advisor import Layer, Model
from advisor.measuring import measure, question
from advisor.metrics import by_kind
from advisor.operators import Elementwise, ExpertMatMul, MatMul


def dense(name, inputs, outputs):
    product = MatMul(name="kernel", inputs=inputs, outputs=outputs, bias=True, saved_elements=inputs)
    return Layer(name=name, kind="Dense", operators=(product,))


@pytest.fixture
def classifier():
    """The Keras seed model on 784 inputs: 110,849 parameters and 221,248 FLOPs a sample."""
    sizes = [(784, 128), (128, 64), (64, 32), (32, 1)]
    layers = tuple(dense(f"dense_{i}", *size) for i, size in enumerate(sizes))
    return Model(name="classifier", family="keras", unit="sample", weight_format="fp32", layers=layers)


def test_keras_seed_model(classifier):
    whole, groups = measure(question(classifier))
    assert whole.parameters == 110_849
    assert whole.forward_flops == 221_248
    assert whole.weight_bytes == 4 * 110_849
    assert [group.parameters for group in groups] == [100_480, 8_256, 2_080, 33]
    assert measure(question(classifier, seq_len=999))[0].forward_flops == 221_248  # samples have no sequence
    assert measure(question(classifier, batch=32))[0].forward_flops == 32 * 221_248


def test_training_state_of_the_seed_model(classifier):
    whole, _ = measure(question(classifier, batch=32, train=True))
    assert whole.gradient_bytes == 4 * 110_849
    assert whole.optimizer_bytes == 8 * 110_849  # Adam: two moments in fp32; fp32 weights are their own master copy
    assert whole.saved_bytes == 32 * 4 * (784 + 128 + 64 + 32)
    assert whole.passes["backward"].flops == 2 * whole.forward_flops


def test_bytes_moved_and_intensity(classifier):
    whole, groups = measure(question(classifier, batch=1))
    first = groups[0].passes["forward"]
    assert first.weight_bytes == 4 * 100_480
    assert first.activation_bytes == 4 * (784 + 128)
    assert first.intensity == pytest.approx(2 * 784 * 128 / (4 * (100_480 + 784 + 128)))
    assert whole.passes["forward"].bytes == sum(group.passes["forward"].bytes for group in groups)


def test_experts_read_those_that_are_used():
    experts = ExpertMatMul(name="experts", inputs=8, outputs=8, experts=8, experts_per_unit=2)
    mixture = Model(name="m", family="m", unit="token", generates=True, layers=(
        Layer(name="moe", kind="moe", operators=(experts,)),))  # fmt: skip
    whole, _ = measure(question(mixture, seq_len=1000))
    assert whole.parameters == 8 * 64
    assert whole.active_parameters == 2 * 64
    assert whole.passes["decode"].weight_bytes == pytest.approx(2 * 64 * 2)  # one token uses two experts
    assert whole.passes["forward"].weight_bytes == pytest.approx(8 * 64 * 2)  # a thousand use all
    assert whole.axes["expert"] == 8


def test_other_stacks_hold_weights_but_do_no_work():
    patch = MatMul(name="patch", inputs=10, outputs=10)
    tower = Layer(name="vision", kind="vision", operators=(patch,), stack="vision")
    text = Layer(name="text", kind="text", operators=(MatMul(name="w", inputs=4, outputs=4),))
    whole, groups = measure(question(Model(name="m", family="m", unit="token", layers=(tower, text)), seq_len=3))
    assert whole.parameters == 116
    assert groups[0].forward_flops == 0
    assert whole.forward_flops == 3 * 2 * 16


def test_kinds_add_up():
    norm = Layer(name="norm", kind="norm", operators=(Elementwise(name="n", elements=4, parameters_own=2),))
    model = Model(name="m", family="m", unit="sample", layers=(dense("a", 3, 4), norm, dense("b", 4, 5)))
    whole, groups = measure(question(model))
    kinds = by_kind(groups)
    assert [(kind.kind, kind.count) for kind in kinds] == [("Dense", 2), ("norm", 1)]
    assert sum(kind.parameters for kind in kinds) == whole.parameters


@pytest.mark.parametrize("extra", [[], ["--train"], ["--on", "small"], ["--on", "2xlarge", "--train"], ["--layers"]])
@pytest.mark.parametrize("model", ["toy4", "classifier"])
def test_json_fixed_points(run, model, extra):
    result = run("inspect", model, "--json", "--seq-len", "2k", "--batch", 4, *extra)
    assert result.exit_code == 0, result.output
    data = json.loads(result.stdout)
    keys = ("parameters", "active_parameters", "forward_flops", "weight_bytes", "kv_bytes_per_token")
    assert data["schema"] == {"name": "advisor.inspect", "version": 1}
    assert set(keys) <= set(data["totals"])
    for key in keys:
        assert sum(layer[key] for layer in data["layers"]) == pytest.approx(data["totals"][key])
        assert sum(kind[key] for kind in data["kinds"]) == pytest.approx(data["totals"][key])
    assert ("against" in data["totals"]) == ("--on" in extra)
    assert ("optimizer_bytes" in data["totals"]) == ("--train" in extra)


def test_device_beside_the_model(run):
    data = json.loads(run("inspect", "toy4", "--json", "--on", "2xsmall").stdout)
    against = data["totals"]["against"]
    assert data["device"]["flops_per_s"] == 2 * 100e12
    assert data["device"]["bytes_per_s"] == 2 * 1000e9
    assert against["compute"]["ratio"] == pytest.approx(against["compute"]["need"] / 200e12)
    assert against["parallelism"]["offer"] == pytest.approx(200e12 / 2e9)
    text = run("inspect", "toy4", "--on", "2xsmall").stdout
    assert "2 x Toy Small offers" in text
    assert "Fewest Toy Small that hold it: 1." in text


def test_inspect_asks_for_no_hardware_it_does_not_need(run):
    hooks = run("inspect", "toy4", "--trace-hooks").stderr
    assert "model_readers()" in hooks
    assert not any(f"{name}()" in hooks for name in ("devices", "systems", "offers", "backends", "techniques"))


def test_compare_sets_two_side_by_side(run):
    text = run("compare", "toy4", "classifier").stdout
    assert "toys/Toy-4M" in text
    assert "ratio" in text
    data = json.loads(run("compare", "toy4", "classifier", "--json").stdout)
    assert [one["model"]["name"] for one in data["models"]] == ["toys/Toy-4M", "toys/Classifier"]
    assert data["ratios"]["parameters"] == pytest.approx(501_000 / 2_202_000, rel=1e-6)
    assert run("compare", "toy4", "classifier", "--csv").stdout.count("\n") == 3


@pytest.mark.parametrize(
    ("name", "parameters", "active", "cache"),
    [
        ("meta-llama/Llama-3.1-8B", 8_030_261_248, 8_030_261_248, 2 * 32 * 8 * 128 * 2),
        ("mixtral-8x7b", 46_702_792_704, 12_879_925_248, 2 * 32 * 8 * 128 * 2),
        ("deepseek-ai/DeepSeek-V3", 671_026_404_352, None, 61 * (512 + 64) * 2),
    ],
)
def test_published_models(advisor, name, parameters, active, cache):
    model = advisor.read(name)
    whole, _ = measure(question(model, seq_len=300, batch=2))
    assert whole.forward_flops == model.forward_flops(300, 2)
    assert whole.parameters == parameters
    assert active is None or whole.active_parameters == active
    assert whole.cache_bytes_per_token == cache


def test_a_model_that_is_only_planned():
    import json

    from click.testing import CliRunner

    from advisor.cli.main import cli

    command = ["inspect", "--params", "70B", "--layers", "80", "--hidden", "8192", "--json"]
    answer = CliRunner().invoke(cli, command)
    assert json.loads(answer.stdout)["totals"]["parameters"] == pytest.approx(70e9, rel=0.01)
    assert CliRunner().invoke(cli, [*command[:-1], "toy4"]).exit_code == 2
    assert CliRunner().invoke(cli, ["inspect", "--dim", "batch", "toy4"]).exit_code == 2
