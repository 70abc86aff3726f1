"""Bytes that optimizers keep a trained parameter."""

from __future__ import annotations

from advisor.errors import UnknownNameError

#: State a parameter, the fp32 copy of the weights apart: moments of Adam (Kingma and Ba 2015) in fp32, bf16, 8 bits
#: with scales (Dettmers et al. 2022) or 4 bits; one of momentum and Lion; Adafactor's factors are small.
STATE_BYTES = {
    "adam": 8.0, "adamw": 8.0, "sgd": 0.0, "momentum": 4.0, "lion": 4.0, "adafactor": 0.0,
    "adamw_bf16": 4.0, "adamw_8bit": 2.06, "adamw_4bit": 1.06,
}  # fmt: skip
#: Optimizers that are used on 16-bit weights without an fp32 copy of them.
PURE = ("adamw_bf16", "adamw_8bit", "adamw_4bit")


def check_optimizer(name: str) -> str:
    """Return the name in the table; raises ``UnknownNameError``."""
    lower = name.lower().replace("-", "_")
    if lower not in STATE_BYTES:
        raise UnknownNameError("optimizer", name, STATE_BYTES)
    return lower


def optimizer_bytes(name: str, full_precision: bool) -> float:
    """State and fp32 copy of one parameter in bytes; fp32 weights (``full_precision``) are their own copy."""
    known = check_optimizer(name)
    return STATE_BYTES[known] + (0.0 if full_precision or known in PURE else 4.0)
