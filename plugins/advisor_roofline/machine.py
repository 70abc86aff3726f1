"""What a roofline knows of the devices: rates and fixed times, one value a candidate row."""

from __future__ import annotations

from typing import Any

from advisor.candidates import Array
from advisor_roofline.unpacking import Unpacking

#: A column, or the values and each row's place among them; what stands for all rows is as it is.
Source = Array | tuple[Array, Array] | Unpacking


class Machine:
    """Devices as seen by the roofline; every array has one value a row, and is made when it is first read.

    Rates are peaks; the efficiencies are the largest shares of them that long kernels reach.
    ``matrix_flops`` is of the format that the row computes in, ``wide_flops`` of 16-bit (or the widest
    native) arithmetic for attention and for operators that stay unquantized. ``tile_rows`` and
    ``tile_columns`` are the block that one unit works on: smaller shapes are padded to it.
    ``training_attention`` is ``attention_efficiency`` of training's fused kernels, forward and backward, which
    ``attention_boost`` multiplies for a newer kernel. ``context_share`` of ``overhead_bytes`` is the driver's, which a
    framework does not report as its own. ``convolution_ratio`` is the rate of convolutions over that of other products;
    ``overlap_sharpness`` how arithmetic and traffic of a product overlap (1 not at all); ``elementwise_share`` what
    fusion leaves of element-wise traffic, which runs at ``stream_efficiency``. ``split_depth`` is the length of inner
    product from which on blocks are cut so that more units share them. ``quantize_seconds`` is the fixed time of
    quantizing a product's inputs in small blocks, each with a scale; ``unpacking`` is not an array a row but shares by
    framework and format.
    """

    matrix_flops: Array
    wide_flops: Array
    vector_flops: Array
    bandwidth: Array
    cache_bytes: Array
    cache_bandwidth: Array
    units: Array
    matrix_efficiency: Array
    attention_efficiency: Array
    training_attention: Array
    attention_boost: Array
    decode_attention_efficiency: Array
    quantize_seconds: Array
    unpacking: Unpacking
    bandwidth_efficiency: Array
    cache_read_efficiency: Array
    expert_read_efficiency: Array
    dequantize_efficiency: Array
    prefill_interference: Array
    tile_rows: Array
    tile_columns: Array
    pad_rows: Array
    overlap_sharpness: Array
    elementwise_share: Array
    stream_efficiency: Array
    convolution_ratio: Array
    split_depth: Array
    link_efficiency: Array
    kernel_seconds: Array
    routing_seconds: Array
    step_seconds: Array
    sequence_seconds: Array
    tuning: Array
    unfused_passes: Array
    image_passes: Array
    optimizer_passes: Array
    score_passes: Array
    layout_passes: Array
    exchange_overlap: Array
    eager_seconds: Array
    eager_routing_seconds: Array
    request_seconds: Array
    burst_share: Array
    waited_steps: Array
    ramp_bytes: Array
    link_bandwidth: Array
    link_latency: Array
    collective_seconds: Array
    network_bandwidth: Array
    network_latency: Array
    link_domain: Array
    sustained: Array
    cast_passes: Array
    board_power: Array
    idle_power: Array
    overhead_bytes: Array
    context_share: Array
    failure_hours: Array
    spread: Array

    def __init__(self, **sources: Source) -> None:
        self._sources = sources

    def __getattr__(self, name: str) -> Any:
        try:
            source = self.__dict__["_sources"][name]
        except KeyError:
            raise AttributeError(f"the machine has no {name!r}") from None
        column = source[0][source[1]] if isinstance(source, tuple) else source
        self.__dict__[name] = column
        return column

    def replace(self, **columns: Array) -> Machine:
        """The same with some columns changed."""
        return Machine(**(self._sources | columns))
