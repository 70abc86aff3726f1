"""Models too small for an accelerator: the device waits for its host, and a processor does the same for less."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from advisor.cli import words

if TYPE_CHECKING:
    from advisor.api import Advisor
    from advisor.models import Model
    from advisor.ranking.result import Candidate
    from advisor.workload import Workload

#: Share of a step in launching and host work from which on a faster device would not help.
MOST_IDLE = 0.5


@dataclass(frozen=True)
class Elsewhere:
    """The best hardware of another kind on offer for the same work, beside the one asked about."""

    here: Candidate
    best: Candidate

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        whole = self.best.to_dict()
        kept = ("device", "device_name", "kind", "system", "offer", "recipe", "estimates", "objectives")
        return {name: whole[name] for name in kept}

    def sentence(self) -> str:
        """What the best does instead, in the objectives that the user weighs."""
        ranking = self.best.ranking
        compared = []
        for item in ranking.measured:
            name = item.objective.name
            if item.objective.aspect and ranking.weights.get(item.objective.aspect, 0.0) > 0:
                mine = {**self.here.estimates, **self.here.objectives}.get(name)
                its = {**self.best.estimates, **self.best.objectives}.get(name)
                if mine is not None and its is not None and mine.value != its.value and its.value == its.value:
                    compared.append(f"{words.heading(name)} {its} instead of {mine}")
        return f"{words.hardware(self.best)} {words.at(self.best)} does it with {', '.join(compared)}."


def busy_share(candidate: Candidate) -> float | None:
    """Share of a step in launching and host work, where it is most of the step; else None."""
    parts = candidate.parts("time")
    total = sum(figure.value for figure in parts.values())
    if not total or candidate.ranking.context.model.generates:
        return None
    idle = sum(parts[name].value for name in ("launch", "host") if name in parts) / total
    return idle if idle >= MOST_IDLE else None


def elsewhere(advisor: Advisor, model: Model, workload: Workload, here: Candidate) -> Elsewhere | None:
    """The best candidate on offer whose device is of another kind; None where there is none."""
    ranking = advisor.rank(model, workload.replace(techniques=(), without_techniques=()))
    best = next((candidate for candidate in ranking if candidate.device.kind != here.device.kind), None)
    return None if best is None else Elsewhere(here, best)
