"""Short texts for candidates: what, where, how, and the figures that matter for the task."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

from advisor.units import format_quantity

if TYPE_CHECKING:
    from advisor.ranking.result import Candidate, Figure, Ranking
    from advisor.ranking.tipping import Tipping

#: How the literature writes the parallel degrees.
DEGREES = {
    "tensor_parallel": "tp", "pipeline_parallel": "pp", "data_parallel": "dp", "expert_parallel": "ep",
    "context_parallel": "cp",
}  # fmt: skip


def hardware(candidate: Candidate, short: bool = False) -> str:
    """``4 x NVIDIA H100 SXM5 80 GB``; in short without the vendor."""
    name, vendor = candidate.device.name, candidate.device.vendor
    if short and name.lower().startswith(f"{vendor.lower()} "):
        name = name[len(vendor) + 1 :]
    return f"{candidate.device_count} x {name}"


def place(candidate: Candidate) -> str:
    """Provider, region and term: ``acme eu-west spot``; on-demand goes without saying."""
    offer = candidate.offer
    if offer is None:
        return "no known offer"
    term = "" if offer.term in ("on-demand", "owned") else f" {offer.term}"
    return f"{offer.provider} {offer.region}{term}"


def place_and_others(candidate: Candidate) -> str:
    """Where, and how many others have the same."""
    return f"{place(candidate)} +{len(candidate.alike)}" if candidate.alike else place(candidate)


def at(candidate: Candidate) -> str:
    """Where, in a sentence."""
    return f"at {place(candidate)}" if candidate.offer is not None else "(no known offer)"


def recipe(candidate: Candidate) -> str:
    """``fp8, tp=4, batch 32``: techniques, parallel degrees above one, and the batch."""
    layout = candidate.layout
    words = [label for label in candidate.recipe.values() if label.partition("=")[0] not in layout]
    words += [f"{short}={layout[name]}" for name, short in DEGREES.items() if layout[name] > 1]
    batch = layout["global_batch"] if candidate.ranking.context.workload.trains else layout["batch"]
    return ", ".join([*words, f"batch {batch}"])


def by(candidate: Candidate, most: int = 3) -> str:
    """Frameworks that run a recipe in some format of its own: `` (vllm or sglang)``; nothing where any would."""
    names = candidate.frameworks
    if not names or not candidate.recipe:
        return ""
    return f" ({' or '.join(names[:most])}{' ...' if len(names) > most else ''})"


def memory_share(candidate: Candidate) -> str:
    """Share of the device's memory that is used."""
    return f"{100 * candidate.column('memory') / (candidate.device.memory_gib * 2**30):.0f}%"


def main_estimates(ranking: Ranking) -> list[tuple[str, str, str]]:
    """Heading, estimate and unit override of what a person asks first, by task."""
    workload, model = ranking.context.workload, ranking.context.model
    if workload.trains:
        return [("step", "step_time", ""), ("run time", "run_time", "")]
    if workload.task == "batch":
        return [("per second", "samples_per_s", ""), ("run time", "run_time", "")]
    share = f" p{workload.percentile:g}" if workload.request_rate is not None else ""
    if model.generates:
        return [(f"TTFT{share}", "time_to_first_token", ""), (f"TPOT{share}", "time_per_output_token", ""),
                ("tok/s", "samples_per_s", "tokens")]  # fmt: skip
    return [(f"latency{share}", "request_latency", ""), ("req/s", "samples_per_s", "")]


def estimate_text(candidate: Candidate, name: str, scale: str = "") -> str:
    """One estimate in short; ``scale="tokens"`` turns requests into generated tokens."""
    if name not in candidate.table:
        return "-"
    value = candidate.column(name)
    if scale == "tokens":
        return format_quantity(value * candidate.ranking.context.workload.output_tokens, "")
    unit = candidate.estimates[name].unit
    return format_quantity(value, "" if unit == "/s" else unit)


def interval(figure: Figure) -> str:
    """The 80 % interval: ``±8 %`` where it is even, else ``low – high``."""
    value, low, high = figure.value, figure.low, figure.high
    if not all(map(math.isfinite, (value, low, high))) or low == high:
        return ""
    below, above = value - low, high - value
    if value > 0 and abs(above - below) <= 0.1 * max(above, below):
        return f"±{50 * (high - low) / value:.0f} %"
    return f"{format_quantity(low, figure.unit)} – {format_quantity(high, figure.unit)}"


def heading(name: str) -> str:
    """A column name as people write it."""
    return name.replace("_", " ")


def title(name: str, unit: str) -> str:
    """A name as people write it beside its value, which has the unit that may end it: ``energy``, of ``energy_kwh``."""
    return heading(name).removesuffix(f" {unit.lower()}")


def answer(ranking: Ranking) -> str:
    """The ranking in one sentence."""
    best = ranking.best
    if best is None:
        return "No candidate is feasible."
    text = f"Best: {hardware(best)} {at(best)}, {recipe(best)}{by(best)}"
    if len(ranking) == 1:
        return f"{text}: the only hardware that meets every limit."
    second = ranking[1]
    why = _advantage(ranking, best, second)
    return f"{text}, because {why} than the next ({hardware(second)} {at(second)})." if why else f"{text}."


