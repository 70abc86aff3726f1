"""What the runtimes that are installed reach: time of an operator call, of a step, and rates of their products.

Each is measured on chains of tiny layers, whose arithmetic is nothing: the slope over their number is the time
of one operator, the rest that of one call. Nothing is installed or downloaded; what is not there is left out.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import sys
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np

from advisor_measure.clock import least_seconds
from advisor_measure.products import Multiply, Product, measure_cold_weights, measure_products
from advisor_measure.torch_block import OPERATORS, decoder_chain

#: Layers of the short and of the long chain; each layer is a product and an activation.
SHORT, LONG = 4, 24
WIDTH = 16
#: Shapes that show a runtime's rate: a few rows, and many.
ROWS = (1, 4, 16, 128, 512)
WEIGHTS = ((768, 768), (768, 2048))
#: Channels and side of the map of residual networks; each is a chain of convolutions of 3 x 3 and 1 x 1.
CONVOLUTIONS = ((64, 56), (128, 28), (256, 14), (512, 7))
KERNELS = (3, 1, 3, 1)
IMAGES = 4
#: An array that no cache holds, for an element-wise operator with a fresh output as eager runtimes allocate it.
STREAMED_BYTES = 64 << 20


@dataclass
class Runtime:
    """Figures of one runtime: seconds of one operator and of one call, in inference and in training; its products."""

    name: str
    version: str
    kernel_s: float | None = None
    step_s: float | None = None
    train_kernel_s: float | None = None
    train_step_s: float | None = None
    decoder_kernel_s: float | None = None  # an operator of a decoder block, where the runtime calls each from Python
    train_decoder_kernel_s: float | None = None
    products: list[Product] = field(default_factory=list)
    convolution_flops: list[float] = field(default_factory=list)
    streamed: float | None = None  # bytes a second read and written by an element-wise operator on a large array
    weight_read: float | None = None  # bytes a second, products of one row by weights that no cache holds


def measure_runtimes(budget_s: float, cache_bytes: int) -> list[Runtime]:
    """Measure every runtime that is installed, in about the time given."""
    found = [(name, measure) for name, package, measure in RUNTIMES if importlib.util.find_spec(package) is not None]
    answer = []
    for name, measure in found:
        try:
            with warnings.catch_warnings(), _quiet():
                warnings.simplefilter("ignore")
                answer.append(measure(budget_s / len(found), cache_bytes))
        except Exception as error:  # a broken installation of a runtime must not keep the rest from being measured
            text = " ".join(str(error).split())[:200]
            warnings.warn(f"{name} left out: {type(error).__name__}: {text}", stacklevel=2)
    return answer


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep what native libraries write to standard error (start-up notes of TensorFlow) from the user."""
    sys.stderr.flush()
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        sys.stderr.flush()
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


def slope(seconds: Callable[[int], float], operators_a_layer: int = 2) -> tuple[float, float]:
    """Seconds of one operator, and of one call without any, from a short and a long chain."""
    short, long = seconds(SHORT), seconds(LONG)
    each = max((long - short) / (LONG - SHORT) / operators_a_layer, 1e-9)
    return each, max(short - SHORT * operators_a_layer * each, 1e-8)


