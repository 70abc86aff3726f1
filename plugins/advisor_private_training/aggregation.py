"""Traffic of secure aggregation: what a client of the protocol sends (Bonawitz et al. 2017, section 7.1)."""

from __future__ import annotations

import math

KEY_BITS = 256  # of a public key
SHARE_BITS = 256  # of a share of a secret


def sent_bits(values: float, clients: int, bits: int = 16) -> float:
    """Bits that a client sends in a round: masked values wide enough for the sum, keys, and shares of secrets."""
    width = math.ceil(math.log2(clients * (2**bits - 1) + 1))
    keys_and_shares = 2 * clients * KEY_BITS + (5 * clients - 4) * SHARE_BITS
    return values * width + keys_and_shares


def expansion(values: float, clients: int, bits: int = 16) -> float:
    """Bits sent over those of the values in the clear."""
    return sent_bits(values, clients, bits) / (values * bits)
