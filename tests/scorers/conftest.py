import pytest
from scorer_cases import FakeGrid

from advisor_energy.places import known_grids


@pytest.fixture(autouse=True)
def _two_grids(monkeypatch):
    """Replace the catalog of grids by two round figures."""
    grids = {"coal": FakeGrid(800.0), "hydro": FakeGrid(25.0)}
    monkeypatch.setattr("advisor_catalogs.grids.load_grids", lambda: grids)
    known_grids.cache_clear()
    yield
    known_grids.cache_clear()
