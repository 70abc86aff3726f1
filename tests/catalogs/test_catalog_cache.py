"""The cache is quick, and nothing depends on it."""

import subprocess
import sys

from advisor_catalogs import cache, plugin
from advisor_catalogs.grids import load_grids
from advisor_catalogs.loading import load_devices, load_offers, load_systems


def test_records_from_the_cache_are_those_from_the_files(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    cache.forget()
    built = load_devices(), load_systems(), load_offers(), load_grids()
    assert len(list((tmp_path / "hardware-advisor").iterdir())) == 4
    cache.forget()
    assert (load_devices(), load_systems(), load_offers(), load_grids()) == built


def test_a_damaged_or_unwritable_cache_is_passed_over(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    cache.forget()
    built = load_devices()
    for file in (tmp_path / "hardware-advisor").iterdir():
        file.write_bytes(b'[{"id": 1}]')
    cache.forget()
    assert load_devices() == built
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    cache.forget()
    assert load_devices() == built


def test_importing_the_plugin_reads_nothing():
    code = "import sys; import advisor_catalogs.plugin; print('tomli' in sys.modules, 'csv' in sys.modules)"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.split() == ["False", "False"]


def test_hooks():
    assert len(list(plugin.devices())) == len(load_devices())
    assert len(list(plugin.systems())) == len(load_systems())
    assert len(list(plugin.offers())) == len(load_offers())
