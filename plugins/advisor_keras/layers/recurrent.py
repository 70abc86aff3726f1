"""Recurrent layers: LSTM, GRU, SimpleRNN, their cells, and convolutional LSTM."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from advisor.operators import Convolution, MatMul, Operator, Recurrence
from advisor.records import replace
from advisor_keras.config import Config, Shape, shown
from advisor_keras.layers.convolution import window_output
from advisor_keras.result import LAYERS, LayerFunction, Result, elements, layer, only_input, unknown
from advisor_keras.serialized import describe


@dataclass(frozen=True, slots=True)
class _Cell:
    """One step of a recurrent layer over ``steps`` steps: operators, output width and state widths."""

    operators: tuple[Operator, ...]
    width: int
    states: tuple[int, ...]


#: Class name of a cell to gates, states, and saved values a unit and step: the gates, states and output.
_GATED = {"LSTM": (4, 2, 6), "GRU": (3, 1, 5), "SimpleRNN": (1, 1, 1)}


def _gated_cell(config: Config, kind: str, width: int, steps: int) -> _Cell:
    """Return an LSTM, GRU or simple recurrent cell on inputs of ``width`` features."""
    gates, states, saved = _GATED[kind.removeprefix("CuDNN")]
    units = config.integer("units", config.integer("output_dim", 0, least=0) or None)
    biases = gates * units if config.flag("use_bias", True) else 0
    # Two biases where the recurrent product has one of its own: the GRU of cuDNN, default since Keras 2.1.
    if kind.startswith("CuDNN") or (kind == "GRU" and config.flag("reset_after", True)):
        biases *= 2
    product = MatMul(
        name="kernel", inputs=width, outputs=gates * units, positions=steps, extra_parameters=biases, split="columns"
    )
    update = Recurrence(
        name="recurrent_kernel", state_width=states * units, flops_each=2 * units * gates * units, positions=steps,
        activation_width=(gates + 2 * states) * units, parameters_own=gates * units * units, sequential=True,
        saved_elements=saved * units * steps,
    )  # fmt: skip
    return _Cell((product, update), units, (units,) * states)


def _cell(config: Config, document: Any, width: int, steps: int, depth: int = 0) -> _Cell | None:
    """Read a serialised cell; None for a custom one."""
    if isinstance(document, (list, tuple)):
        document = {"class_name": "StackedRNNCells", "config": {"cells": list(document)}}
    kind, values, _ = describe(document)
    inner = replace(config, values=values, kind=kind)
    if kind == "StackedRNNCells":
        cells = values.get("cells")
        if not isinstance(cells, list) or not 1 <= len(cells) <= 256 or depth > 4:
            raise inner.fail(f"field 'cells' is {shown(cells)}; expected a list of 1 to 256 cells")
        operators: list[Operator] = []
        states: list[int] = []
        for position, entry in enumerate(cells):
            cell = _cell(config, entry, width, steps, depth + 1)
            if cell is None:
                return None
            operators += [replace(op, name=f"cell_{position}.{op.name}") for op in cell.operators]
            states += cell.states
            width = cell.width
        return _Cell(tuple(operators), width, tuple(states))
    base = kind.removesuffix("Cell")
    registered = document.get("registered_name") if isinstance(document, Mapping) else None
    if base not in _GATED or (isinstance(registered, str) and ">" in registered):
        return None
    return _gated_cell(inner, base, width, steps)


def _over_time(config: Config, inputs: list[Shape], cell: _Cell) -> Result:
    """Return the outputs of a recurrent layer: the last or every step, then the states if asked for."""
    steps = inputs[0][0]
    output = (steps, cell.width) if config.flag("return_sequences", False) else (cell.width,)
    states = tuple((state,) for state in cell.states) if config.flag("return_state", False) else ()
    return Result(outputs=(output, *states), operators=cell.operators, saves_input=True)


def _sequence(config: Config, inputs: list[Shape]) -> Shape:
    shape = only_input(config, inputs)
    if len(shape) != 2:
        raise config.fail(f"input has shape {shown(shape)}; expected steps and features")
    return shape


@layer("LSTM", "GRU", "SimpleRNN", "CuDNNLSTM", "CuDNNGRU")
def recurrent(config: Config, inputs: list[Shape]) -> Result:
    """A recurrent layer with its cell built in."""
    steps, width = _sequence(config, inputs)
    return _over_time(config, inputs, _gated_cell(config, config.kind, width, steps))


@layer("RNN")
def rnn(config: Config, inputs: list[Shape]) -> Result:
    """A recurrent layer around a cell, or a stack of cells."""
    steps, width = _sequence(config, inputs)
    cell = _cell(config, config.values.get("cell"), width, steps)
    if cell is None:
        return unknown(config, inputs, "its cell is a custom class")
    return _over_time(config, inputs, cell)


@layer("LSTMCell", "GRUCell", "SimpleRNNCell", "StackedRNNCells")
def single_step(config: Config, inputs: list[Shape]) -> Result:
    """One step of a cell called on its own."""
    shape = only_input(config, inputs)
    cell = _cell(config, config.document or {"class_name": config.kind, "config": config.values}, shape[-1], 1)
    if cell is None:
        return unknown(config, inputs, "its cell is a custom class")
    states = tuple((state,) for state in cell.states)
    return Result(outputs=((cell.width,), *states), operators=cell.operators, saves_input=True)


def _convolutional_lstm(rank: int) -> LayerFunction:
    def read(config: Config, inputs: list[Shape]) -> Result:
        shape = only_input(config, inputs)
        if len(shape) != rank + 2:
            raise config.fail(f"input has shape {shown(shape)}; expected steps, {rank} spatial axes and channels")
        steps = shape[0]
        spatial, channels = config.split_channels(shape[1:], rank)
        filters, kernel = config.integer("filters"), config.integers("kernel_size", rank)
        strides, dilations = config.integers("strides", rank, 1), config.integers("dilation_rate", rank, 1)
        padding = config.text("padding", "valid", ("valid", "same"))
        sizes = zip(spatial, kernel, strides, dilations, strict=True)
        output = tuple(window_output(*size, padding) for size in sizes)
        if any(size <= 0 for size in output):
            raise config.fail(f"the window does not fit its input; the output would have sizes {output}")
        places, window = elements(output), elements(kernel)
        product = Convolution(
            name="kernel", inputs=window * channels, outputs=4 * filters, bias=config.flag("use_bias", True),
            positions=steps * places, input_elements=elements(shape), split="columns",
        )  # fmt: skip
        update = Recurrence(
            name="recurrent_kernel", state_width=2 * filters * places, positions=steps, sequential=True,
            flops_each=2 * places * window * filters * 4 * filters, parameters_own=window * filters * 4 * filters,
            activation_width=8 * filters * places, saved_elements=6 * filters * places * steps,
        )  # fmt: skip
        state = config.join_channels(output, filters)
        first = (steps, *state) if config.flag("return_sequences", False) else state
        states = (state, state) if config.flag("return_state", False) else ()
        return Result(outputs=(first, *states), operators=(product, update), saves_input=True)

    return read


for _rank in (1, 2, 3):
    LAYERS[f"ConvLSTM{_rank}D"] = _convolutional_lstm(_rank)
