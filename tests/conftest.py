"""Fixtures that several areas share."""

from __future__ import annotations

import pytest

from advisor import Advisor


@pytest.fixture(scope="session")
def advisor() -> Advisor:
    """An advisor with every installed plugin."""
    return Advisor()
