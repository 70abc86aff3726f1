"""Which published modules our operators stand for, and lists of patterns that name modules."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from advisor.errors import ModelFileError

_BLOCKS = ("self_attn", "attn", "mixer", "linear_attn", "attention")
_NAMES: dict[str, tuple[str, ...]] = {
    "qkv": ("q_proj", "qkv_proj"), "q": ("q_proj",), "o": ("o_proj", "wo_b"), "o_a": ("wo_a",),
    "qkv_a": ("q_a_proj", "wq_a"), "q_b": ("q_b_proj", "wq_b"), "kv_a": ("kv_a_proj_with_mqa", "wkv"),
    "kv_b": ("kv_b_proj",), "index.q_b": ("indexer.wq_b", "index_q_proj"), "index.k": ("indexer.wk", "index_k_proj"),
    "in_proj": ("in_proj", "in_proj_qkvz", "in_proj_qkv"), "in_proj.gates": ("in_proj_ba", "in_proj_b"),
    "out_proj": ("out_proj",), "output_gate.product": ("g_proj",),
}  # fmt: skip
_MLPS = ("mlp", "feed_forward", "mixer", "ffn")
EXPERTS = ("mlp.experts", "block_sparse_moe.experts", "mixer.experts", "ffn.experts", "feed_forward.experts",
           "moe.experts")  # fmt: skip
_SHARED = tuple(f"{owner}.{name}" for owner in ("mlp", "block_sparse_moe", "mixer", "ffn", "feed_forward", "moe")
                for name in ("shared_experts", "shared_expert"))  # fmt: skip
_PRODUCTS = {"gate_up": ("gate_proj", "w1"), "up": ("up_proj", "w1"), "down": ("down_proj", "w2")}

#: Real lists stay far below these; they bound the time that a hostile one takes.
MOST_NAMES, MOST_GLOBS, MOST_EXPRESSIONS = 100_000, 4_000, 100

_PREFIX = re.compile(r"^(model|language_model|backbone|transformer|text_model)\.")


def module_paths(operator: str, layer: int, experts: Sequence[str] = EXPERTS) -> tuple[str, ...]:
    """Names that published checkpoints give the operator's first module in block ``layer``, less the prefix."""
    base = f"layers.{layer}."
    if operator == "lm_head":
        return ("lm_head",)
    if operator in _NAMES:
        return tuple(f"{base}{block}.{name}" for block in _BLOCKS for name in _NAMES[operator])
    owner, _, product = operator.rpartition(".")
    if product not in _PRODUCTS:
        return (base + operator,)
    routed = [f"{name}.0" for name in experts]
    owners: Iterable[str] = {"experts": routed, "shared_expert": _SHARED, "": _MLPS}.get(owner, ())
    return tuple(f"{base}{name}.{module}" for name in owners for module in _PRODUCTS[product])


class Patterns:
    """Patterns that name modules: exact names or parts of them, ``*`` globs, ``re:`` expressions.

    Names are looked up in a set, and globs of one block only where that block is asked for, so that
    lists of thousands of names cost little.
    """

    def __init__(self, patterns: Iterable[str], origin: str) -> None:
        self.parts: set[str] = set()
        by_layer: dict[int, list[str]] = {}
        anywhere: list[str] = []
        self.expressions: list[re.Pattern[str]] = []
        unique = dict.fromkeys(patterns)
        if len(unique) > MOST_NAMES:
            raise ModelFileError(f"{origin}: quantization_config: lists {len(unique)} modules, more than {MOST_NAMES}")
        for pattern in unique:
            if len(pattern) > 500:
                raise ModelFileError(f"{origin}: quantization_config: a module name of {len(pattern)} characters")
            if pattern.startswith("re:"):
                if len(self.expressions) <= MOST_EXPRESSIONS:
                    self.expressions.append(_expression(pattern[3:], origin))
                continue
            stripped = pattern
            while _PREFIX.match(stripped):
                stripped = _PREFIX.sub("", stripped)
            if "*" not in stripped:
                self.parts.add(re.sub(r"\.experts\.\d+", ".experts.0", stripped))
                continue
            layer = re.match(r"layers\.(\d{1,6})\b", stripped)
            (by_layer.setdefault(int(layer[1]), []) if layer else anywhere).append(stripped)
        globs = len(anywhere) + sum(map(len, by_layer.values()))
        everywhere = len(anywhere) + len(self.expressions)
        if globs > MOST_GLOBS or everywhere > MOST_EXPRESSIONS:
            raise ModelFileError(f"{origin}: quantization_config: {globs} globs, {everywhere} for every layer; "
                                 f"accepted are up to {MOST_GLOBS} and {MOST_EXPRESSIONS}")  # fmt: skip
        self.anywhere = _globs(anywhere)
        self.by_layer = {layer: _globs(listed) for layer, listed in by_layer.items()}

    def match(self, paths: Sequence[str], layer: int) -> bool:
        """Whether any of the module names is meant."""
        here = self.by_layer.get(layer)
        tests = [test for test in (self.anywhere, here, *self.expressions) if test is not None]
        for path in paths:
            if self.parts:
                words = path.split(".")
                if any(".".join(words[first:last]) in self.parts
                       for first in range(len(words)) for last in range(first + 1, len(words) + 1)):  # fmt: skip
                    return True
            if any(test.match(path) for test in tests):
                return True
        return False


def _globs(patterns: Sequence[str]) -> re.Pattern[str] | None:
    """One expression that matches what any of the globs does, or what lies below it."""
    if not patterns:
        return None
    bodies = (re.sub(r"(\.\*)+", ".*", re.escape(glob).replace(r"\*", ".*")) for glob in patterns)
    return re.compile(rf"(?:{'|'.join(bodies)})(?:\..*)?\Z", re.DOTALL)


def _expression(expression: str, origin: str) -> re.Pattern[str]:
    # A repeated group that repeats inside takes exponential time, so a hostile file could hang the reader.
    nested = re.search(r"[*+}]\s*\)+\s*[*+{]|[*+}][*+{]|\\\d", expression)
    if len(expression) > 300 or nested or expression.count("*") > 6:
        raise ModelFileError(f"{origin}: quantization_config: the expression {expression[:60]!r} is too complicated")
    try:
        return re.compile(expression)
    except re.error as error:
        raise ModelFileError(f"{origin}: quantization_config: {expression[:60]!r} is no expression ({error})") from None
