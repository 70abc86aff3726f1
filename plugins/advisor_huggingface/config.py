"""A configuration as a family sees it: standard field names, checked values, errors that name file and field."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from advisor.errors import ModelFileError

#: No published model comes near these; a larger figure is a damaged or hostile file.
MOST_SIZE = 1 << 27
MOST_LAYERS = 2048

#: Names that older or unusual configurations use for a standard field, tried after the standard one.
SYNONYMS: dict[str, tuple[str, ...]] = {
    "hidden_size": ("n_embd", "d_model", "n_embed", "dim", "model_dim", "vt_hidden_size"),
    "num_hidden_layers": ("n_layer", "n_layers", "num_layers", "vt_num_hidden_layers"),
    "num_attention_heads": ("n_head", "n_heads", "num_heads", "vt_num_attention_heads"),
    "num_key_value_heads": ("num_attention_groups", "num_kv_heads", "n_head_kv"),
    "intermediate_size": ("ffn_dim", "n_inner", "ffn_hidden_size", "d_ff", "vt_intermediate_size"),
    "max_position_embeddings": ("n_positions", "max_seq_len", "n_ctx", "seq_length", "max_sequence_length"),
    "num_experts": ("n_routed_experts", "num_local_experts", "moe_num_experts"),
    "num_experts_per_tok": ("num_experts_per_token", "top_k_experts", "moe_top_k", "moe_k", "moe_topk"),
    "n_shared_experts": ("num_shared_experts", "moe_num_shared_experts"),
}


class Config:
    """Read-only view of one configuration document.

    ``fields`` maps a standard name to the family's own; ``defaults`` are the values that the published
    code assumes for a field that is not there. A field that is there as ``null`` is None.
    """

    def __init__(
        self,
        document: Mapping[str, Any],
        origin: str,
        fields: Mapping[str, str] | None = None,
        defaults: Mapping[str, Any] | None = None,
        prefix: str = "",
    ) -> None:
        self.document = document
        self.origin = origin
        self.fields = fields or {}
        self.defaults = defaults or {}
        self.prefix = prefix
        self._checked: dict[str, list[Any]] = {}  # lists that were looked through, each once

    def nested(
        self, field: str, fields: Mapping[str, str] | None = None, defaults: Mapping[str, Any] | None = None
    ) -> Config:
        """View of the object in ``field``."""
        inner = self.document.get(field)
        if not isinstance(inner, Mapping):
            raise self.error(field, "must be an object" if inner is not None else "is missing")
        return Config(inner, self.origin, fields, defaults, f"{self.prefix}{field}.")

    def error(self, field: str, complaint: str) -> ModelFileError:
        """Make the error for a field: the file, the field, what is wrong and what is accepted."""
        return ModelFileError(f"{self.origin}: {self.prefix}{self.key(field)}: {complaint}")

    def key(self, field: str) -> str:
        """Name under which this configuration holds ``field``."""
        own = self.fields.get(field)
        if own is not None:
            return own
        if field in self.document:
            return field
        return next((name for name in SYNONYMS.get(field, ()) if name in self.document), field)

    def raw(self, field: str) -> Any:
        """The value as it is, the default where the field is not there, None where neither is."""
        key = self.key(field)
        return self.document[key] if key in self.document else self.defaults.get(field)

    def optional(self, field: str, fallback: int | None = None, least: int = 0) -> int | None:
        """A whole number, or ``fallback`` where there is none."""
        value = self.raw(field)
        return fallback if value is None else self.whole(field, value, least)

    def integer(self, field: str, fallback: int | None = None, least: int = 1) -> int:
        """A whole number; a field that is missing without a fallback is an error."""
        value = self.optional(field, fallback, least)
        if value is None:
            raise self.error(field, "is missing; give a whole number")
        return value

    def whole(self, field: str, value: Any, least: int = 0) -> int:
        """Check that a value is a whole number of a believable size."""
        if isinstance(value, bool) or not isinstance(value, int):
            raise self.error(field, f"must be a whole number, not {_shown(value)}")
        if not least <= value <= MOST_SIZE:
            raise self.error(field, f"must be from {least} to {MOST_SIZE}, not {_shown(value)}")
        return value

    def flag(self, field: str, fallback: bool = False) -> bool:
        """A truth value; missing and null are ``fallback``."""
        value = self.raw(field)
        if value is None:
            return fallback
        if not isinstance(value, (bool, int)):
            raise self.error(field, f"must be true or false, not {_shown(value)}")
        return bool(value)

    def text(self, field: str, fallback: str = "") -> str:
        """A string."""
        value = self.raw(field)
        if value is None:
            return fallback
        if not isinstance(value, str):
            raise self.error(field, f"must be text, not {_shown(value)}")
        return value

    def number(self, field: str, fallback: float = 0.0) -> float:
        """A number, whole or not."""
        value = self.raw(field)
        if value is None:
            return fallback
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not abs(value) < MOST_SIZE:
            raise self.error(field, f"must be a number, not {_shown(value)}")
        return float(value)

    def integers(self, field: str) -> list[int]:
        """A list of whole numbers; empty where there is none."""
        if field not in self._checked:
            value = self._listed(field, "whole numbers")
            self._checked[field] = [self.whole(field, entry) for entry in value]
        return self._checked[field]

    def each_layer(self, field: str) -> list[Any]:
        """A list with one entry a layer; empty where there is none."""
        value = self._listed(field, "one entry a layer")
        if value and len(value) < self.layers:
            raise self.error(field, f"has {len(value)} entries for {self.layers} layers")
        return value

    def _listed(self, field: str, what: str) -> list[Any]:
        value = self.raw(field)
        if value is None:
            return []
        if not isinstance(value, list) or len(value) > 4 * MOST_LAYERS:
            raise self.error(field, f"must be a list of {what}, not {_shown(value)}")
        return value

    @property
    def layers(self) -> int:
        """Number of blocks, of a believable size."""
        count = self.integer("num_hidden_layers")
        if count > MOST_LAYERS:
            raise self.error("num_hidden_layers", f"must be from 1 to {MOST_LAYERS}, not {count}")
        return count

    @property
    def hidden(self) -> int:
        """Width of the residual stream."""
        return self.integer("hidden_size")

    def divided(self, field: str, by: str) -> int:
        """``field / by``, refused where it leaves a remainder."""
        whole, parts = self.integer(field), self.integer(by)
        if whole % parts:
            raise self.error(field, f"{whole} is not divisible by {self.key(by)} {parts}")
        return whole // parts


def _shown(value: Any) -> str:
    if isinstance(value, (list, dict)) and len(value) > 8:
        return f"a {type(value).__name__} of {len(value)}"
    text = repr(value)
    return text if len(text) <= 40 else text[:37] + "..."
