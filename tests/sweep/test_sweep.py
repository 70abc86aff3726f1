"""Sweeps: the same rows however the work is cut, stopped or spread, and the command as a user sees it."""

from __future__ import annotations

import csv
import json
import os
import re
import signal
import subprocess
import sys
import time
from multiprocessing import active_children
from pathlib import Path

import pytest
from click.testing import CliRunner

from advisor import Advisor, InputError
from advisor.cli.main import cli
from advisor_sweep import make_grid, run_sweep
from advisor_sweep.run import processes

MODEL = "Qwen/Qwen2.5-0.5B"
DOCUMENT = {
    "keep": 2,
    "fixed": {"device": ["l4", "a10g"], "input_tokens": 100},
    "cross": {"model": [MODEL, "Qwen/Qwen3-0.6B"], "request_rate": [1, "4/s", 16]},
    "constraint": [{"name": "relaxed"}, {"name": "strict", "max_tpot": "1us"}],
}


@pytest.fixture(scope="module")
def grid():
    return make_grid(DOCUMENT)


@pytest.fixture(scope="module")
def expected(grid, tmp_path_factory):
    path = tmp_path_factory.mktemp("serial") / "out.csv"
    run_sweep(grid, path)
    return path.read_bytes()


def rows(path):
    with path.open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def test_rows_are_those_of_single_rankings(grid, expected, tmp_path):
    path = tmp_path / "out.csv"
    path.write_bytes(expected)
    table = rows(path)
    assert [int(row["point"]) for row in table] == sorted(int(row["point"]) for row in table)
    assert {int(row["point"]) for row in table} == set(range(12))
    advisor = Advisor()
    for position in (0, 4, 9):
        labels, fields = grid.point(position)
        ranking = advisor.rank(fields.pop("model"), **fields)
        mine = [row for row in table if int(row["point"]) == position]
        assert {row["constraint"] for row in mine} == {labels["constraint"]}
        if not ranking.feasible_count:
            assert mine[0]["feasible"] == "False"
            assert "time_per_output_token" in mine[0]["reasons"]
            continue
        assert [row["offer"] for row in mine] == [candidate.offer.id for candidate in ranking[:2]]
        assert float(mine[0]["cost_per_month"]) == pytest.approx(
            ranking[0].objectives["cost_per_month"].value, rel=1e-5
        )


@pytest.mark.parametrize("chunk", [1, 5, 100])
def test_the_same_bytes_whatever_the_chunks(grid, expected, tmp_path, chunk):
    run_sweep(grid, tmp_path / "out.csv", chunk=chunk)
    assert (tmp_path / "out.csv").read_bytes() == expected


def test_the_same_bytes_from_several_processes_one_of_which_dies(grid, expected, tmp_path):
    """The pool breaks, is made anew, and does what is missing."""
    killed = []

    def kill_one(done, points):
        if done and not killed:
            killed.append(active_children()[0].pid)
            os.kill(killed[0], signal.SIGKILL)

    run_sweep(grid, tmp_path / "out.csv", processes(2), workers=2, chunk=1, report=kill_one)
    assert killed
    assert (tmp_path / "out.csv").read_bytes() == expected


def test_a_stopped_sweep_goes_on_whatever_the_chunks(grid, expected, tmp_path):
    path = tmp_path / "out.csv"

    class Stop(BaseException):
        pass

    def stop(done, points):
        if done >= 5:
            raise Stop

    with pytest.raises(Stop):
        run_sweep(grid, path, chunk=5, report=stop)
    assert not path.exists()
    found = run_sweep(grid, path, chunk=2)
    assert found.resumed == 5
    assert path.read_bytes() == expected
    assert not path.with_name("out.csv.parts").exists()


def test_a_sweep_killed_at_any_moment_goes_on_without_loss_or_duplicates(tmp_path):
    """kill -9 of the command with its processes at work, twice; then the same bytes as a sweep left alone."""
    toml = tmp_path / "grid.toml"
    rates = list(range(1, 31))
    toml.write_text(f'keep = 1\n[fixed]\nmodel = "{MODEL}"\ndevice = "l4"\n[cross]\nrequest_rate = {rates}\n')
    command = [sys.executable, "-m", "advisor.cli", "sweep", str(toml), "--workers", "2", "--chunk", "1", "--output"]
    parts = tmp_path / "out.csv.parts"
    for least in (3, 9):
        with subprocess.Popen([*command, str(tmp_path / "out.csv")], stderr=subprocess.DEVNULL) as process:
            while process.poll() is None and (not parts.exists() or len(list(parts.glob("part-*"))) < least):
                time.sleep(0.01)
            process.kill()
        assert not (tmp_path / "out.csv").exists()
    done = len(list(parts.glob("part-*")))
    assert 9 <= done < 30
    result = subprocess.run([*command, str(tmp_path / "out.csv"), "--json"], capture_output=True, text=True, check=True)
    answer = json.loads(result.stdout)
    assert answer["resumed"] == done
    assert answer["rows"] == answer["points"] == 30
    subprocess.run([*command, str(tmp_path / "alone.csv")], check=True, capture_output=True)
    assert (tmp_path / "out.csv").read_bytes() == (tmp_path / "alone.csv").read_bytes()
    assert [int(row["point"]) for row in rows(tmp_path / "out.csv")] == list(range(30))


