"""Pooling layers: local, global and adaptive."""

from __future__ import annotations

from advisor_keras.config import Config, Shape
from advisor_keras.layers.convolution import window_output
from advisor_keras.result import LAYERS, LayerFunction, Result, elements, moved, only_input

_SHORT = {"Average": "Avg", "Max": "Max"}


def _local(rank: int, keeps: bool) -> LayerFunction:
    def read(config: Config, inputs: list[Shape]) -> Result:
        shape = only_input(config, inputs)
        spatial, channels = config.split_channels(shape, rank)
        key = "pool_size" if config.values.get("pool_size") is not None else "pool_length"
        pool = config.integers(key, rank, 2)
        strides = config.integers("strides", rank) if config.values.get("strides") is not None else pool
        padding = config.text("padding", "valid", ("valid", "same"))
        output = tuple(
            window_output(size, window, stride, 1, padding)
            for size, window, stride in zip(spatial, pool, strides, strict=True)
        )
        answer = config.join_channels(output, channels)
        operator = moved("pool", elements(shape), max(0, elements(answer)))
        return Result(outputs=(answer,), operators=(operator,), saves_input=keeps, saves_output=keeps)

    return read


def _global(rank: int, keeps: bool) -> LayerFunction:
    def read(config: Config, inputs: list[Shape]) -> Result:
        shape = only_input(config, inputs)
        _, channels = config.split_channels(shape, rank)
        answer = config.join_channels((1,) * rank, channels) if config.flag("keepdims", False) else (channels,)
        operator = moved("pool", elements(shape), channels)
        return Result(outputs=(answer,), operators=(operator,), saves_input=keeps, saves_output=keeps)

    return read


def _adaptive(rank: int, keeps: bool) -> LayerFunction:
    def read(config: Config, inputs: list[Shape]) -> Result:
        shape = only_input(config, inputs)
        _, channels = config.split_channels(shape, rank)
        answer = config.join_channels(config.integers("output_size", rank), channels)
        operator = moved("pool", elements(shape), elements(answer))
        return Result(outputs=(answer,), operators=(operator,), saves_input=keeps, saves_output=keeps)

    return read


# The gradient of a maximum needs input and output; that of a mean needs neither.
for _kind, _short in _SHORT.items():
    for _rank in (1, 2, 3):
        for _name in (f"{_kind}Pooling{_rank}D", f"{_short}Pool{_rank}D"):
            LAYERS[_name] = _local(_rank, keeps=_kind == "Max")
            LAYERS[f"Global{_name}"] = _global(_rank, keeps=_kind == "Max")
            LAYERS[f"Adaptive{_name}"] = _adaptive(_rank, keeps=_kind == "Max")
