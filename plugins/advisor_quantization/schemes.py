"""The ways to store and multiply weights that frameworks offer, GGUF's apart."""

from __future__ import annotations

from msgspec import Struct


class Scheme(Struct, frozen=True):
    """A way to store and multiply weights.

    ``stored`` and ``computed`` are formats; an empty ``computed`` means 16-bit floats, to which kernels
    widen the weights (weight-only). ``dominated_by`` names a technique: where the device runs it, it is as small and
    as fast and keeps at least as much quality: only those who ask for this one get it. With ``variant`` it is tried
    only where it is named. ``layout`` names the bytes (``layouts.py``), ``groups`` the sizes that a setting accepts,
    the default first, and ``rated_as`` the results that speak for it. ``command`` is how to make the checkpoint.
    """

    name: str
    stored: str
    computed: str
    doc: str
    aliases: tuple[str, ...] = ()
    dominated_by: str = ""
    variant: bool = False
    layout: str = ""
    groups: tuple[int, ...] = ()
    rated_as: str = ""
    trains: bool = False
    documented: str = ""  # key of the source that describes it, where no result does


_FOUR_BITS = (128, 64, 32)

SCHEMES = (
    Scheme("bf16", "bf16", "bf16", "cast fp32 weights and products to bfloat16", ("bfloat16",), trains=True),
    Scheme("fp16", "fp16", "fp16", "cast fp32 weights and products to IEEE half", ("float16", "half"), "bf16",
           trains=True),
    Scheme("fp8", "fp8", "fp8", "fp8 weights and activations (W8A8), a scale a tensor; in training, fp8 products",
           ("w8a8_fp8",), layout="fp8", trains=True),
    Scheme("fp8_channel", "fp8", "fp8", "fp8 weights and activations, a scale an output (FP8_DYNAMIC)", (),
           variant=True, layout="fp8_channel", rated_as="fp8"),
    Scheme("fp8_block", "fp8", "fp8", "fp8 weights in blocks of 128 x 128, activations in groups of 128", (),
           variant=True, layout="fp8_block", rated_as="fp8"),
    Scheme("fp8_weights", "fp8", "", "fp8 weights alone, multiplied in 16 bits (W8A16)", ("w8a16_fp8",),
           variant=True, layout="fp8_channel", rated_as="fp8"),
    Scheme("int8", "int8", "int8", "int8 weights and activations (W8A8), a scale a channel",
           ("w8a8", "w8a8_int8"), "fp8", layout="int8"),
    Scheme("smoothquant", "int8", "int8", "int8 weights and activations, outliers moved into the weights", (),
           variant=True, layout="int8", rated_as="int8"),
    Scheme("int4", "int4", "", "4-bit weights in groups of 128 with 16-bit activations, however they were rounded",
           (), layout="awq", groups=(128,)),
    Scheme("awq", "int4", "", "4-bit weights scaled by activations; the setting is the group size, 128 by default",
           (), variant=True, layout="awq", groups=_FOUR_BITS),
    Scheme("gptq", "int4", "", "4-bit weights rounded one by one; the setting is the group size, 128 by default",
           (), variant=True, layout="gptq", groups=_FOUR_BITS),
    Scheme("autoround", "int4", "", "4-bit weights with trained rounding; the setting is the group size",
           ("auto_round",), variant=True, layout="autoround", groups=_FOUR_BITS, documented="auto_round"),
    Scheme("w4a16", "int4", "", "4-bit symmetric weights in groups of 128 (LLM Compressor W4A16)", (), variant=True,
           layout="w4a16", groups=_FOUR_BITS, rated_as="gptq"),
    Scheme("nvfp4", "nvfp4", "nvfp4", "4-bit floats in blocks of 16, weights and activations", ("fp4",),
           layout="nvfp4"),
    Scheme("mxfp4", "mxfp4", "mxfp4", "4-bit floats in blocks of 32, weights and activations", (), "nvfp4",
           layout="mxfp4"),
    Scheme("nf4", "nf4", "", "4-bit NormalFloat weights, scales quantized too (bitsandbytes)", ("bnb_nf4",),
           variant=True, layout="nf4", documented="bitsandbytes"),
    Scheme("mlx4", "int4_group64_biased", "", "4-bit weights with scale and bias each 64 (MLX)", (), variant=True,
           layout="mlx4", groups=(64, 32, 128), documented="mlx_lm"),
    Scheme("dynamic_int8", "int8", "int8", "int8 weights, activations quantized as they come, on processors", (),
           variant=True, layout="dynamic_int8", documented="onnxruntime"),
)  # fmt: skip
