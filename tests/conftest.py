"""Fixtures that several areas share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from advisor import Advisor


@pytest.fixture(scope="session", autouse=True)
def own_configuration(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A configuration folder without a measured profile, so that the user's own changes no result."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CONFIG_HOME", str(tmp_path_factory.mktemp("configuration")))
        yield


@pytest.fixture(scope="session")
def advisor() -> Advisor:
    """An advisor with every installed plugin."""
    return Advisor()