def test_dask_with_a_worker_killed_during_the_run(grid, expected, tmp_path):
    distributed = pytest.importorskip("distributed")
    from advisor_sweep.dask_engine import dask_executor

    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None, silence_logs=50
    ) as cluster, distributed.Client(cluster) as client:  # fmt: skip
        pids = list(client.run(os.getpid).values())
        assert len(set(pids)) == 2
        assert os.getpid() not in pids
        killed = []

        def kill_one(done, points):
            if done and not killed:
                killed.append(pids[0])
                os.kill(pids[0], signal.SIGKILL)

        with dask_executor(cluster.scheduler_address, 0) as (executor, workers):
            assert workers == 2
            run_sweep(grid, tmp_path / "out.csv", executor, workers, chunk=1, report=kill_one)
        assert killed
        assert pids[0] not in client.run(os.getpid).values()
    assert (tmp_path / "out.csv").read_bytes() == expected


def test_parquet_holds_the_same_rows_with_types(grid, expected, tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet")
    for chunk in (1, 100):
        run_sweep(grid, tmp_path / f"{chunk}.parquet", chunk=chunk)
    table = parquet.read_table(tmp_path / "1.parquet")
    assert table.equals(parquet.read_table(tmp_path / "100.parquet"))
    assert str(table.schema.field("point").type) == "int64"
    assert str(table.schema.field("cost_per_month").type) == "double"
    assert str(table.schema.field("request_rate").type) == "string"
    (tmp_path / "out.csv").write_bytes(expected)
    plain = rows(tmp_path / "out.csv")
    assert table.column_names == list(plain[0])
    assert [row["offer"] or "" for row in table.to_pylist()] == [row["offer"] for row in plain]


def test_a_folder_of_parquet_files_holds_the_same_rows(grid, tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet")
    run_sweep(grid, tmp_path / "one.parquet")
    found = run_sweep(grid, tmp_path / "folder", chunk=5)
    files = sorted((tmp_path / "folder").glob("*.parquet"))
    assert len(files) == 3
    whole = parquet.read_table(tmp_path / "one.parquet").to_pylist()
    assert [row for file in files for row in parquet.read_table(file).to_pylist()] == whole
    assert found.rows == len(whole)
    files[1].write_bytes(b"torn")  # as a loss of power may leave it
    files[2].unlink()
    assert run_sweep(grid, tmp_path / "folder", chunk=2).resumed == 5
    files = sorted((tmp_path / "folder").glob("*.parquet"))
    assert [row for file in files for row in parquet.read_table(file).to_pylist()] == whole


def test_a_folder_with_other_files_is_left_alone(grid, tmp_path):
    pytest.importorskip("pyarrow")
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(InputError, match=r"holds other files \(notes.txt\)"):
        run_sweep(grid, tmp_path, force=True)
    assert (tmp_path / "notes.txt").exists()


def test_contradictions_are_rows(tmp_path):
    grid = make_grid({"fixed": {"model": MODEL, "device": "l4"}, "cross": {"task": ["serve", "batch"]},
                      "constraint": [{"name": "rate", "request_rate": 1}, {"name": "none"}]})  # fmt: skip
    run_sweep(grid, tmp_path / "out.csv")
    bad = [row for row in rows(tmp_path / "out.csv") if row["task"] == "batch" and row["constraint"] == "rate"]
    assert bad[0]["feasible"] == "False"
    assert "request_rate goes with task serve" in bad[0]["reasons"]


def test_axes_cross_with_the_model_outermost():
    grid = make_grid({"cross": {"request_rate": [1, 2], "model": ["a", "b"], "policies": [[], ["gdpr"]]}})
    assert len(grid) == 8
    points = [grid.point(position) for position in range(8)]
    assert [fields["model"] for _, fields in points] == ["a"] * 4 + ["b"] * 4
    assert points[3][1] == {"model": "a", "request_rate": 2, "policies": ["gdpr"]}
    assert points[3][0] == {"model": "a", "request_rate": 2, "policies": '["gdpr"]'}
    assert len({json.dumps(fields) for _, fields in points}) == 8


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"cros": {}}, "cros: no such field; did you mean cross"),
        ({"cross": {"request_rate": 4}}, "cross.request_rate: expected a list of values"),
        ({"cross": {"request_rat": [4]}}, "request_rat: no such field; did you mean request_rate"),
        ({"cross": {"max_tpot": ["soon"]}}, "max_tpot: expected a time"),
        ({"fixed": {}}, "model: expected one in [fixed]"),
        ({"keep": 0}, "keep: expected a whole number"),
        ({"constraint": [{"name": "a"}, {"name": "a"}]}, "constraint: two are named 'a'"),
        ({"constraint": [{"max_tpt": 1}]}, "max_tpt: no such field; did you mean max_tpot"),
    ],
)
def test_what_is_wrong_with_a_grid_is_named(change, named):
    with pytest.raises(InputError, match=re.escape(named)) as error:
        make_grid({"fixed": {"model": MODEL}, **change}, "grid.toml")
    assert str(error.value).startswith("grid.toml: ")
    assert "\n" not in str(error.value)


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("grid.toml").write_text(f'[fixed]\nmodel = "{MODEL}"\ndevice = "l4"\n[cross]\nrequest_rate = [1, 2]\n')
    return lambda *args: CliRunner().invoke(cli, ["sweep", *args])


