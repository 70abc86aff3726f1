"""Convolutions of one to three dimensions: plain, transposed, depthwise, separable, locally connected."""

from __future__ import annotations

from collections.abc import Callable

from advisor.operators import Convolution, Operator
from advisor.records import replace
from advisor_graph.operators import TransposedConvolution
from advisor_keras.activations import activation
from advisor_keras.config import Config, Shape
from advisor_keras.result import LAYERS, Result, elements, only_input


def window_output(size: int, kernel: int, stride: int, dilation: int, padding: str) -> int:
    """Return the positions of a window along an axis; 0 or less where it does not fit."""
    if padding in ("same", "causal"):
        return -(-size // stride)
    reach = dilation * (kernel - 1) + 1
    if padding == "full":
        return (size + reach - 1 + stride - 1) // stride
    return (size - reach) // stride + 1


def _windows(config: Config, rank: int, spatial: Shape, paddings: tuple[str, ...]) -> tuple[Shape, Shape]:
    """Return kernel sizes and output positions."""
    kernel = config.integers("kernel_size", rank)
    strides = config.integers("strides", rank, 1)
    dilations = config.integers("dilation_rate", rank, 1)
    padding = config.text("padding", "valid", paddings)
    sizes = zip(spatial, kernel, strides, dilations, strict=True)
    return kernel, tuple(window_output(*size, padding) for size in sizes)


def _finish(config: Config, rank: int, operators: tuple[Operator, ...], output: Shape, channels: int) -> Result:
    shape = config.join_channels(output, channels)
    if any(size <= 0 for size in output):
        raise config.fail(f"the window does not fit its input; the output would have sizes {output}")
    function, saves_output = activation(config, elements(shape))
    return Result(
        outputs=(shape,), operators=(*operators, *function), saves_input=True, saves_output=saves_output
    )  # fmt: skip


def convolution(rank: int, config: Config, inputs: list[Shape]) -> Result:
    """Slides ``filters`` kernels over ``rank`` axes; further leading axes are batch axes (Keras 2)."""
    shape = only_input(config, inputs)
    leading = shape[: max(0, len(shape) - rank - 1)] if not config.channels_first else ()
    spatial, channels = config.split_channels(shape[len(leading) :], rank)
    filters, groups = config.integer("filters"), config.integer("groups", 1)
    if channels % groups or filters % groups:
        raise config.fail(f"groups is {groups}; it must divide the {channels} input channels and {filters} filters")
    kernel, output = _windows(config, rank, spatial, ("valid", "same", "causal", "full"))
    window = elements(kernel)
    lora = config.integer("lora_rank", 0, least=0)
    product = Convolution(
        name="kernel", inputs=window * channels, outputs=filters, groups=groups, bias=config.flag("use_bias", True),
        positions=elements(leading) * elements(output), input_elements=elements(shape), split="columns",
        extra_parameters=lora * (window * channels // groups + filters),
    )  # fmt: skip
    result = _finish(config, rank, (product,), output, filters)
    return replace(result, outputs=((*leading, *result.outputs[0]),))


def _transposed_output(size: int, kernel: int, stride: int, dilation: int, padding: str, extra: int | None) -> int:
    """Return the output size along an axis, as Keras's ``compute_conv_transpose_output_shape`` does."""
    reach = kernel + (kernel - 1) * (dilation - 1)
    if extra is None:
        if padding == "valid":
            return size * stride + max(reach - stride, 0)
        return size * stride if padding == "same" else size * stride - (stride + reach - 2)
    border = {"same": reach // 2, "valid": 0, "full": reach - 1}[padding]
    return (size - 1) * stride + reach - 2 * border + extra


def transposed(rank: int, config: Config, inputs: list[Shape]) -> Result:
    """Spreads each input position over a window of the output."""
    shape = only_input(config, inputs)
    spatial, channels = config.split_channels(shape, rank)
    filters = config.integer("filters")
    kernel, strides = config.integers("kernel_size", rank), config.integers("strides", rank, 1)
    dilations = config.integers("dilation_rate", rank, 1)
    padding = config.text("padding", "valid", ("valid", "same", "full"))
    extra: tuple[int | None, ...] = (None,) * rank
    if config.values.get("output_padding") is not None:
        extra = config.integers("output_padding", rank, least=0)
    sizes = zip(spatial, kernel, strides, dilations, (padding,) * rank, extra, strict=True)
    output = tuple(_transposed_output(*size) for size in sizes)
    product = TransposedConvolution(
        name="kernel", inputs=channels, outputs=elements(kernel) * filters, positions=elements(spatial),
        extra_parameters=filters if config.flag("use_bias", True) else 0, input_elements=elements(shape),
        output_elements=elements(output) * filters, split="columns",
    )  # fmt: skip
    return _finish(config, rank, (product,), output, filters)


def _depthwise(config: Config, rank: int, shape: Shape, bias: bool) -> tuple[Convolution, Shape, int]:
    spatial, channels = config.split_channels(shape, rank)
    multiplier = config.integer("depth_multiplier", 1)
    kernel, output = _windows(config, rank, spatial, ("valid", "same", "causal"))
    product = Convolution(
        name="depthwise_kernel", inputs=elements(kernel) * channels, outputs=channels * multiplier, groups=channels,
        bias=bias, positions=elements(output), input_elements=elements(shape), split="columns",
    )  # fmt: skip
    return product, output, channels * multiplier


def depthwise(rank: int, config: Config, inputs: list[Shape]) -> Result:
    """Convolves each channel on its own."""
    product, output, channels = _depthwise(config, rank, only_input(config, inputs), config.flag("use_bias", True))
    return _finish(config, rank, (product,), output, channels)


def separable(rank: int, config: Config, inputs: list[Shape]) -> Result:
    """Convolves each channel on its own, then mixes the channels at each position."""
    first, output, channels = _depthwise(config, rank, only_input(config, inputs), bias=False)
    filters = config.integer("filters")
    second = Convolution(
        name="pointwise_kernel", inputs=channels, outputs=filters, bias=config.flag("use_bias", True),
        positions=elements(output), input_elements=elements(output) * channels, split="columns",
        saved_elements=max(0, elements(output)) * channels,
    )  # fmt: skip
    return _finish(config, rank, (first, second), output, filters)


def locally_connected(rank: int, config: Config, inputs: list[Shape]) -> Result:
    """A convolution with weights of its own at each output position (Keras 2)."""
    shape = only_input(config, inputs)
    spatial, channels = config.split_channels(shape, rank)
    filters = config.integer("filters")
    kernel, output = _windows(config, rank, spatial, ("valid", "same"))
    bias = config.flag("use_bias", True)
    # Implementations 1 and 3 keep the window's weights; 2 keeps a weight for each pair of input and output.
    whole = config.integer("implementation", 1) == 2
    window = elements(spatial) if whole else elements(kernel)
    product = Convolution(
        name="kernel", copies=max(0, elements(output)), inputs=window * channels, outputs=filters, bias=bias,
        input_elements=window * channels,
    )  # fmt: skip
    return _finish(config, rank, (product,), output, filters)


def _of_rank(function: Callable[[int, Config, list[Shape]], Result], rank: int) -> Callable[..., Result]:
    def read(config: Config, inputs: list[Shape]) -> Result:
        return function(rank, config, inputs)

    read.__doc__ = function.__doc__
    return read


for _rank in (1, 2, 3):
    for _name in (f"Conv{_rank}D", f"Convolution{_rank}D"):
        LAYERS[_name] = _of_rank(convolution, _rank)
        LAYERS[f"{_name}Transpose"] = _of_rank(transposed, _rank)
    for _name in (f"SeparableConv{_rank}D", f"SeparableConvolution{_rank}D"):
        LAYERS[_name] = _of_rank(separable, _rank)
    LAYERS[f"DepthwiseConv{_rank}D"] = _of_rank(depthwise, _rank)
    LAYERS[f"LocallyConnected{_rank}D"] = _of_rank(locally_connected, _rank)

__all__ = ["window_output"]
