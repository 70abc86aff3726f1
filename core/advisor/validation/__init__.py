"""Predictions beside measurements, in the measurement schema of ``docs/measurements.md``."""

from __future__ import annotations

from advisor.validation.validate import Validation, validate

__all__ = ["Validation", "validate"]
