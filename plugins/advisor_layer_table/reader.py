"""The reader of layer tables: every figure checked before it is believed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from advisor.errors import AdvisorError, ModelFileError
from advisor.interfaces import ModelReader, ModelSource
from advisor.models import Layer, Model
from advisor.operators import Convolution, Elementwise, MatMul, Operator

VERSION = 1
MOST_SIZE = 1 << 40
MOST_ROWS = 20_000


class LayerTableReader(ModelReader):
    """Reads a JSON table of layers; the format is described in the package's documentation."""

    name = "layer_table"
    doc = "table of layer shapes in JSON (advisor_layer_table), such as the catalog's timm networks"

    def claims(self, source: ModelSource) -> bool:
        """Say whether the source is a JSON object with ``layer_table``."""
        document = source.document
        return document is not None and "layer_table" in document

    def read(self, source: ModelSource) -> Model:
        """Read the model; raises ``ModelFileError`` with the file, the row and what is accepted."""
        document = source.document
        if document is None:
            raise ModelFileError(f"{source.name}: not a JSON object with layer_table")
        return _Table(document, source.name).model()


class _Table:
    """One document with its name for errors."""

    def __init__(self, document: Mapping[str, Any], origin: str) -> None:
        self.document = document
        self.origin = origin
        self.rows = 0

    def error(self, place: str, complaint: str) -> ModelFileError:
        """Make the error: the file, the place in it, what is accepted."""
        return ModelFileError(f"{self.origin}: {place}: {complaint}")

    def model(self) -> Model:
        """Read the whole table."""
        if self.document["layer_table"] != VERSION:
            raise self.error("layer_table", f"version {str(self.document['layer_table'])[:20]!r}; this reads {VERSION}")
        shape = self.listed("input", self.document.get("input"), 8)
        stages = self.listed("stages", self.document.get("stages"), 1000)
        layers = tuple(self.stage(stage, f"stages[{index}]") for index, stage in enumerate(stages))
        products = [op for layer in layers for op in layer.operators if isinstance(op, MatMul)]
        elements = 1
        for size in shape:
            elements = self.whole("input", elements * self.whole("input", size, 1), 1)
        family, weights = self.document.get("family", "layer_table"), self.document.get("weight_format", "fp32")
        if not isinstance(family, str) or not isinstance(weights, str):
            raise self.error("family" if not isinstance(family, str) else "weight_format", "must be text")
        try:
            return Model(
                name=self.origin, family=family[:60], layers=layers, unit="sample", weight_format=weights,
                hidden_size=max((op.outputs for op in products), default=0),
                blocks=max(1, sum(layer.count for layer in layers)), sample_elements=elements, reader="layer_table",
                tensor_parallel_limit=max(1, min((op.outputs for op in products), default=1)), source=self.origin,
            )  # fmt: skip
        except ModelFileError:
            raise
        except AdvisorError as error:
            raise self.error("weight_format", str(error)) from None

    def stage(self, stage: Any, place: str) -> Layer:
        """One stage as a layer group."""
        if not isinstance(stage, Mapping) or not isinstance(stage.get("name"), str):
            raise self.error(place, "must be an object with name and rows")
        rows = self.listed(f"{place}.rows", stage.get("rows"), MOST_ROWS)
        self.rows += len(rows)
        if self.rows > MOST_ROWS:
            raise self.error(place, f"more than {MOST_ROWS} rows in the table")
        operators = tuple(self.operator(row, f"{place}.rows[{index}]") for index, row in enumerate(rows))
        return Layer(name=stage["name"][:60], kind="stage", operators=operators)

    def operator(self, row: Any, place: str) -> Operator:
        """One row as an operator."""
        if not isinstance(row, (list, tuple)) or not row or not isinstance(row[0], str) or row[0] not in _KINDS:
            raise self.error(place, f"must be a list that begins with one of {', '.join(_KINDS)}")
        columns, make = _KINDS[row[0]]
        if len(row) != 1 + len(columns):
            raise self.error(place, f"{row[0]} takes {', '.join(columns)}")
        values: dict[str, Any] = {}
        for column, value in zip(columns, row[1:], strict=True):
            if column == "name":
                values[column] = str(value)[:60]
            else:
                values[column] = self.whole(f"{place}: {column}", value, 0 if column in _MAY_BE_ZERO else 1)
        groups = values.get("groups", 1)
        if groups > 1 and (values["inputs"] % groups or values["outputs"] % groups):
            channels = f"{values['inputs']} and {values['outputs']}"
            raise self.error(place, f"groups {groups} does not divide {channels} channels")
        return make(values)

    def listed(self, place: str, value: Any, most: int) -> list[Any]:
        """A list of bounded length."""
        if not isinstance(value, (list, tuple)) or not 0 < len(value) <= most:
            raise self.error(place, f"must be a list of 1 to {most} entries")
        return list(value)

    def whole(self, place: str, value: Any, least: int) -> int:
        """A whole number of believable size."""
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= MOST_SIZE:
            raise self.error(place, f"must be a whole number from {least} to {MOST_SIZE}, not {str(value)[:40]!r}")
        return value


def _convolution(row: Mapping[str, Any]) -> Operator:
    elements = row["inputs"] * row["input_positions"]
    return Convolution(
        name="convolution" if row["groups"] == 1 else "grouped_convolution", copies=row["count"],
        inputs=row["inputs"] * row["kernel_positions"], outputs=row["outputs"], groups=row["groups"],
        bias=row["bias"] > 0, positions=row["output_positions"], input_elements=elements, saved_elements=elements,
        split="columns",
    )  # fmt: skip


def _linear(row: Mapping[str, Any]) -> Operator:
    return MatMul(
        name="linear", copies=row["count"], inputs=row["inputs"], outputs=row["outputs"], bias=row["bias"] > 0,
        positions=row["positions"], saved_elements=row["inputs"] * row["positions"], split="columns",
    )  # fmt: skip


def _elementwise(row: Mapping[str, Any]) -> Operator:
    return Elementwise(name=row["name"], copies=row["count"], elements=row["elements"],
                       parameters_own=row["parameters"], saved_elements=row["saved"])  # fmt: skip


_MAY_BE_ZERO = frozenset({"bias", "elements", "parameters", "saved"})
_KINDS: dict[str, tuple[tuple[str, ...], Callable[[Mapping[str, Any]], Operator]]] = {
    "convolution": (("count", "inputs", "outputs", "kernel_positions", "groups", "bias", "input_positions",
                     "output_positions"), _convolution),
    "linear": (("count", "inputs", "outputs", "bias", "positions"), _linear),
    "elementwise": (("count", "elements", "parameters", "saved", "name"), _elementwise),
}  # fmt: skip
