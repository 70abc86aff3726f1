"""How quantized weights are laid out in checkpoints: bytes of one tensor, scales and zero points included.

Compared to the byte with what the libraries write (tests/artefacts). Sources: compressed-tensors and LLM Compressor,
AutoAWQ's and AutoGPTQ's packed linear layers, bitsandbytes' ``QuantState``, MLX's ``quantize``.
"""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct

from advisor.models import Model
from advisor.operators import ExpertMatMul, MatMul


class Layout(Struct, frozen=True):
    """Bits of a value, and of what stands beside a group of them, an output, an input, and a tensor.

    ``group`` counts values along the inputs that share ``group_bits`` of scale and zero point; with ``square`` the
    group is a square block of that side, with ``flat`` it runs over the whole tensor, and each ``nested`` groups add
    ``nested_bits`` once more (double quantization).
    """

    bits: float
    group: int = 0
    group_bits: float = 0.0
    output_bits: float = 0.0
    input_bits: float = 0.0
    tensor_bits: float = 0.0
    square: bool = False
    flat: bool = False
    nested: int = 0
    nested_bits: float = 0.0

    def tensor_bytes(self, inputs: int, outputs: int) -> float:
        """Bytes of a weight of ``inputs x outputs``."""
        total = inputs * outputs * self.bits
        if self.group:
            if self.flat:
                groups = _ceil(inputs * outputs, self.group)
            else:
                groups = _ceil(inputs, self.group) * (_ceil(outputs, self.group) if self.square else outputs)
            total += groups * self.group_bits
            if self.nested:
                total += _ceil(groups, self.nested) * self.nested_bits
        return (total + outputs * self.output_bits + inputs * self.input_bits + self.tensor_bits) / 8


def _ceil(count: int, size: int) -> int:
    return -(-count // size)


#: LLM Compressor's scheme names are in brackets.
LAYOUTS: dict[str, Callable[[int], Layout]] = {
    "fp8": lambda _: Layout(8, tensor_bits=32),  # [FP8]
    "fp8_channel": lambda _: Layout(8, output_bits=16),  # [FP8_DYNAMIC]
    "fp8_block": lambda _: Layout(8, group=128, group_bits=16, square=True),  # [FP8_BLOCK]
    "int8": lambda _: Layout(8, output_bits=16),  # [W8A8]
    "dynamic_int8": lambda _: Layout(8, output_bits=32 + 8),  # ONNX Runtime, per channel: scale and zero point
    "awq": lambda group: Layout(4, group, 16 + 4),
    "gptq": lambda group: Layout(4, group, 16 + 4, input_bits=32),  # with the order of the inputs (g_idx)
    "autoround": lambda group: Layout(4, group, 16 + 4),
    "w4a16": lambda group: Layout(4, group, 16, tensor_bits=2 * 64),  # [W4A16], symmetric, with the shape
    "nvfp4": lambda _: Layout(4, 16, 8, tensor_bits=32),  # [NVFP4A16]
    "mxfp4": lambda _: Layout(4, 32, 8),  # [MXFP4A16]
    "nf4": lambda _: Layout(4, 64, 8, flat=True, nested=256, nested_bits=32, tensor_bits=32),
    "mlx4": lambda group: Layout(4, group, 16 + 16),
}


def model_bits(model: Model, layout: Layout) -> float:
    """Mean stored bits of a quantizable weight of the model; biases stay in 16 bits."""
    size = count = 0.0
    for op, copies in model.operators(None):
        if op.quantizable and op.parameters and isinstance(op, MatMul):
            tensors = copies * op.groups * (op.experts if isinstance(op, ExpertMatMul) else 1)
            inputs, outputs = op.inputs // op.groups, op.outputs // op.groups
            rest = copies * op.parameters - tensors * inputs * outputs
            size += tensors * layout.tensor_bytes(inputs, outputs) + 2 * rest
            count += copies * op.parameters
    return 8 * size / count if count else layout.bits
