"""Shared by the Keras tests: recorded answers and a reader."""

from __future__ import annotations

import json
import lzma
from functools import cache
from pathlib import Path
from typing import Any

from advisor.interfaces import ModelSource
from advisor.models import Model
from advisor_keras.reader import KerasReader

DATA = Path(__file__).parent / "data"


@cache
def recorded(name: str) -> dict[str, Any]:
    """Cases by name of one file of recorded answers."""
    return json.loads(lzma.decompress((DATA / f"{name}.json.xz").read_bytes()))["cases"]


def read(document_or_path: Any, **options: Any) -> Model:
    """Read a file, or a document as ``to_json`` gives it."""
    if isinstance(document_or_path, Path):
        source = ModelSource(str(document_or_path), document_or_path, options=options)
    else:
        source = ModelSource("document", None, document_or_path, options)
    reader = KerasReader()
    assert reader.claims(source)
    return reader.read(source)


def layer(class_name: str, inputs: list[list[Any]] | None = None, **config: Any) -> dict[str, Any]:
    """A serialised layer in Keras 2's form, called once on the outputs named in ``inputs``."""
    name = config.setdefault("name", class_name.lower())
    answer = {"class_name": class_name, "name": name, "config": config}
    if inputs is not None:
        answer["inbound_nodes"] = [[[entry, 0, 0, {}] for entry in inputs]] if inputs else []
    return answer


def sequential(*layers: dict[str, Any]) -> dict[str, Any]:
    return {"class_name": "Sequential", "config": {"name": "net", "layers": list(layers)}, "keras_version": "2.15.0"}


def functional(layers: list[dict[str, Any]], inputs: list[str], outputs: list[str]) -> dict[str, Any]:
    config = {
        "name": "net", "layers": layers, "input_layers": [[name, 0, 0] for name in inputs],
        "output_layers": [[name, 0, 0] for name in outputs],
    }  # fmt: skip
    return {"class_name": "Functional", "config": config, "keras_version": "2.15.0"}


def entrance(*shape: int | None, name: str = "in") -> dict[str, Any]:
    return layer("InputLayer", [], batch_input_shape=[None, *shape], name=name)
