"""What every plugin should have in its tests: the advisor's own conformance suite, one test a check."""

import advisor_acme
import pytest

from advisor.testing import checks


@pytest.mark.parametrize("check", checks(advisor_acme), ids=lambda check: check.name)
def test_conformance(check):
    check.run()
