"""Speculative decoding: tokens are drafted cheaply and verified together, and the output stays what it was."""

from __future__ import annotations

import numpy as np

from advisor.candidates import Candidates
from advisor.context import Context
from advisor.interfaces import Refusals
from advisor_serving.generation import OfGeneration, share_of, whole
from advisor_serving.sources import DEEPSEEK_V3, EAGLE, LEVIATHAN

MOST_DRAFTED = 16


def accepted(rate: float, drafted: int) -> float:
    """Tokens that a step yields when each draft is accepted with ``rate`` (Leviathan et al. 2023, equation 1)."""
    return drafted + 1.0 if rate >= 1 else (1 - rate ** (drafted + 1)) / (1 - rate)


class Speculation(OfGeneration):
    """Drafts ``setting`` tokens a step; ``--settings acceptance_rate=0.7`` says how often each is right."""

    slot = "speculation"
    acceptance_rate: float

    def draft(self, context: Context) -> tuple[float, float]:
        """Weights, and layers, of the draft over those of the model."""
        layer = 1 / max(context.model.blocks, 1)
        return layer, layer

    def apply(self, rows: Candidates, setting: int | str, context: Context) -> Refusals:
        drafted = whole(self.name, setting, 1, MOST_DRAFTED, int(self.tried[0]))
        share, depth = self.draft(context)
        rows["verified_tokens"] = drafted + 1.0
        rows["accepted_tokens"] = accepted(share_of(context, "acceptance_rate", self.acceptance_rate), drafted)
        rows["draft_passes"] = float(drafted)
        rows["draft_share"] = share
        rows["draft_depth"] = depth
        return self.not_generation(rows, context)


class MultiTokenPrediction(Speculation):
    """The model's own module for the token after the next: one more layer, trained with it.

    DeepSeek-V3 reports 85 to 90 % for the one token that it drafts; further ones are drafted by the same module.
    """

    name = "mtp"
    doc = "speculative decoding with the model's own multi-token prediction; the setting is tokens drafted"
    aliases = ("multi_token_prediction", "nextn")
    tried = (1,)
    sources = (DEEPSEEK_V3, LEVIATHAN)
    acceptance_rate = 0.87

    def by_default(self, context: Context) -> bool:
        """Where the model has the module."""
        return _modules(context) > 0

    def apply(self, rows: Candidates, setting: int | str, context: Context) -> Refusals:
        lacks = np.full(len(rows), _modules(context) <= 0)
        return [*super().apply(rows, setting, context), (lacks, "the model has no module of multi-token prediction")]


def _modules(context: Context) -> float:
    found = context.model.attributes.get("mtp_layers") or 0
    return float(found) if isinstance(found, (int, float)) else 0.0


class Eagle(Speculation):
    """A draft head of one layer that goes on from the model's features; EAGLE-2 and EAGLE-3 accept more."""

    name = "eagle"
    doc = "speculative decoding with an EAGLE head of one layer; the setting is tokens drafted"
    aliases = ("eagle2", "eagle3")
    tried = (3,)
    sources = (EAGLE, LEVIATHAN)
    acceptance_rate = 0.8


class DraftModel(Speculation):
    """A small model of the same vocabulary drafts; ``--settings draft_share=0.05`` gives its size over the model's.

    The default rate is the mean of the four that Leviathan et al. measured of T5-small (77M) for T5-XXL (11B),
    0.53 to 0.75, and the default size such that it is near theirs. A model of a share s of the weights has about
    the cube root of s of the layers, as families grow in width and depth alike.
    """

    name = "draft_model"
    doc = "speculative decoding with a small draft model; the setting is tokens drafted"
    aliases = ("speculative", "speculative_decoding")
    tried = (4,)
    sources = (LEVIATHAN,)
    acceptance_rate = 0.64

    def draft(self, context: Context) -> tuple[float, float]:
        share = share_of(context, "draft_share", 0.02, most=0.9)
        return share, share ** (1 / 3)
