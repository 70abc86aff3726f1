"""The common form of a serialised layer or model: class name, configuration, name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from advisor_keras.config import ConfigError, plain, shown

NETWORKS = ("Sequential", "Functional", "Model")


def describe(document: Any) -> tuple[str, Mapping[str, Any], str]:
    """Return class name, configuration and name of a serialised layer."""
    if not isinstance(document, Mapping):
        raise ConfigError(f"expected a layer with class_name and config, found {shown(document)}")
    kind, values = document.get("class_name"), document.get("config")
    if not isinstance(kind, str) or not kind:
        raise ConfigError(f"a layer's class_name is {shown(kind)}; expected the name of a class")
    if isinstance(values, list):  # Keras 1 and early 2: a Sequential's configuration is its list of layers
        values = {"layers": values}
    if not isinstance(values, Mapping):
        raise ConfigError(f"layer of class {shown(kind)}: config is {shown(values)}; expected an object")
    name = document.get("name") or values.get("name") or kind.lower()
    if not isinstance(name, str):
        raise ConfigError(f"layer of class {shown(kind)}: name is {shown(name)}; expected text")
    return kind, values, plain(name, 200)


def is_network(document: Any) -> bool:
    """Whether a serialised layer is a model made of layers."""
    values = document.get("config") if isinstance(document, Mapping) else None
    return isinstance(values, list) or (isinstance(values, Mapping) and isinstance(values.get("layers"), list))
