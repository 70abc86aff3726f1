"""In which format each operator's weights are stored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct

from advisor.errors import ModelFileError
from advisor.operators import MatMul, Operator
from advisor.records import replace
from advisor_huggingface.modules import EXPERTS, Patterns, module_paths

DTYPES = {"bfloat16": "bf16", "float16": "fp16", "float32": "fp32", "float64": "fp64", "float": "fp32", "half": "fp16",
          "float8_e4m3fn": "fp8"}  # fmt: skip


class Quantization(Struct, frozen=True):
    """How a checkpoint is quantized.

    ``weights`` is the format of quantized modules, ``wide`` that of the rest; ``experts`` that of routed
    experts where it differs. ``excluded`` modules are wide; ``rules`` give modules another format. A
    checkpoint of which ``experts_only`` are quantized counts as a wide model with experts of their own.
    """

    wide: str
    weights: str = ""
    cache: str = ""
    excluded: Patterns | None = None
    rules: tuple[tuple[Patterns, str], ...] = ()
    experts_only: bool = False
    experts: str = ""
    notes: tuple[str, ...] = ()

    @property
    def weight_format(self) -> str:
        """The model's own format."""
        return self.weights if self.weights and not self.experts_only else self.wide

    @property
    def cache_format(self) -> str:
        """The format that the checkpoint asks for, else 16 bits: engines keep no wider cache."""
        return self.cache or (self.wide if self.wide in ("bf16", "fp16") else "bf16")

    def applied(
        self, operators: Sequence[Operator], layer: int, experts: Sequence[str] = EXPERTS
    ) -> tuple[Operator, ...]:
        """Give each operator of block ``layer`` its own format where it isn't the model's."""
        if not self.weights and not self.experts:
            return tuple(operators)
        return tuple(self._one(operator, layer, experts) for operator in operators)

    def _one(self, operator: Operator, layer: int, experts: Sequence[str]) -> Operator:
        head = operator.name == "lm_head" and isinstance(operator, MatMul) and not operator.tied
        if not (operator.quantizable or (head and self.rules)):
            return operator
        paths = module_paths(operator.name, layer, experts)
        expert = operator.name.startswith("experts.")
        own = self.experts if expert and self.experts else self.weights
        if (self.experts_only and not expert) or head:
            own = self.wide
        own = next((name for patterns, name in self.rules if patterns.match(paths, layer)), own)
        if self.excluded is not None and self.excluded.match(paths, layer):
            own = self.wide
        stands = self.weight_format if operator.quantizable else self.wide
        return operator if own == stands else replace(operator, native_format=own)


def read_quantization(document: Mapping[str, Any], inner: Mapping[str, Any], origin: str) -> Quantization:
    """Read formats from a configuration and its text part (the same object in a text model).

    Raises ``ModelFileError`` for a dtype or a method that is not known.
    """
    found = next((part[key] for part in (inner, document) for key in ("dtype", "torch_dtype")
                  if part.get(key) is not None), None)  # fmt: skip
    notes: tuple[str, ...] = ()
    if found is None:
        wide, notes = "bf16", ("the configuration gives no dtype: bf16 assumed",)
    else:
        wide = DTYPES.get(str(found).removeprefix("torch."), "")
        if not wide:
            raise ModelFileError(f"{origin}: torch_dtype: {str(found)[:40]!r} is not known; known: {', '.join(DTYPES)}")
    base = Quantization("bf16" if wide == "fp8" else wide, notes=notes)
    given = document.get("quantization_config") or inner.get("quantization_config")
    if not given:
        return replace(base, weights="fp8") if wide == "fp8" else base
    if not isinstance(given, Mapping):
        raise ModelFileError(f"{origin}: quantization_config: must be an object")
    from advisor_huggingface.quantization_config import read_scheme

    expert = {"fp4": "mxfp4", "fp8": "fp8"}.get(str(document.get("expert_dtype") or inner.get("expert_dtype")), "")
    read = read_scheme(base, given, origin)
    return replace(read, experts=read.experts or expert)
