"""The cost scorer: US dollars by hour, token, request, sample, run and month."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from advisor.candidates import Array, Candidates
from advisor.context import Context
from advisor.interfaces import Objective, Scorer, Scores
from advisor_cost.committed import unused_hours
from advisor_cost.prices import Prices, cost_figures, prices_of
from advisor_cost.spot import paid_share
from advisor_energy.demand import HOURS_PER_MONTH, has_end, hours, samples_per_second, units_needed
from advisor_energy.facility import facility_power
from advisor_energy.figures import described
from advisor_energy.intervals import Interval
from advisor_energy.places import places_of
from advisor_energy.sight import Sight

SECONDS_PER_HOUR = 3600.0


class CostScorer(Scorer):
    """Rent of all systems, or their depreciation and electricity, over what is done with them.

    Whole systems are paid for. A job on bought or reserved hardware bears its part of the hours in
    which that waits, and every job pays for its systems while they start; a service uses every hour.
    Storage and egress are counted where the provider's price is known; minimum billing times are not.
    """

    name = "cost"
    doc = "rent, or purchase and electricity; spot with the expected price of interruption"

    @property
    def assumes(self) -> Mapping[str, str]:  # type: ignore[override]
        """Default figures that a user may set."""
        return described(cost_figures())

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
                          negligible=0.1)
            )  # fmt: skip
        return objectives

    def score(self, rows: Candidates, context: Context) -> Scores:
        """Score every row; NaN where no offer is known."""
        if context.workload.budget is not None and context.workload.task != "serve" and not has_end(context):
            context.warn("cost: budget not applied, as the job has no end; give rows or tokens")
        return self._scores(Sight(rows, context, ends=False))

    def detail(self, rows: Candidates, context: Context) -> Scores:
        """The same with intervals and parts."""
        return self._scores(Sight(rows, context, ends=True))

    def _scores(self, sight: Sight) -> Scores:
        context, offer = sight.context, sight["offer"]
        asked = prices_of(context)
        rate = samples_per_second(sight) * SECONDS_PER_HOUR
        sums = self._per_hour(sight, asked, rate.value)
        per_hour = sum(sums.values(), start=Interval.exact(np.zeros(len(offer))))
        paid = paid_share(sight, asked)
        work = per_hour * units_needed(sight) * paid  # USD an hour of work done
        each = work / rate  # USD a request or sample

        answer, starting = {"cost_per_hour": per_hour}, Interval.exact(0.0)
        if context.workload.task == "serve":
            answer["cost_per_month"] = work * HOURS_PER_MONTH
            answer["cost_per_request"] = each
            if context.model.generates:
                answer["cost_per_million_tokens"] = each * (1e6 / sight["output_tokens"])
        else:
            answer["cost_per_thousand_samples"] = each * 1e3
            if has_end(context):
                starting = per_hour * sight.figure(sight.figures(cost_figures())["start_hours"])
                answer["cost_per_run"] = work * hours(sight) + starting
        missing = ~asked.priced[offer]
        exclusions = [(missing, "no price is known for this offer")] if missing.any() else []
        if not sight.ends:
            return Scores({name: total.value for name, total in answer.items()}, exclusions=exclusions)
        with np.errstate(divide="ignore", invalid="ignore"):
            shares = {name: np.where(per_hour.value > 0, part.value / per_hour.value, 0.0)
                      for name, part in sums.items()}  # fmt: skip
        parts = {"cost_per_hour": {part: share * per_hour.value for part, share in shares.items()}}
        for name in (objective.name for objective in self.objectives(context) if objective.aspect):
            worked = answer[name].value - (starting.value if name == "cost_per_run" else 0.0)
            of_work = worked / paid.value
            parts[name] = {part: share * of_work for part, share in shares.items()}
            if not paid.is_exact:
                parts[name]["interruptions"] = worked - of_work
            if name == "cost_per_run":
                parts[name]["starting"] = starting.value
        return Scores({name: total.ends for name, total in answer.items()}, parts, exclusions)

    @staticmethod
    def _per_hour(sight: Sight, asked: Prices, requests_per_hour: Array) -> dict[str, Interval]:
        """Return USD/h of all systems, by part; all parts that are fixed in one where parts are not asked for."""
        context, offer = sight.context, sight["offer"]
        systems = sight["nodes"] * sight["units"]
        fixed = sight.take(asked.fixed, offer) * systems
        parts = {"rent": fixed}
        if sight.ends:
            parts = {"rent": Interval.exact(asked.rent_per_hour[offer] * systems)}
            parts |= {name: sight.take(part, offer) * systems for name, part in asked.owning.items() if part.high.any()}
        if asked.pays_electricity.any():
            power = facility_power(sight, places_of(context))
            paid = sight.take(asked.per_kwh, offer) * (asked.pays_electricity[offer] * 1e-3)
            if sight.ends:
                whole = power.total * paid
                of_machines = power.machines.value / np.maximum(power.total.value, 1e-300)
                parts |= {"electricity": whole * of_machines, "cooling and supply": whole * (1 - of_machines)}
            else:
                parts["electricity"] = power.total * paid
        unused = unused_hours(sight, asked, fixed)
        if unused is not None:
            parts["unused hours"] = unused
        if asked.storage_per_hour.any():
            parts["storage"] = Interval.exact(asked.storage_per_hour[offer])
        if asked.egress_per_request.any():
            parts["egress"] = Interval.exact(asked.egress_per_request[offer] * requests_per_hour)
        return parts
