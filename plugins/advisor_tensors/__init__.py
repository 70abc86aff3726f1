"""What the headers of checkpoint files say, and how tables of tensors become layers: shared by readers, no hooks."""

from __future__ import annotations

from advisor_tensors.grouping import grouped
from advisor_tensors.operators import ExpertVectors, packed_product, product, vectors
from advisor_tensors.table import Tensor, by_type, common_format, settle, stored_values

__all__ = ["ExpertVectors", "Tensor", "by_type", "common_format", "grouped", "packed_product", "product", "settle",
           "stored_values", "vectors"]  # fmt: skip
