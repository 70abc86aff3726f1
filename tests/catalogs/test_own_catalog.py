"""A user's own catalog: entries that add and override, wrong files, fetched prices, and sources of what is shown."""

import json
import sys
from types import ModuleType, SimpleNamespace

import pytest
from click.testing import CliRunner

from advisor import Advisor
from advisor.cli.main import cli
from advisor.cli.session import Session
from advisor_catalogs.check import problems_by_check
from advisor_catalogs.loading import load_offers

SOURCE = '[sources.me]\ntitle = "our own"\ndate = 2026-11-01\n'
OFFER = "ovh,1xnvidia-h100-pcie-80gb,h100-380,GRA,on-demand,1.25,our contract,https://example.com,2026-11-01"
HEADER = "provider,system,instance,region,term,price_usd_per_hour,source,source_url,date"


@pytest.fixture
def run(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.delenv("ADVISOR_CATALOG", raising=False)
    return lambda *words: CliRunner().invoke(cli, [str(word) for word in words], obj=Session())


def folder(path, **files):
    for name, text in files.items():
        place = path / (name.replace("__", "/") + (".csv" if name.startswith("offers") else ".toml"))
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)
    return path


def price(run, ident, *more):
    return json.loads(run("offers", "show", ident, "--json", *more).stdout)["offer"]["price_usd_per_hour"]


def test_an_offer_of_ones_own_overrides_that_of_the_catalog(run, tmp_path):
    own = folder(tmp_path / "own", offers__ovh=f"{HEADER}\n{OFFER}\n")
    ident = "ovh/h100-380/GRA/on-demand"
    listed = {offer.id: offer.price_usd_per_hour for offer in load_offers()}[ident]
    assert price(run, ident) == listed != 1.25
    assert price(run, ident, "--catalog", own) == 1.25


def test_the_environment_and_the_configuration_folder_do_the_same(run, tmp_path, monkeypatch):
    own = folder(tmp_path / "own", offers__ovh=f"{HEADER}\n{OFFER}\n")
    ident = "ovh/h100-380/GRA/on-demand"
    monkeypatch.setenv("ADVISOR_CATALOG", str(own))
    assert price(run, ident) == 1.25
    monkeypatch.delenv("ADVISOR_CATALOG")
    dearer = OFFER.replace("1.25", "1.5")
    folder(tmp_path / "config" / "hardware-advisor" / "catalog", offers__ovh=f"{HEADER}\n{dearer}\n")
    assert price(run, ident) == 1.5
    assert price(run, ident, "--catalog", own) == 1.25  # what is named comes before


def test_a_device_a_grid_a_policy_and_a_provider_of_ones_own(run, tmp_path):
    own = folder(
        tmp_path / "own",
        devices__mine=SOURCE + """[[device]]
id = "mine-x1"
name = "X1"
vendor = "mine"
kind = "gpu"
memory_gib = 48
memory_bandwidth_gb_per_s = 900
board_power_w = 300
peak_tflops = { bf16 = 160 }
sources = ["me"]
""",
        grids=SOURCE + """[[grid]]
id = "FR"
name = "our own turbine"
country = "FR"
intensity_g_per_kwh = 1
year = 2026
sources = ["me"]
""",
        policies__house=SOURCE + """[[policy]]
id = "house"
name = "House rules"
kind = "choice"
sources = ["me"]
[[policy.rules]]
name = "house-provider"
doc = "ours alone"
clause = "house rules, 1"
hard = true
require = [{provider = ["scaleway"]}]
""",
        providers=SOURCE + """[[provider]]
id = "verda"
name = "Verda"
jurisdictions = ["FI"]
certifications = ["iso27001", "c5-type2"]
sources = ["me"]
""",
    )
    assert "mine-x1" in run("devices", "list", "mine-x1", "--catalog", own).stdout
    grid = json.loads(run("grids", "show", "FR", "--json", "--catalog", own).stdout)["grid"]
    assert grid["intensity_g_per_kwh"] == 1
    matrix = json.loads(run("privacy", "--policy", "house", "--json", "--catalog", own).stdout)
    assert {group["provider"] for group in matrix["offers"] if group["allowed"] == "yes"} == {"scaleway"}
    health = ("privacy", "--data-class", "health", "--data-region", "germany", "--provider", "verda", "--json")
    assert {group["allowed"] for group in json.loads(run(*health).stdout)["offers"]} == {"no"}
    mine = json.loads(run(*health, "--catalog", own).stdout)["offers"]
    assert "yes" in {group["allowed"] for group in mine}
    question = {"provider": ("ovh",), "region": ("france",), "optimize": "carbon"}
    plain, clean = (advisor.rank("meta-llama/Llama-3.1-8B", **question).best.objectives["carbon_per_million_tokens"]
                    for advisor in (Advisor(), Advisor(catalogs=[own])))  # fmt: skip
    assert clean.value < 0.9 * plain.value


