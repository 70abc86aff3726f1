"""How a question's rows are read: values alone for all of them, with intervals for those that someone looks at."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from advisor.candidates import Array, Candidates
from advisor.context import Context
from advisor_energy.figures import Figure, assumed
from advisor_energy.intervals import Interval


class Sight(Struct, frozen=True):
    """Rows, their question, and whether the ends of intervals are wanted: without them a formula costs a third."""

    rows: Candidates
    context: Context
    ends: bool

    def __getitem__(self, name: str) -> Array:
        return self.rows[name]

    def column(self, name: str) -> Interval:
        """An interval column of the table."""
        return Interval.of(self.rows, name) if self.ends else Interval.exact(self.rows[name])

    def take(self, quantity: Interval, index: Array) -> Interval:
        """A quantity by offer, system or device, of every row; -1 is the last."""
        return quantity.take(index) if self.ends else Interval.exact(quantity.value[index])

    def figures(self, defaults: Mapping[str, Figure]) -> Mapping[str, Figure]:
        """Default figures with what the user assumes in their place."""
        return assumed(defaults, self.context.workload.assume)

    def figure(self, figure: Figure) -> Interval:
        """One figure as a quantity."""
        return figure.interval if self.ends else Interval.exact(figure.value)
