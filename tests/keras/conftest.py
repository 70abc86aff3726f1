"""Fixtures of the Keras tests."""

from pathlib import Path

import pytest


@pytest.fixture
def data() -> Path:
    """Folder of recorded answers and small model files."""
    return Path(__file__).parent / "data"
