"""Which framework runs what where: known answers from the frameworks' documentation, and what follows in recipes."""

import json

import msgspec
import pytest
from click.testing import CliRunner

from advisor import Advisor, Framework, InputError, Support, hookimpl
from advisor.cli.main import cli
from advisor.formats import CODES
from advisor.support import Legality
from advisor_frameworks.table import make_frameworks, read_frameworks

#: Technique, device, frameworks that run it there (serving): vLLM's and SGLang's tables of supported hardware,
#: LMDeploy's and TensorRT-LLM's lists of GPUs, bitsandbytes' installation page.
KNOWN = [
    ("awq", "v100", {"lmdeploy"}),
    ("awq", "t4", {"vllm", "sglang", "lmdeploy"}),
    ("awq", "l4", {"vllm", "sglang", "lmdeploy", "tensorrt-llm"}),
    ("awq", "h100", {"vllm", "sglang", "tensorrt-llm"}),
    ("gptq", "mi300x", {"sglang"}),
    ("gptq", "mi250", set()),
    ("int8", "t4", {"vllm", "sglang"}),
    ("int8", "v100", set()),
    ("int8", "b200", set()),
    ("fp8", "a100-80gb", set()),
    ("fp8", "l40s", {"vllm", "sglang", "tensorrt-llm"}),
    ("fp8", "mi300x", {"vllm", "sglang"}),
    ("nvfp4", "h100", set()),
    ("nvfp4", "b200", {"vllm", "sglang", "tensorrt-llm"}),
    ("nf4", "p100", {"transformers"}),
    ("int8_cache", "v100", {"lmdeploy"}),
    ("fp8_cache", "a100-80gb", set()),
    ("int8", "google-tpu-v5e", {"vllm"}),
]


@pytest.fixture(scope="module")
def advisor():
    return Advisor()


def who_runs(advisor, technique, device, task="serve"):
    found = advisor.registry.devices[device]
    return {
        framework.name for framework in advisor.registry.frameworks for support in framework.supports
        if technique in support.techniques and support.covers(found) and support.suits(task, "token")
    }  # fmt: skip


@pytest.mark.parametrize(("technique", "device", "frameworks"), KNOWN)
def test_known_answers(advisor, technique, device, frameworks):
    assert who_runs(advisor, technique, device) == frameworks


def test_every_entry_has_a_source_and_names_what_exists(advisor):
    families = {device.family for device in advisor.registry.devices}
    kinds = {device.kind for device in advisor.registry.devices}
    vendors = {device.vendor for device in advisor.registry.devices}
    for framework in read_frameworks():
        for support in framework.supports:
            assert framework.sources[support.source].url.startswith("https://")
            assert set(support.families) <= families, framework.name
            assert set(support.kinds) <= kinds
            assert set(support.vendors) <= vendors
            assert set(support.formats) | set(support.checkpoints) <= set(CODES), framework.name
            assert support.families or support.kinds or support.vendors


def test_a_table_without_the_source_it_names_is_refused():
    entry = {"name": "x", "doc": "x", "sources": {}, "runs": [{"kinds": ["cpu"], "source": "lost"}]}
    with pytest.raises(ValueError, match="lost"):
        make_frameworks({"framework": [entry]})


def test_every_candidate_can_be_run_today(advisor):
    """Each recipe on a known device has a framework, and that framework lists each of its techniques there."""
    ranking = advisor.rank("meta-llama/Llama-3.1-8B", task="serve", concurrency=8)
    named = {name for framework in advisor.registry.frameworks for s in framework.supports for name in s.techniques}
    assert (ranking.rows["frameworks"] != 0).all()
    seen = set()
    for candidate in ranking.everything():
        key = (candidate.device.id, *candidate.recipe.values())
        if key in seen or not candidate.frameworks:
            continue
        seen.add(key)
        for label in candidate.recipe.values():
            name = label.partition("=")[0]
            if name in named:
                assert set(candidate.frameworks) <= who_runs(advisor, name, candidate.device.id), key
    assert len(seen) > 100


