"""DP-SGD: each sample's gradient is clipped and noise is added (Abadi et al. 2016), at the cost of time and memory.

FLOPs of a step per parameter and token (Bu et al. 2023, arXiv 2210.00038, section 2): 6 plain, 8 where the
gradient of every sample is formed (Opacus), 10 with ghost clipping (Li et al. 2022), whose second backward
pass forms the clipped sum. Book-keeping keeps what the one backward pass has: 1.03 times the plain step in
FLOPs, 1 / 0.83 in time as measured.
"""

from __future__ import annotations

from datetime import date

import numpy as np

from advisor.candidates import Candidates
from advisor.context import Context
from advisor.devices import Source
from advisor.interfaces import Refusals, Technique
from advisor_private_training.asked import named

#: Setting to slowdown: value, low, high.
SLOWDOWNS = {
    "book_keeping": (1 / 0.83, 1.03, 1.3),
    "ghost": (10 / 6, 1.36, 1.9),  # measured: 1.36 times the speed is gained by book-keeping
    "per_sample": (8 / 6, 8 / 6, 2.0),
}
#: Bytes of a value of a sample's gradient: formed in the format of the weights, 16 bits.
GRADIENT_BYTES = 2.0
#: Share of quality kept at epsilon 6.7 in fine-tuning: MNLI with RoBERTa-large 87.8 of 90.2, E2E with GPT-2 XL 43.8 of
#: 48.1 BLEU (Yu et al. 2022). A smaller epsilon or training from scratch keeps less: the low end is an estimate.
QUALITY = (0.942, 0.8, 0.973)


class PrivateGradients(Technique):
    """Differentially private stochastic gradient descent."""

    name = "dp_sgd"
    slot = "gradient_privacy"
    stage = "runtime"
    aliases = ("differential_privacy",)
    doc = "clipped gradients with noise: differential privacy, spent by steps (settings noise_multiplier, delta)"
    sources = (
        Source(title="Abadi et al., Deep Learning with Differential Privacy, arXiv 1607.00133", date=date(2016, 7, 1)),
        Source(title="Bu et al., Differentially Private Optimization on Large Model at Small Cost, ICML 2023",
               url="https://proceedings.mlr.press/v202/bu23a.html", date=date(2023, 7, 23)),
        Source(title="Li et al., Large Language Models Can Be Strong Differentially Private Learners, ICLR 2022",
               url="https://arxiv.org/abs/2110.05679", date=date(2022, 4, 25)),
        Source(title="Yu et al., Differentially Private Fine-tuning of Language Models, ICLR 2022",
               url="https://arxiv.org/abs/2110.06500", date=date(2022, 4, 25)),
    )  # fmt: skip

    def settings(self, context: Context) -> tuple[str, ...]:
        """The ways to clip, where it was asked for."""
        return tuple(SLOWDOWNS) if named(self, context) else ()

    def required(self, context: Context) -> bool:
        """Whether the user named it: then nothing without it is an answer."""
        return named(self, context)

    def apply(self, rows: Candidates, setting: int | str, context: Context) -> Refusals:
        """Slow steps down, keep gradients of samples where they are formed, and take quality."""
        if setting not in SLOWDOWNS:
            return [(np.ones(len(rows), dtype=bool), f"setting {setting!r} is none of {', '.join(SLOWDOWNS)}")]
        for name, more in zip(("slowdown", "slowdown_low", "slowdown_high"), SLOWDOWNS[str(setting)], strict=True):
            rows[name] = rows[name] * more
        if setting == "per_sample":
            rows["sample_gradient_bytes"] = GRADIENT_BYTES
        kept = [rows[name] for name in ("quality", "quality.low", "quality.high")]
        rows.set_interval("quality", *(a * b for a, b in zip(QUALITY, kept, strict=True)))
        sharded = rows["shard_stage"] >= 3
        return [(sharded & (setting == "per_sample"), "gradients of samples need whole weights on a device")]
