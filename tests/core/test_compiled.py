"""Data compiled once: taken from the cache while the files stand, made anew when one changes or the cache is bad."""

import os
import sys
import time

import pytest

from advisor.compiled import cache_folder, compiled, file_state, toml_data
from advisor.discovery import entries


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def made(source, calls, kind=list[int]):
    def build():
        calls.append(1)
        return [int(word) for word in source.read_text().split()]

    return compiled("numbers", lambda: file_state([source]), build, kind)


def test_made_once_and_again_after_a_change(tmp_path):
    source, calls = tmp_path / "numbers.txt", []
    source.write_text("1 2")
    assert [made(source, calls), made(source, calls), len(calls)] == [[1, 2], [1, 2], 1]
    source.write_text("3 4")
    os.utime(source, ns=(1, 1))
    assert [made(source, calls), len(calls)] == [[3, 4], 2]


@pytest.mark.parametrize("damage", [b"", b"\xc1", b"\x92\xa1x\x90", b"\x00" * 1000])
def test_a_damaged_cache_is_passed_over(tmp_path, damage):
    source, calls = tmp_path / "numbers.txt", []
    source.write_text("1 2")
    made(source, calls)
    (file,) = cache_folder().iterdir()
    file.write_bytes(damage)
    assert [made(source, calls), len(calls)] == [[1, 2], 2]


def test_what_is_kept_is_checked_against_its_type(tmp_path):
    source, calls = tmp_path / "numbers.txt", []
    source.write_text("1 2")
    made(source, calls)
    assert made(source, calls, kind=list[str]) == [1, 2]
    assert len(calls) == 2


def test_a_folder_that_cannot_be_written_is_no_mistake(tmp_path, monkeypatch):
    blocked = tmp_path / "file"
    blocked.write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(blocked))
    source, calls = tmp_path / "numbers.txt", []
    source.write_text("1 2")
    assert [made(source, calls), made(source, calls), len(calls)] == [[1, 2], [1, 2], 2]


def test_toml_is_the_same_read_or_remembered(tmp_path):
    file = tmp_path / "figures.toml"
    file.write_text("a = 1.5\n[b]\nday = 2026-01-31\nnames = ['x']\n")
    first = toml_data(file)
    assert first == toml_data(file) == {"a": 1.5, "b": {"day": "2026-01-31", "names": ["x"]}}


def distribution(folder, name, version, points):
    info = folder / f"{name}-{version}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    (info / "entry_points.txt").write_text(points)
    return info


def test_plugins_that_come_change_and_go(tmp_path, monkeypatch):
    site = tmp_path / "site"
    site.mkdir()
    monkeypatch.setattr(sys, "path", [*sys.path, str(site)])

    def found():
        return [(entry.name, entry.value, entry.distribution, entry.version) for entry in entries("trial")]

    assert found() == []
    info = distribution(site, "advisor-trial", "1.2", "[trial]\none = math:pi\n")
    assert found() == found() == [("one", "math:pi", "advisor-trial", "1.2")]
    assert entries("trial")[0].load() == pytest.approx(3.14159, abs=1e-5)
    (info / "entry_points.txt").write_text("[trial]\none = math:pi\nother = os.path:join [extra]\n")
    assert [name for name, *_ in found()] == ["one", "other"]
    assert entries("trial")[1].load() is os.path.join
    (info / "entry_points.txt").unlink()
    assert found() == []


def test_files_of_long_ago_are_removed(tmp_path):
    source, calls = tmp_path / "numbers.txt", []
    source.write_text("1 2")
    cache_folder().mkdir(parents=True)
    for name, age in (("gone-1.msgpack", 200), ("young-1.msgpack", 100)):
        (cache_folder() / name).write_bytes(b"")
        os.utime(cache_folder() / name, (time.time() - age * 86400,) * 2)
    made(source, calls)
    names = sorted(file.name.partition("-")[0] for file in cache_folder().iterdir())
    assert names == ["numbers", "young"]
