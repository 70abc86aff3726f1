"""Core layers: dense products, embeddings, activations, and layers that do nothing at inference."""

from __future__ import annotations

from advisor.operators import Elementwise, Embedding, MatMul, Operator
from advisor_keras.activations import activation
from advisor_keras.config import Config, Shape
from advisor_keras.einsum import einsum_dense
from advisor_keras.result import Result, elements, layer, moved, only_input, unknown


@layer("Dense", "TimeDistributedDense")
def dense(config: Config, inputs: list[Shape]) -> Result:
    """``activation(x W + b)`` on the last axis."""
    shape = only_input(config, inputs)
    if not shape:
        raise config.fail("input is a single value; expected at least one axis of features")
    units = config.integer("units", config.integer("output_dim", 0, least=0) or None)
    output = (*shape[:-1], units)
    product = MatMul(
        name="kernel", inputs=shape[-1], outputs=units, bias=config.flag("use_bias", config.flag("bias", True)),
        positions=elements(shape[:-1]), split="columns", extra_parameters=_adapter(config, shape[-1], units),
    )  # fmt: skip
    function, saves_output = activation(config, elements(output))
    return Result(outputs=(output,), operators=(product, *function), saves_input=True, saves_output=saves_output)


def _adapter(config: Config, inputs: int, outputs: int) -> int:
    """Return the parameters of ``enable_lora``'s two factors (Keras 3)."""
    return config.integer("lora_rank", 0, least=0) * (inputs + outputs)


@layer("EinsumDense")
def einsum(config: Config, inputs: list[Shape]) -> Result:
    """``activation(einsum(equation, x, W) + b)``."""
    shape = only_input(config, inputs)
    output, product = einsum_dense(config, shape)
    function, saves_output = activation(config, elements(output))
    return Result(outputs=(output,), operators=(product, *function), saves_input=True, saves_output=saves_output)


@layer("Embedding")
def embedding(config: Config, inputs: list[Shape]) -> Result:
    """Looks up one vector a token."""
    shape = only_input(config, inputs)
    rows, width = config.integer("input_dim"), config.integer("output_dim")
    table = Embedding(name="embeddings", rows=rows, width=width, positions=elements(shape))
    rank = config.integer("lora_rank", 0, least=0)
    adapter = (Elementwise(name="lora", elements=0, parameters_own=rank * (rows + width)),) if rank else ()
    return Result(outputs=((*shape, width),), operators=(table, *adapter), saves_input=True)


@layer("ReversibleEmbedding")
def reversible_embedding(config: Config, inputs: list[Shape]) -> Result:
    """Looks up a vector a token, or projects back to token scores when called with ``reverse=True``."""
    shape = only_input(config, inputs)
    rows, width = config.integer("input_dim"), config.integer("output_dim")
    tied = config.flag("tie_weights", True)
    table = Embedding(name="embeddings", rows=rows, width=width, positions=elements(shape))
    back = Elementwise(name="reverse_embeddings", elements=0, parameters_own=0 if tied else rows * width)
    if not config.keywords.get("reverse", config.arguments[1:2] == (True,)):
        operators: tuple[Operator, ...] = (table,) if tied else (table, back)
        return Result(outputs=((*shape, width),), operators=operators, saves_input=True)
    # The table is stored whichever way the layer is used.
    stored = Elementwise(name="embeddings", elements=0, parameters_own=rows * width * (1 if tied else 2))
    product = MatMul(
        name="reverse", inputs=width, outputs=rows, positions=elements(shape[:-1]), tied=True, split="vocabulary"
    )
    return Result(outputs=((*shape[:-1], rows),), operators=(product, stored), saves_input=True)


@layer("Activation")
def activation_layer(config: Config, inputs: list[Shape]) -> Result:
    """An activation function named in the configuration."""
    shape = only_input(config, inputs)
    function, saves_output = activation(config, elements(shape))
    if not function:
        return Result(outputs=(shape,), passes_input=True)
    # What the function keeps of its input is the input tensor, which others may keep too.
    plain = Elementwise(name=function[0].name, elements=function[0].elements)
    return Result(outputs=(shape,), operators=(plain,), saves_input=not saves_output, saves_output=saves_output)


@layer("ReLU", "LeakyReLU", "ELU", "Softmax", "ThresholdedReLU", "Swish")
def advanced_activation(config: Config, inputs: list[Shape]) -> Result:
    """An activation that is a layer of its own."""
    shape = only_input(config, inputs)
    operator = Elementwise(name=config.kind.lower(), elements=2 * elements(shape))
    return Result(outputs=(shape,), operators=(operator,), saves_output=True)


@layer("PReLU")
def prelu(config: Config, inputs: list[Shape]) -> Result:
    """A leaky ReLU with a learned slope for each value, shared along ``shared_axes``."""
    shape = only_input(config, inputs)
    shared = config.values.get("shared_axes") or []
    shared = shared if isinstance(shared, (list, tuple)) else [shared]
    axes = {config.axis(axis, len(shape)) for axis in shared}
    slopes = elements(tuple(1 if axis in axes else size for axis, size in enumerate(shape)))
    operator = Elementwise(name="alpha", elements=2 * elements(shape), parameters_own=slopes)
    return Result(outputs=(shape,), operators=(operator,), saves_input=True)


@layer("InputLayer", "Identity", "Masking", "ActivityRegularization", "Layer")
def identity(config: Config, inputs: list[Shape]) -> Result:
    """Returns its input."""
    return Result(outputs=tuple(inputs), passes_input=True)


@layer(
    "Dropout", "SpatialDropout1D", "SpatialDropout2D", "SpatialDropout3D", "AlphaDropout", "GaussianDropout",
    "GaussianNoise", "StochasticDepth",
)  # fmt: skip
def dropout(config: Config, inputs: list[Shape]) -> Result:
    """Does nothing at inference; in training it keeps a mask of one byte a value."""
    shape = only_input(config, inputs)
    return Result(outputs=(shape,), operators=(moved("mask", 0, 0, saved=-(-elements(shape) // 4)),))


@layer("LayerScale")
def layer_scale(config: Config, inputs: list[Shape]) -> Result:
    """Learned scale a channel, of ``keras.applications.convnext``."""
    shape = only_input(config, inputs)
    width = config.integer("projection_dim", shape[-1] if shape else 1)
    operator = Elementwise(name="gamma", elements=2 * elements(shape), parameters_own=width)
    return Result(outputs=(shape,), operators=(operator,), saves_input=True)


@layer("Lambda")
def lambda_layer(config: Config, inputs: list[Shape]) -> Result:
    """Holds Python code, which is never run."""
    return unknown(config, inputs, "a Lambda layer holds Python code, which is not run")


@layer("TFSMLayer", "JaxLayer", "FlaxLayer", "TorchModuleWrapper", "DenseFeatures")
def foreign(config: Config, inputs: list[Shape]) -> Result:
    """Wraps a model of another framework, which its configuration does not describe."""
    return unknown(config, inputs, f"{config.kind} wraps a model that the file does not describe")


@layer("CustomScaleLayer")
def scaled_sum(config: Config, inputs: list[Shape]) -> Result:
    """First input plus a multiple of the second, of ``keras.applications.inception_resnet_v2``."""
    if len(inputs) != 2:
        raise config.fail(f"has {len(inputs)} input tensors; expected 2")
    return Result(outputs=(inputs[0],), operators=(moved("add", 2 * elements(inputs[0]), elements(inputs[0])),))
