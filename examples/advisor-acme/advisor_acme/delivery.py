"""The scorer: days until the hardware can be used."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from advisor import Candidates, Context, Objective, Offer, Scorer, Scores

#: Days for hardware that is bought where the offer does not say: a guess, hence the wide interval.
BOUGHT_DAYS, BOUGHT_LOW, BOUGHT_HIGH = 42.0, 7.0, 120.0


class DeliveryScorer(Scorer):
    """Rented or owned hardware is there today; what is bought takes what the vendor says, or weeks."""

    name = "delivery"
    doc = "days until the hardware can be used"

    def objectives(self, context: Context) -> Sequence[Objective]:
        """One objective for every task; thirty days more count like twice the cost."""
        return [
            Objective("delivery_days", "d", "minimize", "days until the hardware can be used", aspect="delivery",
                      scale="linear", span=30.0)
        ]  # fmt: skip

    def score(self, rows: Candidates, context: Context) -> Scores:
        """Look each row's offer up in a small table; no offer, no answer (NaN)."""
        days = np.array([_days(offer) for offer in context.offer_list] + [(np.nan,) * 3])
        value, low, high = days[rows["offer"]].T  # offer -1 finds the last line
        return Scores(values={"delivery_days": (value, low, high)})


def _days(offer: Offer) -> tuple[float, float, float]:
    said = offer.attributes.get("delivery_days", "")
    if said.isdigit():
        return float(said), 0.8 * float(said), 1.5 * float(said)
    if offer.purchase_usd is not None and offer.provider != "owned":
        return BOUGHT_DAYS, BOUGHT_LOW, BOUGHT_HIGH
    return 0.0, 0.0, 0.0