def test_the_command(run):
    result = run("grid.toml", "--output", "out.csv", "--workers", "1")
    assert result.exit_code == 0, result.output
    assert result.stdout == f"2 combinations: {len(rows(Path('out.csv')))} rows in out.csv\n"
    assert result.stderr == ""
    again = run("grid.toml", "--output", "out.csv", "--workers", "1")
    assert again.exit_code == 2
    assert "out.csv: exists already; --force overwrites it" in again.stderr
    forced = run("grid.toml", "--output", "out.csv", "--workers", "1", "--force", "--json")
    words = set(re.findall(r"`([a-z_]+)`", (Path(__file__).parents[2] / "docs" / "json.md").read_text("utf-8")))
    assert set(json.loads(forced.stdout)) - {"schema"} <= words


@pytest.mark.parametrize(
    ("args", "named"),
    [
        (["grid.toml", "--output", "out.xlsx"], "expected a name that ends in .parquet or .csv"),
        (["nowhere.toml", "--output", "out.csv"], "nowhere.toml: cannot be read"),
        (["grid.toml"], "missing option '--output'"),
        (["grid.toml", "--output", "out.csv", "--workers", "0"], "'--workers'"),
    ],
)
def test_wrong_options_are_one_line(run, args, named):
    result = run(*args)
    assert result.exit_code == 2
    assert named in result.stderr
    assert result.stderr.count("\n") == 1


def test_an_unknown_model_is_found_before_anything_runs(run):
    Path("grid.toml").write_text('[cross]\nmodel = ["Qwen/Qwen2.5-0.5B", "no-such-model"]\n[fixed]\nrequest_rate = 1\n')
    result = run("grid.toml", "--output", "out.csv")
    assert result.exit_code == 2
    assert "no-such-model" in result.stderr
    assert not Path("out.csv.parts").exists()


def test_parts_of_another_grid_are_refused(run, monkeypatch):
    Path("out.csv.parts").mkdir()
    Path("out.csv.parts/sweep.json").write_text('{"grid": "other"}')
    result = run("grid.toml", "--output", "out.csv", "--workers", "1")
    assert result.exit_code == 2
    assert "another grid; --force starts over" in result.stderr
    assert run("grid.toml", "--output", "out.csv", "--workers", "1", "--force").exit_code == 0


@pytest.mark.parametrize(
    ("module", "args", "extra"),
    [("pyarrow", ["--output", "out.parquet"], "sweep"), ("distributed", ["--output", "out.csv", "--dask"], "dask")],
)
def test_a_missing_extra_is_named(run, monkeypatch, module, args, extra):
    monkeypatch.setitem(sys.modules, module, None)
    result = run("grid.toml", *args)
    assert result.exit_code == 2
    assert f"pip install 'hardware-advisor[{extra}]'" in result.stderr
    assert result.stderr.count("\n") == 1


def test_two_sweeps_do_not_work_on_one_output(grid, tmp_path):
    from advisor_sweep.parts import Parts

    pytest.importorskip("fcntl")
    first = Parts(tmp_path / "parts", grid)
    with pytest.raises(InputError, match="another sweep is at work"):
        Parts(tmp_path / "parts", grid)
    first.close()
    Parts(tmp_path / "parts", grid).close()
