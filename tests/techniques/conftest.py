import pytest

from .made import all_techniques


@pytest.fixture(scope="session")
def by_name():
    return {technique.name: technique for technique in all_techniques()}