CONFIG = json.dumps({"architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_size": 256,
                     "intermediate_size": 688, "num_attention_heads": 4, "num_hidden_layers": 6, "vocab_size": 3200,
                     "max_position_embeddings": 1024, "torch_dtype": "bfloat16"})  # fmt: skip


def model(run, name, *more):
    return json.loads(run("models", "show", name, "--json", *more).stdout)["model"]


def test_a_model_of_ones_own_by_its_path_and_by_an_index(run, tmp_path):
    models = tmp_path / "own" / "models"
    (models / "acme").mkdir(parents=True)
    (models / "acme" / "tiny.json").write_text(CONFIG)
    own = ("--catalog", tmp_path / "own")
    assert model(run, "acme/tiny", *own)["parameters"] > 1e6
    assert model(run, "tiny", *own)["id"] == "acme/tiny"
    assert run("rank", "acme/tiny", "--limit", "1", *own).exit_code == 0
    assert run("models", "show", "acme/tiny").exit_code == 2
    index = {"sources": {"us": {"title": "our own", "date": "2026-11-01"}}, "models": [
        {"id": "acme/tiny", "source": "us", "aliases": ["mini"], "licence": "ours"},
        {"id": "acme/wide", "document": "acme/tiny", "source": "us", "with": {"hidden_size": 512}}]}  # fmt: skip
    (models / "index.json").write_text(json.dumps(index))
    assert model(run, "mini", *own)["licence"] == "ours"
    assert model(run, "acme/wide", *own)["parameters"] > model(run, "acme/tiny", *own)["parameters"]
    assert not any(problems_by_check(tmp_path / "own").values())


def test_a_model_of_ones_own_in_the_configuration_folder_overrides_the_catalogs(run, tmp_path):
    name = "meta-llama/Llama-3.2-1B"
    plain = model(run, name)["parameters"]
    path = tmp_path / "config" / "hardware-advisor" / "catalog" / "models" / f"{name}.json"
    path.parent.mkdir(parents=True)
    path.write_text(CONFIG)
    assert plain > 1e9 > model(run, name)["parameters"]


@pytest.mark.parametrize(("name", "text", "message"), [
    ("tiny.json", "{", "not valid JSON"),
    ("tiny.json", "[1]", "expected a JSON object"),
    ("index.json", '{"sources": {}, "models": [{"id": "a", "source": "x"}]}', "no source 'x'"),
    ("index.json", '{"sources": {}}', "models"),
])  # fmt: skip
def test_a_wrong_model_is_one_line(run, tmp_path, name, text, message):
    models = tmp_path / "own" / "models"
    models.mkdir(parents=True)
    (models / name).write_text(text)
    done = run("models", "show", "tiny", "--catalog", tmp_path / "own")
    assert done.exit_code == 2
    assert message in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert any(problems_by_check(tmp_path / "own").values())


