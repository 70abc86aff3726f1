"""The conformance suite: what a plugin's author runs on it, as scikit-learn's ``check_estimator`` is run.

>>> from advisor.testing import check_plugin, checks
>>> check_plugin(my_plugin)                      # raises ConformanceError with every complaint
>>> for name, check in checks(my_plugin): ...    # or one by one, to parametrize tests

It asks more than the engine does while it ranks: the engine looks at the numbers of one question, the
suite also at whether rows depend on each other, whether more memory or bandwidth ever hurts, what a
reader makes of hostile files, and where figures come from. It needs no test framework.
"""

from __future__ import annotations

from advisor.testing.requirement import Check, ConformanceError
from advisor.testing.suite import check_plugin, checks

__all__ = ["Check", "ConformanceError", "check_plugin", "checks"]
