"""Values of a jaxpr: as those of the torch reader, by the names that JAX gives element types."""

from advisor_torch.values import FORMATS, Call, Value

__all__ = ["FORMATS", "Call", "Value"]
