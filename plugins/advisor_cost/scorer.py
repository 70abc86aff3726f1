"""The cost scorer: US dollars by hour, token, request, sample, run and month."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from advisor.candidates import Array, Candidates
from advisor.context import Context
from advisor.interfaces import Objective, Scorer, Scores
from advisor_cost.committed import unused_hours
from advisor_cost.prices import Prices, prices
from advisor_cost.spot import paid_share
from advisor_energy.demand import HOURS_PER_MONTH, has_end, hours, samples_per_second, units_needed
from advisor_energy.facility import facility_power
from advisor_energy.intervals import Interval
from advisor_energy.places import places

SECONDS_PER_HOUR = 3600.0


class CostScorer(Scorer):
    """Rent of all systems, or their depreciation and electricity, over what is done with them.

    Whole systems are paid for. A job on bought or reserved hardware bears its part of the hours in
    which that waits; a service uses every hour. Minimum billing times, storage, data transfer and
    staff are not counted.
    """

    name = "cost"
    doc = "rent, or purchase and electricity; spot with the expected price of interruption"

    def objectives(self, context: Context) -> Sequence[Objective]:
        """Return what is measured each task; the aspect ``cost`` is what the user will pay in the end."""
        workload, ends = context.workload, has_end(context)
        objectives = [Objective("cost_per_hour", "USD/h", "minimize", "all systems for an hour")]
        if workload.task == "serve":
            by_month = workload.request_rate is not None
            by_token = not by_month and context.model.generates
            objectives += [
                Objective("cost_per_month", "USD/month", "minimize", "all systems for 730 hours",
                          aspect="cost" if by_month else "", limited_by="budget", negligible=1.0),
                Objective("cost_per_request", "USD", "minimize", "one request at the actual load",
                          aspect="" if by_month or by_token else "cost", negligible=1e-7),
            ]  # fmt: skip
            if context.model.generates:
                objectives.append(
                    Objective("cost_per_million_tokens", "USD/1M tokens", "minimize",
                              "a million output tokens at the actual load",
                              aspect="cost" if by_token else "", negligible=1e-3)
                )  # fmt: skip
            return objectives
        objectives.append(
            Objective("cost_per_thousand_samples", "USD/1k samples", "minimize", "a thousand samples or sequences",
                      aspect="" if ends else "cost", negligible=1e-5)
        )  # fmt: skip
        if ends:
            objectives.append(
                Objective("cost_per_run", "USD", "minimize", "the whole job", aspect="cost", limited_by="budget",
                          negligible=0.01)
            )  # fmt: skip
        return objectives

    def score(self, rows: Candidates, context: Context) -> Scores:
        """Score every row; NaN where no offer is known."""
        asked = prices(context.offer_list)
        offer = rows["offer"]
        per_hour, shares = self._per_hour(rows, context, asked)
        paid = paid_share(rows, context, asked)
        work = per_hour * units_needed(rows, context) * paid  # USD an hour of work done
        each = work / (samples_per_second(rows, context) * SECONDS_PER_HOUR)  # USD a request or sample

        answer = {"cost_per_hour": per_hour}
        if context.workload.task == "serve":
            answer["cost_per_month"] = work * HOURS_PER_MONTH
            answer["cost_per_request"] = each
            if context.model.generates:
                answer["cost_per_million_tokens"] = each * (1e6 / rows["output_tokens"])
        else:
            answer["cost_per_thousand_samples"] = each * 1e3
            if has_end(context):
                answer["cost_per_run"] = work * hours(rows, context)
            elif context.workload.budget is not None:
                context.warn("cost: budget not applied, as the job has no end; give rows or tokens")
        parts = {"cost_per_hour": {part: share * per_hour.value for part, share in shares.items()}}
        for name in (objective.name for objective in self.objectives(context) if objective.aspect):
            of_work = answer[name].value / paid.value
            parts[name] = {part: share * of_work for part, share in shares.items()}
            if not paid.is_exact:
                parts[name]["interruptions"] = answer[name].value - of_work
        missing = ~asked.priced[offer]
        exclusions = [(missing, "no price is known for this offer")] if missing.any() else []
        return Scores({name: total.ends for name, total in answer.items()}, parts, exclusions)

    @staticmethod
    def _per_hour(rows: Candidates, context: Context, asked: Prices) -> tuple[Interval, dict[str, Array]]:
        """Return USD/h of all systems, and the share of it that each part is."""
        offer = rows["offer"]
        systems = rows["nodes"] * rows["units"]
        rent = asked.rent_per_hour[offer] * systems
        depreciation = asked.depreciation_per_hour[offer] * systems
        total = Interval.exact(rent + depreciation)
        parts = {"rent": rent}
        if asked.depreciation_per_hour[:-1].any():
            parts["depreciation"] = depreciation
        if asked.pays_electricity.any():
            power = facility_power(rows, context, places(context.offer_list)).total
            paid = asked.pays_electricity[offer] * 1e-3
            electricity = power * asked.per_kwh.take(offer) * paid
            parts["electricity"] = electricity.value
            total = total + electricity
        unused = unused_hours(rows, context, asked, rent + depreciation)
        if unused is not None:
            parts["unused hours"] = unused.value
            total = total + unused
        with np.errstate(divide="ignore", invalid="ignore"):
            shares = {name: np.where(total.value > 0, part / total.value, 0.0) for name, part in parts.items()}
        return total, shares