def test_facilities_charges_prices_rates_and_hours_of_ones_own(run, tmp_path):
    hours = ",".join(["0.5"] * 12 + ["1.5"] * 12)
    own = folder(
        tmp_path / "own",
        facilities=SOURCE + '[[facility]]\nid = "ovh/GRA"\npue = 2.5\ncarbon_free_share = 0.25\nsources = ["me"]\n',
        charges=SOURCE + '[[charge]]\nid = "ovh"\nstorage_usd_per_gb_month = 1\nsources = ["me"]\n',
        currencies=SOURCE + '[[currency]]\nid = "EUR"\nname = "euro"\nper_usd = 0.5\nsources = ["me"]\n',
    )
    (own / "grid_hours.csv").write_text(
        f"grid,year,{','.join(f'utc_{hour:02d}' for hour in range(24))},source,source_url,date\n"
        f"FR,2026,{hours},me,https://example.com,2026-11-01\n"
    )
    (own / "apis.csv").write_text(
        "model,provider,name,input_usd_per_million,output_usd_per_million,source,source_url,date\n"
        "meta-llama/Llama-3.1-8B,acme,llama,0.001,0.002,me,https://example.com,2026-11-01\n"
    )
    ask = ("meta-llama/Llama-3.1-8B", "--on", "1xh100-pcie", "--provider", "ovh", "--region", "GRA", "--json")
    own_catalog = ("--catalog", own)
    done = run("cost", *ask, *own_catalog, "--request-rate", "1", "--currency", "EUR")
    assert done.exit_code == 0, done.output
    cost = json.loads(done.stdout)
    assert cost["currency"]["per_usd"] == 0.5
    assert cost["apis"][0]["provider"] == "acme"
    assert cost["parts"]["storage"] == pytest.approx(2 * 8.03, rel=1e-3)  # 16 GB at 1 USD a GB and month
    job = ("--task", "finetune", "--method", "lora", "--tokens", "100M", "--flexible", "24h")
    energy = json.loads(run("energy", *ask, *own_catalog, *job).stdout)
    assert energy["place"]["pue"]["value"] == 2.5
    assert energy["place"]["carbon_free_share"]["value"] == 0.25
    assert energy["waiting"]["share"] == pytest.approx(0.5, abs=0.1)  # within a day there are always twelve clean hours
    for kind, name in (("facilities", "ovh/GRA"), ("charges", "ovh")):
        assert "our own" in run(kind, "show", name, "--sources", "--catalog", own).stdout
    assert not any(problems_by_check(own).values())


@pytest.mark.parametrize(("files", "message"), [
    ({}, "holds no catalog"),
    ({"facilities": SOURCE + '[[facility]]\nid = "ovh/GRA"\npue = -1\nsources = ["me"]\n'}, "pue: expected"),
    ({"charges": SOURCE + '[[charge]]\nid = "ovh"\negress = 1\n'}, "egress"),
    ({"offers__ovh": f"{HEADER}\n{OFFER.replace('GRA', 'GRAA')}\n"}, "row 2: region: ovh has no region 'GRAA'"),
    ({"grids": "[[grid]]\nid = 3\n"}, "grids.toml"),
    ({"policies__p": '[[policy]]\nid = "p"\n'}, "name: is required"),
])  # fmt: skip
def test_a_wrong_folder_is_one_line(run, tmp_path, files, message):
    own = tmp_path / "own"
    own.mkdir()
    done = run("offers", "list", "--catalog", folder(own, **files))
    assert done.exit_code == 2
    assert message in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_folder_that_is_not_there_is_one_line(run):
    done = run("devices", "list", "--catalog", "/nowhere/at/all")
    assert (done.exit_code, done.stderr) == (2, "advisor: /nowhere/at/all: no such catalog folder\n")


def test_a_figure_without_a_source_is_found(tmp_path):
    entry = '[[grid]]\nid = "FR"\nname = "x"\ncountry = "FR"\nintensity_g_per_kwh = 5\nyear = 2026\n'
    own = folder(tmp_path / "own", grids=entry)
    assert any("no source" in line for line in problems_by_check(own)["sources"])
    rule = SOURCE + """[[policy]]
id = "p"
name = "P"
sources = ["me"]
[[policy.rules]]
name = "r"
doc = "d"
clause = ""
points = 5
require = [{on_premises = true}]
"""
    own = folder(tmp_path / "other", policies__p=rule)
    assert problems_by_check(own)["sources"] == ["policy p: rule r: no clause"]


