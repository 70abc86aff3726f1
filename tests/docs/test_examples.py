"""Every example in the documents runs: Python blocks are executed, advisor commands are called."""

import re
import shlex
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

ROOT = Path(__file__).resolve().parent.parent.parent
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.M | re.S)
PLACEHOLDER = re.compile(r"\b[A-Z][A-Z_]{2,}\b|\.\.\.|<")


def blocks(language):
    return [
        pytest.param(text, id=f"{page.name}:{page.read_text('utf-8')[: match.start()].count(chr(10)) + 1}")
        for page in PAGES
        for match in BLOCK.finditer(page.read_text("utf-8"))
        for kind, text in [match.groups()]
        if kind == language
    ]


def commands():
    answer = []
    for page in PAGES:
        for match in BLOCK.finditer(page.read_text("utf-8")):
            if match.group(1) not in ("", "console", "sh"):
                continue
            for line in match.group(2).replace("\\\n", " ").splitlines():
                line = line.removeprefix("$ ").split("  #")[0].strip()
                if line.startswith("advisor ") and not PLACEHOLDER.search(line):
                    answer.append(pytest.param(line, id=f"{page.name}: {line[:80]}"))
    return answer


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder that holds the files that the documents name."""
    shutil.copy(ROOT / "tests" / "keras" / "data" / "model.h5", tmp_path / "model.h5")
    (tmp_path / "path" / "to").mkdir(parents=True)
    models = ROOT / "catalogs" / "advisor_catalogs" / "models"
    shutil.copy(next(models.rglob("Meta-Llama-3.1-8B.json")), tmp_path / "path" / "to" / "config.json")
    lines = (ROOT / "tests" / "truth" / "serve_nvidia.csv").read_text("utf-8").splitlines()[:20]
    (tmp_path / "measurements.csv").write_text("\n".join(lines) + "\n")
    (tmp_path / "job.toml").write_text('task = "serve"\nrequest_rate = 4\n')
    (tmp_path / "inventory.toml").write_text('[[owned]]\ndevice = "h100"\ncount = 8\nregion = "de"\n')
    for name in ("fleet.toml", "grid.toml"):
        shutil.copy(ROOT / "examples" / name, tmp_path / name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("text", blocks("python"))
def test_python_example_runs(text, folder):
    exec(compile(text, "example", "exec"), {"__name__": "example"})


@pytest.mark.parametrize("line", commands())
def test_command_example_runs(line, folder):
    from advisor.cli.main import cli

    result = CliRunner().invoke(cli, shlex.split(line)[1:], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    assert result.stdout.strip()


def test_readme_names_files_that_exist():
    text = (ROOT / "README.md").read_text("utf-8")
    for target in re.findall(r"\]\(([^)#]+)\)", text):
        assert (ROOT / target).exists(), target
