"""Fills in what the user left open, so that the parameters come out as they should."""

from __future__ import annotations

import math

from msgspec import Struct

from advisor.errors import InputError
from advisor.records import replace
from advisor_plan.sizes import Sizes

#: Hidden size over layers where neither is known. Kaplan et al. 2020 (figure 5) find the loss flat from about
#: 50 to 200; Llama (Touvron et al. 2023) has 128 at 7B (4096/32), 13B (5120/40) and 65B to 405B (8192/64 to 16384/126).
ASPECT = 128
HEAD_WIDTH = 128
KEY_VALUE_HEADS = 8  # Llama 3 at every size
VOCABULARY = 128_256  # Llama 3
SMALL_VOCABULARY = 32_000  # Llama 2: where the larger table would be more than a fifth of the model
BLOCK = 12  # parameters of a block over hidden size squared: 4 of attention, 8 of the feed-forward network
NEAR = 0.03  # share by which given sizes and a given sum may differ
FAR = 0.5  # share by which parameters a token may differ: shared experts and latent attention are not in the sizes


class Shape(Struct, frozen=True):
    """A decoder with every size known."""

    sizes: Sizes
    gated: bool = True
    tied: bool = False
    notes: tuple[str, ...] = ()

    @property
    def outside_feed_forward(self) -> int:
        """Parameters of embeddings, norms, attention and routers."""
        sizes = self.sizes
        hidden, width = sizes.hidden_size, sizes.hidden_size // sizes.heads
        attention = 2 * hidden * width * (sizes.heads + sizes.kv_heads)
        block = attention + 2 * hidden + hidden * sizes.experts
        return sizes.layers * block + hidden + (1 if self.tied else 2) * sizes.vocab * hidden

    def feed_forward(self, experts: int) -> int:
        """Parameters of the feed-forward networks with so many experts (1: dense)."""
        sizes = self.sizes
        return sizes.layers * max(experts, 1) * (3 if self.gated else 2) * sizes.hidden_size * sizes.intermediate_size

    @property
    def parameters(self) -> int:
        """All parameters."""
        return self.outside_feed_forward + self.feed_forward(self.sizes.experts)

    @property
    def active(self) -> int:
        """Parameters that a token uses."""
        return self.outside_feed_forward + self.feed_forward(self.sizes.experts_per_token)


def complete(sizes: Sizes, origin: str) -> Shape:
    """Make every size known; raises ``InputError`` for sizes that contradict each other."""
    notes: list[str] = []
    sizes = _frame(sizes, origin, notes)
    sizes = _heads(sizes, origin, notes)
    if not sizes.vocab:
        sizes = replace(sizes, vocab=_vocabulary(sizes, sizes.hidden_size))
        notes.append(f"vocab {sizes.vocab} assumed")
    sizes = _experts(sizes, origin, notes)
    shape = _feed_forward(sizes, origin, notes)
    _compare_active(shape, origin, notes)
    kind = f"{'gated' if shape.gated else 'plain'} feed-forward, {'tied' if shape.tied else 'untied'} output"
    notes.append(f"a decoder like Llama: RMS norms, rotary positions, grouped attention, {kind}")
    return replace(shape, notes=tuple(notes))


def _frame(sizes: Sizes, origin: str, notes: list[str]) -> Sizes:
    """Layers and hidden size."""
    if sizes.layers and sizes.hidden_size:
        return sizes
    count = sizes.active or sizes.parameters
    if not count:
        raise InputError(f"{origin}: {'hidden_size' if sizes.layers else 'layers'} is missing; give layers and "
                         "hidden_size, or params_b")  # fmt: skip
    candidates = [sizes.hidden_size] if sizes.hidden_size else _hidden_sizes(sizes.heads)
    best = min(candidates, key=lambda hidden: abs(_layers(sizes, hidden, count)[1] / count - 1))
    layers = _layers(sizes, best, count)[0]
    if not sizes.hidden_size:
        notes.append(f"hidden_size {best} assumed" + ("" if sizes.layers else f": about {ASPECT} x layers"))
    if not sizes.layers:
        notes.append(f"layers {layers} assumed: {BLOCK} x layers x hidden_size^2 parameters beside the embeddings")
    return replace(sizes, layers=layers, hidden_size=best)


def _hidden_sizes(heads: int) -> list[int]:
    """Widths in the steps that models use: whole heads, and many of them where the model is large."""
    if heads:
        return [heads * width for width in (32, 48, 64, 80, 96, 112, 128, 160, 192, 256)]
    return [*range(128, 2048, 128), *range(2048, 4096, 512), *range(4096, 65_536 + 1, 1024)]


def _layers(sizes: Sizes, hidden: int, count: int) -> tuple[int, float]:
    """Layers for a hidden size, and the parameters that they make with it."""
    tables = 2 * hidden * _vocabulary(sizes, hidden)
    layers = sizes.layers
    if not layers:
        wanted = hidden / ASPECT if not sizes.hidden_size else (count - tables) / (BLOCK * hidden**2)
        layers = max(1, round(wanted) if wanted < 16 else round(wanted / 4) * 4)
    return layers, float(BLOCK * layers * hidden**2 + tables)


