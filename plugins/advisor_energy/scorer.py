"""The energy scorer: joules a token or sample, kWh and g CO2e of a run or a month."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from advisor.candidates import Array, Candidates
from advisor.context import Context
from advisor.interfaces import Objective, Scorer, Scores
from advisor_energy.demand import JOULES_PER_KWH, has_end, hours, samples_per_second, units_needed
from advisor_energy.embodied import embodied_per_hour
from advisor_energy.facility import FacilityPower, facility_power
from advisor_energy.figures import described, energy_figures
from advisor_energy.places import grids_of, places_of
from advisor_energy.sight import Sight
from advisor_energy.waiting import waiting_share


class EnergyScorer(Scorer):
    """Energy = facility power x time; carbon = energy x grid intensity + share of manufacture.

    Location-based, as GHG Protocol scope 2 names it: contracts for green power do not count.
    """

    name = "energy"
    doc = "energy and greenhouse gases, with host, facility overhead, grid and manufacture"

    @property
    def assumes(self) -> Mapping[str, str]:  # type: ignore[override]
        """Default figures that a user may set."""
        return described(energy_figures())

    def objectives(self, context: Context) -> Sequence[Objective]:
        """Return what is measured each task; totals where there is an end or a request rate."""
        totals = has_end(context) or context.workload.request_rate is not None
        each = _each(context)
        period = "the whole run" if has_end(context) else "730 hours"
        objectives = [
            Objective(f"energy_per_{each}", "J", "minimize", f"facility energy of one {_words(each)}",
                      aspect="" if totals else "energy"),
            Objective(f"carbon_per_million_{each}s", "g", "minimize", f"CO2 equivalents of a million {_words(each)}s",
                      aspect="" if totals else "carbon", errs_with="place"),
        ]  # fmt: skip
        if has_end(context) or context.workload.task == "serve":
            objectives += [
                Objective("energy_kwh", "kWh", "minimize", f"facility energy of {period}",
                          aspect="energy" if totals else "", negligible=0.01),
                Objective("carbon_g", "g", "minimize", f"CO2 equivalents of {period}, manufacture included",
                          aspect="carbon" if totals else "", negligible=5.0, errs_with="place"),
            ]  # fmt: skip
        if context.workload.power_budget is not None:
            objectives.append(Objective("machine_power", "W", "minimize", "mean power of devices and hosts together",
                                        limited_by="power_budget"))  # fmt: skip
        return objectives

    def score(self, rows: Candidates, context: Context) -> Scores:
        """Score every row; an unknown offer has the default facility and the world's average grid."""
        grids = grids_of(context)
        strange = {offer.grid for offer in context.offer_list if offer.grid and offer.grid not in grids}
        if strange:
            names = ", ".join(sorted(strange)[:5])
            context.warn(f"energy: unknown grid {names}: counted as the world's average, with a wide interval")
        if context.workload.flexible is not None and not has_end(context):
            context.warn("energy: flexible was not applied: only a job that ends can wait for cleaner electricity")
        return self._scores(Sight(rows, context, ends=False))

    def detail(self, rows: Candidates, context: Context) -> Scores:
        """The same with intervals and parts."""
        return self._scores(Sight(rows, context, ends=True))

    def _scores(self, sight: Sight) -> Scores:
        context = sight.context
        where = places_of(context)
        power = facility_power(sight, where)
        units = units_needed(sight)
        rate = samples_per_second(sight)
        if _each(context) == "token":
            rate = rate * sight["output_tokens"]

        making = embodied_per_hour(sight, where) * units  # g/h
        intensity = sight.take(where.intensity, sight["offer"])
        time = hours(sight)
        if context.workload.flexible is not None and has_end(context):
            intensity = intensity * waiting_share(context, context.offer_list, sight["offer"], time.value)
        each = _each(context)

        joules = power.total * units / rate
        made = making * (1e6 / 3600) / rate
        carbon = joules * intensity * (1e6 / JOULES_PER_KWH)
        energies = {f"energy_per_{each}": joules}
        carbons = {f"carbon_per_million_{each}s": (carbon, made)}
        if has_end(context) or context.workload.task == "serve":
            kwh = power.total * units * time * 1e-3
            energies["energy_kwh"] = kwh
            carbons["carbon_g"] = (kwh * intensity, making * time)

        answer = energies | {name: used + manufacture for name, (used, manufacture) in carbons.items()}
        if context.workload.power_budget is not None:
            answer["machine_power"] = power.machines
        if not sight.ends:
            shape = (len(sight.rows),)
            return Scores({name: np.broadcast_to(quantity.value, shape) for name, quantity in answer.items()})
        parts = {}
        for name in (objective.name for objective in self.objectives(context) if objective.aspect):
            used = energies[name] if name in energies else carbons[name][0]
            parts[name] = _power_parts(power, used.value)
            if name in carbons:
                parts[name]["embodied"] = carbons[name][1].value
        return Scores({name: quantity.ends for name, quantity in answer.items()}, parts)


def _each(context: Context) -> str:
    """What served work is counted in: output tokens, or samples where nothing is generated."""
    return "token" if context.workload.task == "serve" and context.model.generates else "sample"


def _words(each: str) -> str:
    return "output token" if each == "token" else "sample"


def _power_parts(power: FacilityPower, whole: Array) -> dict[str, Array]:
    """Divide a quantity that is proportional to the facility's power."""
    factor = whole / np.where(power.total.value > 0, power.total.value, 1.0)
    return {
        "devices": power.devices.value * factor,
        "host": power.host.value * factor,
        "facility overhead": power.overhead * factor,
    }