def test_a_recipe_is_of_one_framework(advisor):
    """On an H100, LMDeploy has the int8 cache and not the 4-bit weights beyond Ada: TensorRT-LLM has both."""
    ranking = advisor.estimate("meta-llama/Llama-3.1-8B", "h100", techniques=("int4", "int8_cache"))
    assert ranking.best.frameworks == ["tensorrt-llm"]
    with pytest.raises(InputError, match="vllm does not run it on the device"):
        advisor.estimate("meta-llama/Llama-3.1-8B", "h100", techniques=("int4", "int8_cache"), framework="vllm")
    with pytest.raises(InputError, match="no framework runs it together"):  # vLLM has the one, LMDeploy the other
        advisor.estimate("meta-llama/Llama-3.1-8B", "t4", techniques=("int8", "int8_cache"))


def test_naming_a_framework_leaves_what_it_runs(advisor):
    ranking = advisor.rank("meta-llama/Llama-3.1-8B", task="serve", concurrency=8, framework="lmdeploy")
    assert {name for candidate in ranking for name in candidate.frameworks} == {"lmdeploy"}


def test_stored_weights_need_who_loads_them(advisor):
    """An fp8 checkpoint on Volta: nothing loads it, so it is stored anew or left out."""
    ranking = advisor.rank("deepseek-ai/DeepSeek-V3", task="serve", concurrency=1, device=("v100",))
    assert all(candidate.recipe.get("weights") for candidate in ranking.everything())


def test_a_device_that_no_table_names_goes_by_its_own_formats(advisor):
    device = advisor.registry.devices["h100"]
    own = msgspec.structs.replace(device, id="new-1", aliases=(), family="Newest", vendor="newcomer")
    context = advisor.rank("gpt2", device=("l4",)).context
    assert context.legality.known.all()
    fresh = Legality(context.known_frameworks, [own], context.model, context.workload)
    assert not fresh.known.any()
    assert (fresh.of("fp8") == -1).all()
    assert fresh.names(-1) == []


class Newcomer:
    @hookimpl
    def frameworks(self):
        return [Framework("newcomer", "made for the test", supports=(
            Support(techniques=("fp8",), vendors=("nvidia",), families=("Ampere",), units=("token",)),))]  # fmt: skip


def test_a_plugin_adds_a_framework():
    advisor = Advisor(plugins=[Newcomer()])
    assert who_runs(advisor, "fp8", "a100-80gb") == {"newcomer"}


class Wrong:
    @hookimpl
    def frameworks(self):
        return [Framework("wrong", "made for the test", supports=(Support(techniques="fp8"),))]


def test_a_malformed_framework_is_left_out_with_a_line():
    advisor = Advisor(plugins=[Wrong()])
    assert "wrong" not in {framework.name for framework in advisor.registry.frameworks}
    assert any("techniques: expected text" in line for line in advisor.warnings)


def run(*words):
    return CliRunner().invoke(cli, words)


def test_show_on_says_who_runs_it_and_why_not():
    answer = run("techniques", "show", "int4", "--on", "l4").output
    assert "NVIDIA L4 24 GB: runs in" in answer
    assert "vllm" in answer
    answer = run("techniques", "show", "fp8", "--on", "v100").output
    assert "does not run" in answer
    assert "Volta" in answer
    assert "it runs on" in answer
    answer = run("techniques", "show", "tensor_parallel", "--on", "v100").output
    assert "no framework's table names it" in answer


def test_show_on_as_json():
    answer = json.loads(run("techniques", "show", "int4", "--on", "v100", "--json").output)["technique"]
    assert answer["runs"] is True
    assert {item["framework"] for item in answer["by"]} == {"lmdeploy"}
    assert answer["by"][0]["source"]


def test_show_on_an_unknown_device_is_one_line():
    result = run("techniques", "show", "int4", "--on", "h1000")
    assert result.exit_code == 2
    assert "h1000" in result.output