@pytest.mark.parametrize(("kind", "name"), [
    ("devices", "h100"), ("systems", "dgx-h100"), ("offers", "ovh/h100-380/GRA/on-demand"),
    ("models", "meta-llama/Llama-3.1-8B"), ("grids", "DE"), ("providers", "ovh"), ("policies", "gdpr"),
    ("facilities", "aws/us-east-1"), ("charges", "aws"),
])  # fmt: skip
def test_every_figure_that_is_shown_has_its_source_and_date(run, kind, name):
    text = run(kind, "show", name, "--sources").stdout
    assert "[1]" in text
    assert "(20" in text.split("\n[1] ")[1]  # a date
    answer = json.loads(run(kind, "show", name, "--json").stdout)
    record = next(value for key, value in answer.items() if key not in ("schema", "warnings"))
    assert record["figure_sources"]
    assert all(record["figure_sources"].values())


def item(**more):
    fields = {"provider": "runpod", "instance_name": "NVIDIA H100 PCIe", "location": "CA-MTL-1", "price": 1.99,
              "gpu_count": 1, "gpu_name": "H100", "gpu_memory": 80.0, "spot": False}  # fmt: skip
    return SimpleNamespace(**{**fields, **more})


def gpuhunt(monkeypatch, items):
    module = ModuleType("gpuhunt")
    module.query = items if callable(items) else lambda **asked: items
    monkeypatch.setitem(sys.modules, "gpuhunt", module)


def test_fetched_prices_override_the_catalogs(run, tmp_path, monkeypatch):
    azure = {"provider": "azure", "instance_name": "NCC40ads_H100_v5", "location": "eastus2", "gpu_name": "H100NVL",
             "gpu_memory": 94.0, "price": 5.0}  # fmt: skip
    aws = {"provider": "aws", "instance_name": "p5.48xlarge", "location": "us-east-1", "gpu_count": 8}
    gpuhunt(monkeypatch, [
        item(**aws, price=50.0), item(**aws | {"price": 49.0, "location": "us-east-1b"}), item(**azure),
        item(gpu_name="Z9", provider="aws"), item(provider="nowhere"),
    ])  # fmt: skip
    done = run("catalog", "update")
    assert done.exit_code == 0, done.output
    fresh = json.loads(run("offers", "show", "aws/p5.48xlarge/us-east-1/on-demand", "--json").stdout)["offer"]
    assert fresh["price_usd_per_hour"] == 49.0  # of the zones of a region the cheapest
    assert fresh["system"] == "aws-p5.48xlarge"  # as the catalog has it
    assert "gpuhunt" in fresh["figure_sources"]["price_usd_per_hour"]
    kept = json.loads(run("offers", "show", "azure/NCC40ads_H100_v5/eastus2/on-demand", "--json").stdout)["offer"]
    assert (kept["price_usd_per_hour"], kept["confidential_computing"]) == (5.0, True)
    assert "passed over" in done.stdout


def test_without_the_extra_or_a_network_the_update_is_one_line(run, monkeypatch):
    monkeypatch.setitem(sys.modules, "gpuhunt", None)
    done = run("catalog", "update")
    assert done.exit_code == 2
    assert "hardware-advisor[prices]" in done.stderr
    assert len(done.stderr.splitlines()) == 1

    def no_network(**asked):
        raise OSError("Name or service not known")

    gpuhunt(monkeypatch, no_network)
    done = run("catalog", "update", "--provider", "runpod")
    assert done.exit_code == 2
    assert "prices could not be fetched (OSError: Name or service not known)" in done.stderr
    assert len(done.stderr.splitlines()) == 1
