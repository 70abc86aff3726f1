import pytest

from advisor_catalogs import cache


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory, monkeypatch):
    """Keep the tests out of the user's cache folder."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.getbasetemp() / "cache"))
    yield
    cache.forget()


DEVICE = """
[sources.sheet]
title = "Acme A1 data sheet"
date = 2026-01-01
[[device]]
id = "acme-a1-64gb"
name = "Acme A1"
vendor = "acme"
kind = "gpu"
memory_gib = 64
memory_bandwidth_gb_per_s = 2000
peak_tflops = { bf16 = 400 }
board_power_w = 300
sources = ["sheet"]
"""


@pytest.fixture
def device_toml():
    """Return a device file of one device."""
    return DEVICE


@pytest.fixture
def user_folder(tmp_path):
    """Write files of a user's own catalog and return its folder."""

    def write(**files):
        for name, text in files.items():
            path = tmp_path / name.replace("__", "/").replace("_csv", ".csv").replace("_toml", ".toml")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8")
        return tmp_path

    return write
