"""Real processes: pipes, exit codes, and what is imported."""

import csv
import json
import os
import re
import subprocess
import sys

import pytest


def advisor(*args, **options):
    environment = {**os.environ, "COLUMNS": "120", **options.pop("env", {})}
    return subprocess.run([sys.executable, "-m", "advisor.cli", *map(str, args)], capture_output=True, text=True,
                          env=environment, timeout=60, check=False, **options)  # fmt: skip


def imported(*args):
    code = (
        "import sys\nfrom advisor.cli.main import cli\n"
        f"try:\n    cli.main({list(args)!r}, prog_name='advisor')\n"
        "except SystemExit:\n    pass\nprint('\\n'.join(sys.modules), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    return set(done.stderr.split())


def test_help_imports_nothing_heavy():
    assert not imported("--help") & {"numpy", "pydantic", "rich", "h5py", "advisor.api", "advisor.workload"}


def test_version():
    done = advisor("--version")
    assert done.returncode == 0
    assert done.stdout.startswith("advisor ")


def test_rank_in_a_pipe_is_plain_and_lean():
    modules = imported("rank", "meta-llama/Llama-3.1-8B", "--limit", "3")
    assert "advisor.engine" in modules
    assert not modules & {"rich", "h5py", "pandas", "torch", "tensorflow", "transformers"}
    done = advisor("rank", "meta-llama/Llama-3.1-8B", "--limit", "3")
    assert done.returncode == 0, done.stderr
    assert "\x1b" not in done.stdout + done.stderr
    assert "Best: " in done.stdout


@pytest.mark.skipif(sys.platform == "win32", reason="needs a shell with pipes")
def test_reader_that_leaves_early():
    command = f'"{sys.executable}" -m advisor.cli devices list | head -1; echo "${{PIPESTATUS[0]}}"'
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=60, check=False)
    assert done.stderr == ""
    assert done.stdout.splitlines()[-1] in ("0", "141")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs a device that is always full")
@pytest.mark.parametrize("args", [("devices", "list"), ("devices", "list", "--json"), ("plugins", "show", "gpu")])
def test_output_that_cannot_be_written(args):
    with open("/dev/full", "w") as full:
        done = subprocess.run([sys.executable, "-m", "advisor.cli", *args], stdout=full, stderr=subprocess.PIPE,
                              text=True, timeout=60, check=False)  # fmt: skip
    assert done.returncode == 2
    assert done.stderr == "advisor: the output cannot be written (No space left on device)\n"


@pytest.mark.skipif(sys.platform == "win32", reason="needs a shell that closes descriptors")
def test_output_that_is_closed():
    command = f'"{sys.executable}" -m advisor.cli devices list >&-'
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(("args", "command"), [((), "rank  "), (("catalog",), "check  ")])
def test_group_without_a_command_shows_its_help(args, command):
    done = advisor(*args)
    assert done.returncode == 2
    assert done.stderr.startswith("Usage: ")
    assert f"\n  {command}" in done.stderr


def test_help_lists_each_command_with_a_whole_line():
    lines = advisor("--help").stdout.partition("Commands:")[2]
    assert "..." not in lines


def test_unknown_name_without_a_near_one_says_where_the_names_are():
    assert advisor("offers", "show", "zzzz").stderr == "advisor: unknown offer 'zzzz' (advisor offers list)\n"
    assert "(advisor providers list)" in advisor("rank", "llama-3.1-8b", "--provider", "zzzz").stderr


def test_list_as_csv_has_the_name_first_and_origins_in_one_cell():
    header, first, *_ = csv.reader(advisor("devices", "list", "h100", "--csv").stdout.splitlines())
    assert header[0] == "id"
    assert not any(name.startswith(("sources.", "estimated.")) for name in header)
    assert re.search(r"\(\d{4}-\d\d-\d\d\)", first[header.index("sources")])


def test_exit_codes():
    assert advisor("rank", "no-such-model-at-all").returncode == 2
    assert advisor("rank", "--no-such-option").returncode == 2
    done = advisor("devices", "list", "--json", "h100")
    assert done.returncode == 0
    assert json.loads(done.stdout)["devices"]


def test_without_an_installed_plugin():
    done = advisor("plugins", "list", "--json", "--without", "keras", env={"ADVISOR_WITHOUT": "tpu"})
    names = {plugin["name"] for plugin in json.loads(done.stdout)["plugins"]}
    assert "huggingface" in names
    assert not names & {"keras", "tpu"}
    wrong = advisor("plugins", "--without", "kears")
    assert wrong.returncode == 2
    assert "did you mean keras?" in wrong.stderr


def test_validate_writes_rows_once(tmp_path):
    rows = tmp_path / "rows.csv"
    rows.write_text("id,task,model,device,device_count,metric,value\n"
                    "a,serve,meta-llama/Llama-3.1-8B,h100,1,params,8030261248\n"
                    "b,serve,no-such-model,h100,1,params,1\n")  # fmt: skip
    out = tmp_path / "out.csv"
    done = advisor("validate", rows, "--csv", out, "--json")
    assert done.returncode == 0, done.stderr
    data = json.loads(done.stdout)
    assert data["schema"] == {"name": "advisor.validate", "version": 1}
    assert data["total"]["rows"] == 2
    assert data["total"]["refused"] == 1
    header = out.read_text().splitlines()[0].split(",")
    assert {"id", "predicted", "low", "high", "error_percent", "reason"} <= set(header)
    again = advisor("validate", rows, "--csv", out)
    assert again.returncode == 2
    assert "--force" in again.stderr
    assert "in total" in advisor("validate", rows).stdout


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
def test_terminal_gets_colour_unless_asked_not_to():
    import pty

    def shown(**more):
        ours, theirs = pty.openpty()
        environment = {**os.environ, "COLUMNS": "100", "TERM": "xterm-256color", **more}
        environment = {name: value for name, value in environment.items() if value}
        command = [sys.executable, "-m", "advisor.cli", "profiles"]
        process = subprocess.Popen(command, stdout=theirs, stderr=subprocess.DEVNULL, env=environment)
        os.close(theirs)
        parts = []
        while True:
            try:
                part = os.read(ours, 4096)
            except OSError:  # the other end is closed
                break
            if not part:
                break
            parts.append(part)
        os.close(ours)
        assert process.wait(30) == 0
        return b"".join(parts).decode()

    coloured, plain = shown(NO_COLOR=""), shown(NO_COLOR="1")
    assert "\x1b[1;36m" in coloured
    assert "36m" not in plain
    assert all(len(line) <= 100 for line in re.sub(r"\x1b\[[0-9;]*m", "", plain).splitlines())