def certainty(ranking: Ranking) -> str:
    """How sure the answer is: the chance of the best, the next likely one, ties, and limits that may not hold."""
    best = ranking.best
    if best is None or best.certainty is None or len(ranking) == 1:
        return _doubtful_limits(best) if best is not None else ""
    known = [chance for candidate in ranking.alternatives if (chance := candidate.certainty) is not None]
    other = max(range(1, len(known)), key=lambda place: known[place].best)
    text = f"Best with {percent(known[0].best)}"
    likely, name = known[other].best, f"{hardware(ranking[other])} {at(ranking[other])}"
    if likely > known[0].best:
        text += f"; more often {name} ({percent(likely)}), of which less is sure"
    elif likely >= 0.005:
        text += f", else {name} ({percent(likely)})"
    tied = sum(chance.tied_with == 0 for chance in known) - 1
    if tied:
        text += f"; the estimates cannot tell it from the next {f'{tied} ' if tied > 1 else ''}in the table"
    return " ".join(filter(None, [f"{text}.", _doubtful_limits(best)]))


def may_break_limits(candidate: Candidate) -> bool:
    """Whether it keeps all limits with less than 95 %."""
    return candidate.certainty is not None and candidate.certainty.keeps_limits < 0.95


def _doubtful_limits(best: Candidate) -> str:
    """Limits that the best keeps with less than 95 %."""
    known = best.certainty
    doubtful = {} if known is None else {name: chance for name, chance in known.limits.items() if chance < 0.95}
    if not doubtful:
        return ""
    return "It keeps " + ", ".join(f"{heading(name)} with {percent(share)}" for name, share in doubtful.items()) + "."


def tipping(change: Tipping) -> str:
    """A change at which other hardware comes first, in a line."""
    side = "above" if change.at >= change.now else "below"
    now, at_ = (format_quantity(amount, change.unit) for amount in (change.now, change.at))
    if change.kind == "weight":
        now, at_ = f"{change.now:.2g}", f"{change.at:.2g}"
    what = {"weight": "weight of ", "price": "price of "}.get(change.kind, "") + heading(change.name)
    then = change.candidate
    answer = "nothing is feasible" if then is None else f"{hardware(then)} {at(then)}, {recipe(then)}"
    return f"{what} {side} {at_} (now {now}): {answer}"


def percent(chance: float) -> str:
    """A chance in whole per cent; never all or nothing."""
    if chance > 0.99:
        return "over 99 %"
    return f"{100 * chance:.0f} %" if chance >= 0.005 else "below 1 %"


def enough(ranking: Ranking) -> str:
    """Where a single device wins over hardware of twice its size and more: that it is enough."""
    best = ranking.best
    if best is None or best.device_count > 1:
        return ""
    bandwidth = best.device.memory_bandwidth_gb_per_s
    sizes = [other.device_count * other.device.memory_bandwidth_gb_per_s for other in ranking]
    larger = sum(size >= 2 * bandwidth for size in sizes)
    if 2 * larger < len(sizes):
        return ""
    return (f"One {best.device.name} is enough: {larger} of the other {len(sizes) - 1} alternatives have twice its "
            "memory bandwidth or more, which does not pay here.")  # fmt: skip


def numbers(candidates: list[Candidate]) -> list[str]:
    """Places in the order; ``=`` where the data cannot tell a candidate from the nearest one above without it."""
    answer = []
    for candidate in candidates:
        known = candidate.certainty
        tied = known is not None and known.tied_with != known.place
        answer.append(f"{candidate.rank}{'=' if tied else ''}")
    return answer


def _advantage(ranking: Ranking, best: Candidate, second: Candidate) -> str:
    """The aspect in which the best gains most on the second, weighted as the user wants."""
    judged = [item for item in ranking.measured if item.objective.aspect]
    gains = [(ranking.weights.get(item.objective.aspect, 0.0)
              * (ranking.losses[second.row, column] - ranking.losses[best.row, column]), item.objective.name, item)
             for column, item in enumerate(judged)]  # fmt: skip
    if not gains or max(gains, key=lambda gain: gain[0])[0] <= 0:
        return ""
    _, _, item = max(gains, key=lambda gain: gain[0])
    mine, other = item.at(best.row)[0], item.at(second.row)[0]
    more = "lower" if item.objective.direction == "minimize" else "higher"
    unit = item.objective.unit
    change = ""
    if item.objective.scale == "ratio" and other > 0:
        ratio = mine / other
        times = format_quantity(max(ratio, 1 / max(ratio, 1e-12)), "", 2)
        change = f"{100 * abs(1 - ratio):.0f} % " if 0.5 <= ratio <= 2 else f"{times}x "
    return f"its {title(item.objective.name, unit)} ({format_quantity(mine, unit)}) is {change}{more}"


def left_out_lines(ranking: Ranking, most: int) -> list[str]:
    """One line a device that has no feasible candidate, the nearest misses first."""
    missed = ranking.infeasible
    lines = [f"{hardware(candidate)}: {'; '.join(candidate.reasons)}" for candidate in missed[:most]]
    return [*lines, f"and {len(missed) - most} more (--limit, advisor explain)"] if len(missed) > most else lines


def constant(values: Mapping[str, list[str]]) -> dict[str, str]:
    """Columns that say the same in every one of several rows."""
    return {name: column[0] for name, column in values.items() if len(column) > 1 and len(set(column)) == 1}
