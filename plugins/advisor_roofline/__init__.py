"""A roofline over operators, shared by backends.

A backend describes its devices as a ``Machine`` (rates, efficiencies and fixed times as arrays over
the candidate rows); this package turns a model's operators into time, memory and power. It uses only
the public interface of the core, and third-party backends may build on it.
"""

from __future__ import annotations

from advisor_roofline.backend import RooflineBackend
from advisor_roofline.machine import Machine

__all__ = ["Machine", "RooflineBackend"]
