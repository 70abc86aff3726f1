"""Methods that train a few parameters beside a frozen model, each with its count of them from its paper."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np

from advisor.candidates import Candidates
from advisor.compiled import toml_data
from advisor.context import Context
from advisor.interfaces import Refusals, Technique
from advisor_compression.targets import habits
from advisor_quantization.pins import is_method, pinned
from advisor_quantization.quality import QualityTable, keep_quality, kind_of, make_table
from advisor_quantization.unrated import kept_or_unrated

#: What a method sets, in the order of its figures.
COLUMNS = ("adapter_parameters", "adapter_inputs", "virtual_tokens", "adapter_pass_bytes", "adapter_traffic_bytes")


@lru_cache(maxsize=1)
def table() -> QualityTable:
    """Read ``quality.toml``, once."""
    return make_table(toml_data(Path(__file__).with_name("quality.toml")))


class Method(Technique):
    """Trains what the function ``count`` of ``counts`` says; the model's own weights are frozen."""

    slot = "adaptation"
    stage = "adaptation"

    def __init__(self, name: str, doc: str, paper: str, count: str, aliases: Sequence[str] = ()) -> None:
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
        if kind_of(context.model) != "language":
            return [(everyone, f"{self.name} is published for language models alone")]
        from advisor_adaptation import counts

        count = getattr(counts, self.count)
        used = [habits(name) for name in context.frameworks]
        found = [count(context.model, context, habit.targets, habit.copies) for habit in used]
        figures = np.array([(each.parameters, each.kept, each.tokens, each.made, each.made * each.passes)
                            for each in found], dtype=float)  # fmt: skip
        for column, of_frameworks in zip(COLUMNS, figures.T, strict=True):
            rows[column] = of_frameworks[rows["framework"]]
        rows["saved_input_share"] = 0.0
        rows["trainable_share"] = 0.0
        kept, unrated = kept_or_unrated(self, table().estimate(self.name, context.model), context)
        if kept is None:
            return [(everyone, unrated)]
        keep_quality(rows, kept)
        return []


def methods() -> list[Technique]:
    """The methods."""
    tokens = "setting virtual_tokens, 200"
    return [
        Method("vera", "two trained vectors a layer over shared random matrices; setting lora_rank, 256",
               "kopiczko2023", "vera"),
        Method("prompt_tuning", f"trained embeddings before the text; {tokens}", "lester2021", "prompt"),
        Method("p_tuning", "trained tokens before the text, made by a small network; setting virtual_tokens, 20",
               "liu2021", "p_tuning", ("ptuning",)),
        Method("adalora", "low-rank adapters whose rank is spread in training; settings lora_rank, 8, and "
               "initial_rank, 1.5 times it", "zhang2023", "adalora"),
        Method("loha", "Hadamard products of two low-rank adapters; setting lora_rank, 8", "hyeonwoo2021", "loha"),
        Method("lokr", "Kronecker products as adapters; settings lora_rank, 8, and kronecker_factor, 8", "yeh2023",
               "lokr"),
        Method("oft", "trained rotations of the inputs; setting rotation_blocks, 32", "qiu2023", "oft"),
        Method("ln_tuning", "the scales of normalization alone; unrated", "zhao2023", "norms"),
        Method("trainable_tokens", "a few rows of the embedding; setting trained_tokens, 2", "peft",
               "rows_of_embedding"),
        Method("prefix_tuning", f"trained keys and values before the text; {tokens}", "li2021", "prefix"),
    ]  # fmt: skip