def _vocabulary(sizes: Sizes, hidden: int) -> int:
    if sizes.vocab:
        return sizes.vocab
    small = bool(sizes.parameters) and 2 * VOCABULARY * hidden > 0.2 * sizes.parameters
    return SMALL_VOCABULARY if small else VOCABULARY


def _heads(sizes: Sizes, origin: str, notes: list[str]) -> Sizes:
    heads, groups = sizes.heads, sizes.kv_heads
    if not heads:
        heads = max(1, sizes.hidden_size // HEAD_WIDTH)
        heads = next(count for count in range(heads, 0, -1) if sizes.hidden_size % count == 0)
        if groups and heads % groups:
            heads = groups * max(1, heads // groups)
        if sizes.hidden_size % heads:
            raise InputError(f"{origin}: heads is missing: hidden_size {sizes.hidden_size} does not divide into heads "
                             f"of about {HEAD_WIDTH}")  # fmt: skip
        notes.append(f"heads {heads} assumed")
    if sizes.hidden_size % heads:
        raise InputError(f"{origin}: heads: hidden_size {sizes.hidden_size} is not divisible by {heads} heads")
    if not groups:
        groups = math.gcd(heads, KEY_VALUE_HEADS)
        notes.append(f"kv_heads {groups} assumed")
    return replace(sizes, heads=heads, kv_heads=groups)


def _experts(sizes: Sizes, origin: str, notes: list[str]) -> Sizes:
    """Experts a token, from the two sums where they are not given."""
    if sizes.active and sizes.active < sizes.parameters and not sizes.experts:
        sizes = replace(sizes, experts=128)
        notes.append("experts 128 assumed")
    if not sizes.experts or sizes.experts_per_token:
        return sizes
    base = Shape(sizes).outside_feed_forward
    if sizes.active and sizes.parameters > base:
        if sizes.active <= base:
            raise InputError(f"{origin}: active_params_b: {sizes.active / 1e9:g} is no more than what is outside the "
                             f"experts, {base / 1e9:.3g}")  # fmt: skip
        each = max(1, round(sizes.experts * (sizes.active - base) / (sizes.parameters - base)))
    else:
        each = min(2, sizes.experts)
    notes.append(f"experts_per_token {each} assumed")
    return replace(sizes, experts_per_token=each)


def _feed_forward(sizes: Sizes, origin: str, notes: list[str]) -> Shape:
    """The width of the feed-forward network, or which kind of it makes the given sum."""
    if sizes.intermediate_size and not sizes.parameters:
        return Shape(sizes)
    if sizes.intermediate_size:
        return _kind(sizes, origin, notes)
    if not sizes.parameters:
        width = -(-8 * sizes.hidden_size // 3 // 256) * 256
        notes.append(f"intermediate_size {width} assumed: 8/3 of hidden_size")
        return Shape(replace(sizes, intermediate_size=width))
    base = Shape(sizes).outside_feed_forward
    each = Shape(replace(sizes, intermediate_size=1)).feed_forward(sizes.experts)
    exact = (sizes.parameters - base) / each
    if exact < (16 if sizes.experts else sizes.hidden_size / 4):
        raise InputError(f"{origin}: params_b: {sizes.parameters / 1e9:g} is too little: embeddings and attention of "
                         f"these sizes alone have {base / 1e9:.3g}")  # fmt: skip
    if exact > 64 * sizes.hidden_size:
        raise InputError(f"{origin}: params_b: {sizes.parameters / 1e9:g} is too much for {sizes.layers} layers of "
                         f"hidden_size {sizes.hidden_size}: the feed-forward width would be {exact:.3g}")  # fmt: skip
    rounded = round(exact / 16) * 16
    if abs(rounded - exact) * each > 2e-3 * sizes.parameters or rounded < 1:
        rounded = max(1, round(exact))
    notes.append(f"intermediate_size {rounded} makes the parameters")
    return Shape(replace(sizes, intermediate_size=rounded))


def _kind(sizes: Sizes, origin: str, notes: list[str]) -> Shape:
    kinds = [Shape(sizes, gated, tied) for gated, tied in ((True, False), (True, True), (False, False), (False, True))]
    off = [abs(kind.parameters / sizes.parameters - 1) for kind in kinds]
    best = off.index(min(off))
    if off[best] > NEAR:
        raise InputError(f"{origin}: params_b: {sizes.parameters / 1e9:g} contradicts the other sizes, which make "
                         f"{kinds[best].parameters / 1e9:.4g}")  # fmt: skip
    if off[best] > 1e-4:
        notes.append(f"the sizes make {kinds[best].parameters:,} parameters, {off[best]:.1%} off params_b")
    return kinds[best]


def _compare_active(shape: Shape, origin: str, notes: list[str]) -> None:
    wanted = shape.sizes.active
    if not wanted:
        return
    off = shape.active / wanted - 1
    if abs(off) > FAR:
        raise InputError(f"{origin}: active_params_b: {wanted / 1e9:g} contradicts the other sizes, which make "
                         f"{shape.active / 1e9:.3g}")  # fmt: skip
    if abs(off) > 0.01:
        notes.append(f"the sizes make {shape.active / 1e9:.3g} billion parameters a token, {off:+.0%} off "
                     "active_params_b")  # fmt: skip
