"""Methods that train a few parameters beside a frozen model, each with its count of them from its paper."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from advisor.candidates import Candidates
from advisor.compiled import toml_data
from advisor.context import Context
from advisor.errors import InputError
from advisor.interfaces import Refusals, Technique
from advisor.models import Model
from advisor_compression.adapters import adapted
from advisor_compression.targets import adapted_outputs, adapter_inputs, habits, joined_parts
from advisor_quantization.pins import is_method, pinned
from advisor_quantization.quality import QualityTable, keep_quality, kind_of, make_table

DEFAULT_TOKENS = 200  # of PEFT's comparison


@lru_cache(maxsize=1)
def table() -> QualityTable:
    """Read ``quality.toml``, once."""
    return make_table(toml_data(Path(__file__).with_name("quality.toml")))


@dataclass(frozen=True)
class Trained:
    """What a method adds: parameters, values a token kept for backward, and tokens before each sequence."""

    parameters: float
    kept: float
    tokens: float = 0.0


Count = Callable[[Model, Context, tuple[str, ...], float], Trained]


class Method(Technique):
    """Trains what ``count`` says; the model's own weights are frozen."""

    slot = "adaptation"
    stage = "adaptation"

    def __init__(self, name: str, doc: str, paper: str, count: Count, aliases: Sequence[str] = ()) -> None:
        self.name = name
        self.doc = doc
        self.count = count
        self.aliases = tuple(aliases)
        self.sources = (table().sources[paper], *table().sources_of(name))

    def settings(self, context: Context) -> Sequence[int | str]:
        """Use it where fine-tuning asks for it."""
        return ("",) if self.required(context) or pinned(self, context) else ()

    def required(self, context: Context) -> bool:
        return is_method(self, context)

    def apply(self, rows: Candidates, setting: int | str, context: Context) -> Refusals:
        everyone = np.ones(len(rows), dtype=bool)
        if context.workload.task != "finetune":
            return [(everyone, f"{self.name} is for fine-tuning")]
        kept = table().estimate(self.name, context.model)
        if kind_of(context.model) != "language" or kept is None:
            return [(everyone, f"{self.name} is published for language models alone")]
        used = [habits(name) for name in context.frameworks]
        found = [self.count(context.model, context, habit.targets, habit.copies) for habit in used]
        rows["adapter_parameters"] = np.array([each.parameters for each in found], dtype=float)[rows["framework"]]
        rows["adapter_inputs"] = np.array([each.kept for each in found], dtype=float)[rows["framework"]]
        rows["virtual_tokens"] = np.array([each.tokens for each in found], dtype=float)[rows["framework"]]
        rows["saved_input_share"] = 0.0
        rows["trainable_share"] = 0.0
        keep_quality(rows, kept)
        return []


def _vera(model: Model, context: Context, targets: tuple[str, ...], copies: float) -> Trained:
    """Two vectors a layer over random matrices that all layers share: rank and outputs."""
    layers = sum(count for op, count in adapted(model) for name, _ in joined_parts(op, model)
                 if not targets or name in targets)  # fmt: skip
    rank = context.workload.settings.get("lora_rank", 256)
    kept = max(copies, 1.0) * adapter_inputs(model, targets, False)
    return Trained(layers * rank + adapted_outputs(model, targets), kept)


def _tokens(context: Context) -> int:
    count = context.workload.settings.get("virtual_tokens", DEFAULT_TOKENS)
    if count < 1 or count != int(count):
        raise InputError(f"settings: virtual_tokens: expected a whole number such as 200, not {count:g}")
    return int(count)


def _prompt(model: Model, context: Context, targets: tuple[str, ...], copies: float) -> Trained:
    """Embeddings of tokens before the text."""
    count = _tokens(context)
    return Trained(count * model.hidden_size, 0.0, float(count))


def _prefix(model: Model, context: Context, targets: tuple[str, ...], copies: float) -> Trained:
    """Keys and values of tokens before the text, in every layer."""
    return Trained(_tokens(context) * model.cache_elements_per_token, 0.0)


def methods() -> list[Technique]:
    """The methods."""
    tokens = "setting virtual_tokens, 200"
    return [
        Method("vera", "two trained vectors a layer over shared random matrices; setting lora_rank, 256",
               "kopiczko2023", _vera),
        Method("prompt_tuning", f"trained embeddings before the text; {tokens}", "lester2021", _prompt),
        Method("prefix_tuning", f"trained keys and values before the text; {tokens}", "li2021", _prefix),
    ]  # fmt: skip
