"""The operators a model is made of: shapes, from which parameters, FLOPs and bytes follow.

A *unit* is what flows through the model: a token of a sequence model, a sample of any other. Every
figure is of one copy of the operator; ``copies`` says how many identical ones the layer holds.
FLOPs follow ``torch.utils.flop_counter``: 2 a multiply-add of matrix products, convolutions and
attention; element-wise work is counted as bytes moved. Methods take numpy arrays as well as numbers.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from msgspec import Struct

#: How tensor parallelism can divide an operator. ``rows`` leaves partial sums: an all-reduce follows.
Split = Literal["none", "columns", "rows", "heads", "experts", "vocabulary"]

Number = Any  # an int, a float, or a numpy array of either


class Operator(Struct, frozen=True, kw_only=True):
    """Base of all operators: no parameters, no FLOPs, no state.

    ``positions`` is how many times the operator is applied a unit (1 a token in a transformer, height
    x width in a convolution). ``saved_elements`` is what one unit leaves for the backward pass.
    ``native_format`` is the format its weights are stored in; None means the model's own.
    """

    name: str
    copies: int = 1
    positions: int = 1
    split: Split = "none"
    saved_elements: int = 0
    native_format: str | None = None
    quantizable: bool = False
    last_unit_only: bool = False  # a serving engine runs it on the last token of a prompt (logits)
    unknown: str = ""  # why the reader could not read it, if it could not

    @property
    def parameters(self) -> int:
        """Trained and stored values of one copy."""
        return 0

    @property
    def active_parameters(self) -> int:
        """Parameters that one unit uses: all but the experts it is not routed to."""
        return self.parameters

    @property
    def cache_elements(self) -> int:
        """Values that one unit leaves in the key-value cache."""
        return 0

    @property
    def state_elements(self) -> int:
        """Values of recurrent state a sequence, whatever its length."""
        return 0

    @property
    def activation_elements(self) -> int:
        """Values read and written a unit, weights apart."""
        return 0

    def flops(self, units: Number, context: Number = 0) -> Number:
        """FLOPs of one copy on ``units`` units, each of which attends to ``context`` others."""
        return 0


class MatMul(Operator, frozen=True, kw_only=True):
    """``units * positions`` rows times a weight of ``inputs x outputs``, in ``groups`` independent blocks.

    ``tied`` weights are another operator's parameters, read again but not stored again.
    """

    inputs: int
    outputs: int
    bias: bool = False
    groups: int = 1
    tied: bool = False
    quantizable: bool = True
    extra_parameters: int = 0  # learned scales and the like that belong to the weight

    @property
    def weight_elements(self) -> int:
        """Weight values that one application reads."""
        return self.inputs * self.outputs // self.groups + (self.outputs if self.bias else 0) + self.extra_parameters

    @property
    def parameters(self) -> int:
        return 0 if self.tied else self.weight_elements

    @property
    def activation_elements(self) -> int:
        return self.positions * (self.inputs + self.outputs)

    def flops(self, units: Number, context: Number = 0) -> Number:
        return 2 * units * self.positions * (self.inputs * self.outputs // self.groups)


class Convolution(MatMul, frozen=True, kw_only=True):
    """A convolution as the matrix product it is computed as.

    ``inputs`` is kernel positions x input channels (all groups), ``outputs`` output channels, and
    ``positions`` output positions. ``input_elements`` is the input feature map, read once a sample.
    """

    input_elements: int = 0

    @property
    def activation_elements(self) -> int:
        return self.input_elements + self.positions * self.outputs


class ExpertMatMul(MatMul, frozen=True, kw_only=True):
    """``experts`` weights of one shape, of which a router gives each unit ``experts_per_unit``."""

    experts: int
    experts_per_unit: int
    split: Split = "experts"

    @property
    def parameters(self) -> int:
        return self.experts * self.weight_elements

    @property
    def active_parameters(self) -> int:
        return self.experts_per_unit * self.weight_elements

    @property
    def activation_elements(self) -> int:
        return self.experts_per_unit * self.positions * (self.inputs + self.outputs)

    def flops(self, units: Number, context: Number = 0) -> Number:
        return 2 * units * self.positions * self.experts_per_unit * self.inputs * self.outputs

    def experts_touched(self, units: Number) -> Number:
        """Expected number of distinct experts that ``units`` units use under even routing."""
        return self.experts * (1 - (1 - self.experts_per_unit / self.experts) ** units)


class Attention(Operator, frozen=True, kw_only=True):
    """Scores and weighted sum of values, with a key-value cache.

    ``cache_width`` is the cached values a token (default: keys and values of each kv head; the latent
    of multi-head latent attention is narrower). ``absorbed_key_width`` and ``absorbed_value_width``
    are the widths that latent attention computes with when it decodes straight from the latent.
    ``attended_limit`` caps the keys a query sees (window or selection), ``cached_limit`` the tokens kept.
    """

    heads: int
    kv_heads: int
    key_width: int
    value_width: int
    causal: bool = True
    cache_width: int | None = None
    absorbed_key_width: int | None = None
    absorbed_value_width: int | None = None
    attended_limit: int | None = None
    cached_limit: int | None = None
    split: Split = "heads"
    parameters_own: int = 0  # attention sinks, relative position biases

    @property
    def parameters(self) -> int:
        return self.parameters_own

    @property
    def cache_elements(self) -> int:
        if not self.causal:
            return 0
        return self.kv_heads * (self.key_width + self.value_width) if self.cache_width is None else self.cache_width

    @property
    def activation_elements(self) -> int:
        query = self.heads * (self.key_width + self.value_width)
        return self.positions * (query + self.kv_heads * (self.key_width + self.value_width))

    def attended(self, context: Number) -> Number:
        """Keys that a query sees when ``context`` tokens are there."""
        return context if self.attended_limit is None else np.minimum(context, self.attended_limit)

    def cached(self, context: Number) -> Number:
        """Tokens that stay in the cache when ``context`` have passed."""
        return context if self.cached_limit is None else np.minimum(context, self.cached_limit)

    def flops(self, units: Number, context: Number = 0) -> Number:
        width = self.key_width + self.value_width
        return 2 * units * self.positions * self.heads * width * self.attended(context)

    def absorbed_flops(self, units: Number, context: Number) -> Number:
        """FLOPs of decoding straight from the cache, in its latent form where there is one."""
        key = self.key_width if self.absorbed_key_width is None else self.absorbed_key_width
        value = self.value_width if self.absorbed_value_width is None else self.absorbed_value_width
        return 2 * units * self.positions * self.heads * (key + value) * self.attended(context)


class Recurrence(Operator, frozen=True, kw_only=True):
    """A state-space, linear-attention or recurrent update: fixed state, fixed work a unit."""

    state_width: int
    flops_each: int
    activation_width: int = 0
    parameters_own: int = 0
    sequential: bool = False  # each step waits for the one before (LSTM, GRU)
    split: Split = "heads"

    @property
    def parameters(self) -> int:
        return self.parameters_own

    @property
    def state_elements(self) -> int:
        return self.state_width

    @property
    def activation_elements(self) -> int:
        return self.positions * self.activation_width

    def flops(self, units: Number, context: Number = 0) -> Number:
        return units * self.positions * self.flops_each


class Elementwise(Operator, frozen=True, kw_only=True):
    """Norms, activations, additions, pooling: bytes, not FLOPs. ``elements`` are read and written a unit."""

    elements: int
    parameters_own: int = 0
    trainable: bool = True

    @property
    def parameters(self) -> int:
        return self.parameters_own

    @property
    def activation_elements(self) -> int:
        return self.elements


class Embedding(Operator, frozen=True, kw_only=True):
    """A table of ``rows`` vectors of ``width``, one looked up a unit."""

    rows: int
    width: int
    split: Split = "vocabulary"

    @property
    def parameters(self) -> int:
        return self.rows * self.width

    @property
    def activation_elements(self) -> int:
        return self.positions * 2 * self.width
