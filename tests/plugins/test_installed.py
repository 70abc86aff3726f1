"""The wheel and the example, installed with pip into a fresh environment and run outside the source tree."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from advisor.plugins import HOOKS

ROOT = Path(__file__).resolve().parents[2]
README = ROOT / "examples" / "advisor-acme" / "README.md"
CARD = {"acme_card": 1, "name": "small", "width": 1024, "blocks": 8, "heads": 8, "vocabulary": 32000}
RANK = ["rank", "card.json", "--task", "serve", "--request-rate", "2", "--limit", "0", "--json"]

FAILING_PROJECT = """
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"

[project]
name = "advisor-failing"
version = "0.1"

[project.entry-points.advisor]
failing = "failing_plugin"

[tool.hatch.build.targets.wheel]
packages = ["failing_plugin"]
"""
#: Fails in the one hook, or at the one moment, that the environment names.
FAILING_MODULE = """
import os
from advisor import hookimpl

FAULT = os.environ.get("FAILING_HOOK", "")
if FAULT == "import":
    raise ImportError("made to fail")
if FAULT == "version":
    advisor_hook_version = 99


def failing(hook):
    def call(*arguments):
        if FAULT == hook:
            raise RuntimeError("made to fail\\nin two lines")
        return []
    return call


""" + "\n".join(
    f"@hookimpl\ndef {hook}({'group' if hook == 'commands' else ''}):\n"
    f"    return failing({hook!r})({'group' if hook == 'commands' else ''})\n"
    for hook in HOOKS
)


def run(*command, cwd, check=True, **variables):
    """Run a command with neither the source tree nor this environment in its path."""
    kept = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}
    words = [str(part) for part in command]
    done = subprocess.run(words, cwd=cwd, env=kept | variables, capture_output=True, text=True)
    assert not check or done.returncode == 0, f"{command}: {done.stdout[-2000:]}{done.stderr[-2000:]}"
    return done


class Installed:
    """A fresh environment with the wheels; what they depend on is lent by the environment of the tests."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        failing = folder / "failing"
        (failing / "failing_plugin").mkdir(parents=True)
        (failing / "pyproject.toml").write_text(FAILING_PROJECT)
        (failing / "failing_plugin" / "__init__.py").write_text(FAILING_MODULE)
        built = run(sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", "wheels", ROOT,
                    ROOT / "examples" / "advisor-acme", failing, cwd=folder, check=False)  # fmt: skip
        if built.returncode and ("No matching distribution" in built.stderr or "ConnectionError" in built.stderr):
            pytest.skip("building a wheel needs hatchling, and no package registry can be reached")
        assert built.returncode == 0, built.stderr[-2000:]
        run(sys.executable, "-m", "venv", "--without-pip", "environment", cwd=folder)
        scripts = "Scripts" if os.name == "nt" else "bin"
        self.python = folder / "environment" / scripts / "python"
        self.advisor = folder / "environment" / scripts / "advisor"
        run(sys.executable, "-m", "pip", "--python", self.python, "install", "-q", "--no-deps",
            *sorted((folder / "wheels").glob("*.whl")), cwd=folder)  # fmt: skip
        site = run(self.python, "-c", "import sysconfig; print(sysconfig.get_paths()['purelib'])", cwd=folder)
        lent = {sysconfig.get_paths()["purelib"], sysconfig.get_paths()["platlib"]}
        Path(site.stdout.strip(), "lent.pth").write_text("\n".join(sorted(lent)) + "\n")
        (folder / "card.json").write_text(json.dumps(CARD))

    def run(self, *arguments, check=True, **variables):
        return run(self.advisor, *arguments, cwd=self.folder, check=check, **variables)


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    return Installed(tmp_path_factory.mktemp("installed"))


@pytest.fixture(scope="module")
def healthy(installed):
    return json.loads(installed.run(*RANK).stdout)


def test_the_installed_packages_are_used(installed):
    where = run(installed.python, "-c", "import advisor, advisor_acme; print(advisor.__file__, advisor_acme.__file__)",
                cwd=installed.folder).stdout  # fmt: skip
    assert where.count(str(installed.folder / "environment")) == 2


def test_example_is_listed(installed):
    found = json.loads(installed.run("plugins", "list", "--json").stdout)
    text = json.dumps(found)
    assert "advisor-acme" in text
    assert "1.0.0" in text


