"""What waiting for cleaner electricity saves: a job that may be late picks the hours it runs in.

The intensity of a grid over the day repeats (its mean course, ``advisor_catalogs.grid_hours``). A job of so many
hours that may end so much later runs in the cleanest hours of that window, stopping and going on where it must
(Wiesner et al., Let's wait awhile: how temporal workload shifting can reduce carbon emissions in the cloud,
Middleware 2021, "interruptible" jobs); whoever submits jobs does so at any hour, so the mean over all hours is taken.
Single days differ more than their mean course does, so that this understates what a forecast of the day would save.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence

import numpy as np

from advisor.candidates import Array
from advisor.context import Context
from advisor.offers import Offer

#: Lengths of jobs in hours at which the saving is computed; between them it is interpolated.
LENGTHS = np.array([0.25, 0.5, 1, 2, 3, 4, 6, 8, 10, 12, 16, 20, 24, 36, 48, 72, 120, 240, 480, 960])
STEP = 0.25  # hours


@functools.cache
def known_hours() -> Mapping[str, Sequence[float]]:
    """Return grid to its course over the day, UTC; none where the catalog is not installed."""
    try:
        from advisor_catalogs.grid_hours import load_grid_hours
    except ImportError:
        return {}
    return {name: hours.shares for name, hours in load_grid_hours().items()}


def hours_of(context: Context) -> Mapping[str, Sequence[float]]:
    """Return the courses that a question knows: the catalog's, and over them those of the user's own folders."""
    own = {day.id: day.shares for day in context.own.get("grid_days", ())}
    return {**known_hours(), **own} if own else known_hours()


def cleanest(shares: Sequence[float], start: float, length: float, slack: float) -> Array:
    """Return the quarter hours, counted from ``start``, in which a job of ``length`` hours runs at best."""
    window = _window(np.asarray(shares), start, length, slack)
    return np.sort(np.argsort(window, kind="stable")[: _steps(length)])


@functools.cache
def saved_shares(shares: tuple[float, ...], slack: float) -> Array:
    """Return the mean intensity of jobs of ``LENGTHS`` that wait up to ``slack`` hours, over the grid's mean."""
    course = np.asarray(shares)
    answer = []
    for length in LENGTHS:
        count = _steps(length)
        windows = [_window(course, float(start), float(length), slack) for start in range(24)]
        answer.append(np.mean([np.sort(window)[:count].mean() for window in windows]))
    return np.minimum(answer, 1.0)


def waiting_share(context: Context, offers: Sequence[Offer], offer: Array, hours: Array) -> Array:
    """Return the intensity of each row's electricity over its grid's mean: 1 where no course is known."""
    slack = (context.workload.flexible or 0.0) / 3600.0
    known = hours_of(context)
    courses = list(dict.fromkeys(grid.grid for grid in offers if grid.grid in known))
    if not slack or not courses:
        return np.ones(len(hours))
    table = np.vstack([np.ones(len(LENGTHS)), *(saved_shares(tuple(known[name]), slack) for name in courses)])
    position = {name: number for number, name in enumerate(courses, start=1)}
    course = np.array([*(position.get(item.grid, 0) for item in offers), 0])[offer]
    place = np.interp(hours, LENGTHS, np.arange(len(LENGTHS)))
    below = np.minimum(place.astype(int), len(LENGTHS) - 2)
    part = place - below
    return np.asarray(table[course, below] * (1 - part) + table[course, below + 1] * part)


def _window(course: Array, start: float, length: float, slack: float) -> Array:
    """Intensity of every quarter hour from ``start`` until the job must be done."""
    steps = _steps(length + slack)
    hours = (start + STEP * np.arange(steps)) % 24
    return np.asarray(course[hours.astype(int)])


def _steps(hours: float) -> int:
    return max(1, round(hours / STEP))