def _torch(budget_s: float, cache_bytes: int) -> Runtime:
    import torch

    answer = Runtime("pytorch", str(torch.__version__))

    def plain(layers: int) -> Any:
        each = [part for _ in range(layers) for part in (torch.nn.Linear(WIDTH, WIDTH), torch.nn.ReLU())]
        return torch.nn.Sequential(*each)

    def infer(make: Callable[[int], Any], sample: Any) -> Callable[[int], float]:
        def seconds(layers: int) -> float:
            model = make(layers).eval()
            with torch.inference_mode():
                return least_seconds(lambda: model(sample), budget_s / 20)

        return seconds

    def train(make: Callable[[int], Any], sample: Any) -> Callable[[int], float]:
        def seconds(layers: int) -> float:
            model = make(layers)
            optimizer = torch.optim.Adam(model.parameters())

            def step() -> None:
                optimizer.zero_grad()
                model(sample).square().mean().backward()
                optimizer.step()

            return least_seconds(step, budget_s / 20)

        return seconds

    rows, tokens = torch.ones(1, WIDTH), torch.ones(1, 1, 32)
    answer.kernel_s, answer.step_s = slope(infer(plain, rows))
    answer.train_kernel_s, answer.train_step_s = slope(train(plain, rows), 6)
    answer.decoder_kernel_s, _ = slope(infer(decoder_chain, tokens), OPERATORS)
    answer.train_decoder_kernel_s, _ = slope(train(decoder_chain, tokens), 3 * OPERATORS)
    formats: list[tuple[str, Multiply]] = [("fp32", _torch_multiply(torch.float32))]
    if _native_bf16():
        formats.append(("bf16", _torch_multiply(torch.bfloat16)))
    with torch.inference_mode():
        for name, multiply in formats:
            answer.products += measure_products(multiply, name, budget_s / 5, ROWS, WEIGHTS)
        answer.weight_read = measure_cold_weights(_torch_multiply(torch.float32), cache_bytes, budget_s / 10)
        for channels, side in CONVOLUTIONS:
            layers = [torch.nn.Conv2d(channels, channels, kernel, padding=kernel // 2) for kernel in KERNELS]
            chain, maps = torch.nn.Sequential(*layers).eval(), torch.ones(IMAGES, channels, side, side)
            seconds = least_seconds(partial(chain, maps), budget_s / 20)
            answer.convolution_flops.append(_convolution_flops(channels, side) / seconds)
        large = torch.ones(STREAMED_BYTES // 4)
        answer.streamed = 2 * STREAMED_BYTES / least_seconds(lambda: torch.relu(large), budget_s / 20)
    return answer


def _torch_multiply(dtype: Any) -> Multiply:
    import torch

    def multiply(rows: int, inputs: int, outputs: int) -> Callable[[], object]:
        left, weight = torch.randn(rows, inputs).to(dtype), torch.randn(outputs, inputs).to(dtype)
        return lambda: torch.nn.functional.linear(left, weight)

    return multiply


def _native_bf16() -> bool:
    from advisor_measure.facts import read_facts

    return bool({"avx512_bf16", "amx_bf16", "bf16"} & set(read_facts().flags))


def _onnxruntime(budget_s: float, cache_bytes: int) -> Runtime:
    import onnxruntime

    answer = Runtime("onnxruntime", str(onnxruntime.__version__))
    if importlib.util.find_spec("onnx") is None:  # needed to make the models
        return answer
    from advisor_measure.onnx_models import chain_model, convolution_model, product_model

    def session(model: bytes) -> Any:
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 4
        options.intra_op_num_threads = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 0
        return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])

    def call(model: bytes, sample: np.ndarray) -> Callable[[], object]:
        made = session(model)
        return lambda: made.run(None, {"input": sample})

    def infer(layers: int) -> float:
        return least_seconds(call(chain_model(layers, WIDTH), np.ones((1, WIDTH), np.float32)), budget_s / 10)

    answer.kernel_s, answer.step_s = slope(infer)

    def multiply(rows: int, inputs: int, outputs: int) -> Callable[[], object]:
        return call(product_model(inputs, outputs), np.ones((rows, inputs), np.float32))

    answer.products = measure_products(multiply, "fp32", budget_s / 3, ROWS, WEIGHTS)
    answer.weight_read = measure_cold_weights(multiply, cache_bytes, budget_s / 10)
    for channels, side in CONVOLUTIONS:
        run = call(convolution_model(channels, side, KERNELS), np.ones((IMAGES, channels, side, side), np.float32))
        answer.convolution_flops.append(_convolution_flops(channels, side) / least_seconds(run, budget_s / 20))
    return answer


def _keras(budget_s: float, cache_bytes: int) -> Runtime:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    import keras
    import tensorflow

    answer = Runtime("keras", str(keras.__version__))
    steps = 100

    def chain(layers: int) -> Any:
        model = keras.Sequential([keras.Input((WIDTH,)), *(keras.layers.Dense(WIDTH, "relu") for _ in range(layers))])
        model.compile("adam", "mse")
        return model

    samples = np.ones((8 * steps, WIDTH), np.float32)

    def infer(layers: int) -> float:
        model = chain(layers)
        many = least_seconds(lambda: model.predict(samples, batch_size=8, verbose=0), budget_s / 10)
        one = least_seconds(lambda: model.predict(samples[:8], batch_size=8, verbose=0), budget_s / 10)
        return max(many - one, 1e-9) / (steps - 1)

    def train(layers: int) -> float:
        model = chain(layers)
        many = least_seconds(lambda: model.fit(samples, samples, batch_size=8, verbose=0), budget_s / 10)
        one = least_seconds(lambda: model.fit(samples[:8], samples[:8], batch_size=8, verbose=0), budget_s / 10)
        return max(many - one, 1e-9) / (steps - 1)

    answer.kernel_s, answer.step_s = slope(infer)
    answer.train_kernel_s, answer.train_step_s = slope(train, 6)

    def multiply(rows: int, inputs: int, outputs: int) -> Callable[[], object]:
        left = tensorflow.random.normal((rows, inputs))
        weight = tensorflow.random.normal((inputs, outputs))
        return lambda: tensorflow.linalg.matmul(left, weight).numpy()

    answer.products = measure_products(multiply, "fp32", budget_s / 5, ROWS, WEIGHTS)
    answer.weight_read = measure_cold_weights(multiply, cache_bytes, budget_s / 10)
    for channels, side in CONVOLUTIONS:
        weights = [tensorflow.ones((kernel, kernel, channels, channels)) for kernel in KERNELS]

        @tensorflow.function
        def maps_through(maps: Any, weights: Any = weights) -> Any:
            for weight in weights:
                maps = tensorflow.nn.conv2d(maps, weight, 1, "SAME")
            return maps

        maps = tensorflow.ones((IMAGES, side, side, channels))
        seconds = least_seconds(partial(_finished, maps_through, maps), budget_s / 20)
        answer.convolution_flops.append(_convolution_flops(channels, side) / seconds)
    return answer


def _finished(call: Callable[[Any], Any], argument: Any) -> object:
    """Call, and wait for the answer."""
    return call(argument).numpy()


def _convolution_flops(channels: int, side: int) -> float:
    return sum(2.0 * IMAGES * side * side * channels * channels * kernel * kernel for kernel in KERNELS)


RUNTIMES: tuple[tuple[str, str, Callable[[float, int], Runtime]], ...] = (
    ("pytorch", "torch", _torch),
    ("onnxruntime", "onnxruntime", _onnxruntime),
    ("keras", "tensorflow", _keras),
)