def test_example_devices_are_ranked_beside_the_rest(healthy):
    feasible = [candidate for candidate in healthy["candidates"] if candidate["feasible"]]
    acme = [candidate for candidate in feasible if candidate["vendor"] == "acme"]
    assert {candidate["device"] for candidate in acme} == {"acme-roadrunner-n1"}
    assert {candidate["kind"] for candidate in feasible} >= {"cpu", "gpu", "npu"}
    assert {"nvidia", "amd"} <= {candidate["vendor"] for candidate in feasible}
    assert acme[0]["offer"]["provider"] == "acme-cloud"
    assert all("delivery_days" in candidate["objectives"] for candidate in feasible)
    assert not [line for line in healthy["warnings"] if "acme" in line]


def test_example_in_every_part(installed):
    answer = json.loads(
        installed.run("rank", "acme/tiny-chat", "--task", "serve", "--vendor", "acme", "--ranker", "cautious",
                      "--profile", "acme-rush", "--technique", "acme_lattice", "--json").stdout
    )  # fmt: skip
    assert {candidate["recipe"]["weights"] for candidate in answer["candidates"]} == {"acme_lattice"}
    assert answer["weights"]["delivery"] == pytest.approx(0.6)
    assert answer["model"]["reader"] == "acme_card"
    exported = installed.run("rank", "tiny-chat", "--task", "serve", "--vendor", "acme", "--export", "acme-job").stdout
    assert json.loads(exported)["system"].startswith("acme-")
    assert "acme-shop" in installed.run("acme").stdout
    assert "acme" in installed.run("--help").stdout


@pytest.mark.parametrize("line", README.read_text("utf-8").split("Try it:")[1].split("```")[1].strip().splitlines())
def test_commands_of_the_readme(installed, line):
    assert line.startswith("advisor ")
    assert installed.run(*line.split()[1:]).stdout.strip()


def test_readme_lists_every_hook_and_file():
    text = README.read_text("utf-8")
    assert [hook for hook in HOOKS if f"`{hook}`" not in text] == []
    files = [file.name for file in (README.parent / "advisor_acme").glob("*.py")]
    assert [name for name in files if name not in text] == []


def test_prices_of_a_file_of_its_own(installed, tmp_path):
    quote = tmp_path / "acme-quote.toml"
    ask = ("rank", "acme/tiny-chat", "--vendor", "acme", "--catalog", tmp_path, "--json")
    quote.write_text('[usd_per_hour]\n"acme-cloud/card/desert-1" = 0.01\n')
    best = json.loads(installed.run(*ask).stdout)["candidates"][0]
    assert best["objectives"]["cost_per_hour"]["value"] == pytest.approx(0.01 * best["device_count"])
    quote.write_text('[usd_per_hour]\n"acme-cloud/nowhere" = 0.01\n')
    wrong = installed.run(*ask, check=False)
    assert (wrong.returncode, wrong.stderr.count("\n")) == (2, 1)
    assert "acme-cloud/nowhere: no such offer" in wrong.stderr


def test_example_that_is_for_sale(installed):
    answer = json.loads(installed.run(*RANK, "--buy", "--vendor", "acme").stdout)
    (mini,) = [one for one in answer["candidates"] if one["device"] == "acme-roadrunner-n1-mini"]
    assert mini["offer"]["provider"] == "acme-shop"
    assert mini["objectives"]["delivery_days"]["value"] == 21


def test_techniques_of_the_example_stay_with_its_devices(healthy):
    lattice = [c for c in healthy["candidates"] if "acme_lattice" in c["recipe"].values()]
    assert {candidate["vendor"] for candidate in lattice} <= {"acme"}


@pytest.mark.parametrize("fault", [hook for hook in HOOKS if hook != "commands"] + ["import", "version"])
def test_failing_plugin_leaves_the_ranking(installed, healthy, fault):
    done = installed.run(*RANK, FAILING_HOOK=fault)
    answer = json.loads(done.stdout)
    named = [line for line in answer["warnings"] if "'failing'" in line]
    needed = fault not in ("models", "policies", "read_catalog", "exporters")  # asked for where a question needs them
    assert len(named) == needed
    assert all("left out" in line and "\n" not in line for line in named)
    assert answer["candidates"] == healthy["candidates"]
    assert "Traceback" not in done.stderr


def test_plugin_that_fails_to_add_commands(installed):
    done = installed.run("--help", FAILING_HOOK="commands")
    assert "acme" in done.stdout
    assert "Traceback" not in done.stderr


def test_failing_plugin_can_be_left_out(installed, healthy):
    for extra, variables in ((["--without", "failing"], {}), ([], {"ADVISOR_WITHOUT": "failing"})):
        answer = json.loads(installed.run(*RANK, *extra, FAILING_HOOK="scorers", **variables).stdout)
        assert not [line for line in answer["warnings"] if "failing" in line]
        assert answer["candidates"] == healthy["candidates"]
