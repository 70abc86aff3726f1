"""Tensors that a model stores, and values made of them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(eq=False, slots=True)
class Weight:
    """A stored tensor. ``claimed`` once an operator holds its parameters.

    ``format`` is the advisor's number format, ``kind`` the element type as the model calls it. A
    ``literal`` is written at its place of use rather than stored by name.
    """

    name: str
    elements: int
    format: str
    kind: str = ""
    floating: bool = True
    rank: int = 1
    literal: bool = False
    trainable: bool = True
    claimed: bool = False
