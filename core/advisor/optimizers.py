"""Bytes that optimizers keep a trained parameter."""

from __future__ import annotations

from advisor.errors import UnknownNameError

#: State a parameter in fp32, without the fp32 copy of the weights: two moments of Adam (Kingma and Ba 2015), AdamW;
#: one of momentum, Lion (Chen et al. 2023) and Muon (Jordan et al. 2024); Adafactor (Shazeer and Stern 2018) has a row
#: and a column of each matrix, which is next to nothing.
STATE_BYTES = {
    "adam": 8.0, "adamw": 8.0, "sgd": 0.0, "momentum": 4.0, "lion": 4.0, "adafactor": 0.0, "muon": 4.0,
}  # fmt: skip
#: Share of the fp32 state that narrower states take: 16 bits; 8 bits with an fp32 scale a block of 256 (Dettmers et al.
#: 2022, bitsandbytes); 4 bits with one a block of 128 (torchao). Used on 16-bit weights without an fp32 copy of them.
NARROW = {"bf16": 0.5, "8bit": (1 + 4 / 256) / 4, "4bit": (0.5 + 4 / 128) / 4}
#: Muon is for matrices within the blocks; what is left (embedding, output, norms) has AdamW's state.
MATRICES_ONLY = ("muon",)


def optimizer_names() -> list[str]:
    """Every name that is known: an optimizer, or one with narrow state (``adamw_8bit``) where it has state."""
    return [*STATE_BYTES, *(f"{name}_{width}" for name in STATE_BYTES for width in NARROW)]


def check_optimizer(name: str) -> str:
    """Return the name in the table; raises ``UnknownNameError``."""
    lower = name.lower().replace("-", "_")
    if lower not in optimizer_names():
        raise UnknownNameError("optimizer", name, optimizer_names())
    return lower


def optimizer_bytes(name: str, full_precision: bool, matrix_share: float = 1.0) -> float:
    """State and fp32 copy of one parameter in bytes; fp32 weights (``full_precision``) are their own copy.

    ``matrix_share`` is the share of the parameters in matrices within the blocks. A name that ends in ``_bf16``,
    ``_8bit`` or ``_4bit`` has narrow state and no fp32 copy.
    """
    known, _, width = check_optimizer(name).partition("_")
    state = STATE_BYTES[known]
    if known in MATRICES_ONLY:
        state = matrix_share * state + (1.0 - matrix_share) * STATE_BYTES["adamw"]
    return state * NARROW.get(width, 1.0) + (0.0 if full_precision or width else 4.0)
