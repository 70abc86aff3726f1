"""Latency of a replica at the rate of requests that it really gets: means, percentiles, the rate that it bears.

A replica with continuous batching works step after step. A step decodes one token of each of the n requests
in flight, ``base + slope x n`` seconds, and prefills the prompts that wait as it begins, ``prefill`` each, as far
as there are places; their first token comes at its end. Requests arrive at random (Poisson).

- Number present. All in flight share the replica alike: processor sharing at a rate that depends on the number,
  whose distribution depends on the mean of the lengths alone (Cohen, Acta Informatica 12, 1979). With this rate
  it is a negative binomial. Prompts that pile up while others are prefilled join in clumps of mean size
  1/(1 - x), x the share of time spent on prefills, as in a queue with batch arrivals: the variance is larger by
  the clumps' index of dispersion, (1 - x)^-2, less so for spread lengths (M^X/G/infinity: Holman et al. 1983).
- Places. Beyond them requests wait (limited processor sharing: Avi-Itzhak and Halfin 1988), geometrically many
  as in Erlang's delay formula. The mean wait is that of M/M/c times Allen and Cunneen's (1 + cv^2)/2, with
  Cosmetatos' (1975) correction for fixed lengths.
- First token. The rest of the running step, as long as an arrival finds it (length-biased), then its own step
  with all that came in the meantime: gated service.

Percentiles are those of mixtures of gamma distributions with these moments. ``tests/roofline/test_queueing.py``
compares with a simulation up to a load of 0.9. Off by more than 10 %: where prefills take over half of the time, and
a median or 95 % at the edge of those that wait for a place (up to 25 %, with two to twelve places).
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from advisor.candidates import Array

#: Share of time on prefills, and load by decoding, up to which the number present is extrapolated.
MOST_BUSY = 0.97
#: Steps of bisection for a percentile (of the logarithm of its bracket), and for a rate (of the load: to 0.4 %).
HALVINGS, RATE_HALVINGS = 12, 8
#: Less wait in M/D/c than in M/M/c: share of the probability for each share of idle capacity (fitted, 4 to 128 places).
FIXED_WAITS_LESS = 0.35


@dataclass(frozen=True)
class Replica:
    """One replica a row; times in seconds.

    A decode step of n requests takes ``base + slope x n``; a prompt adds ``prefill`` to its step, with the
    coefficient of variation ``prompt_spread``. At most ``places`` are in flight. A request generates ``tokens``
    on average, with the coefficient of variation ``spread``: 0 fixed, 1 exponential. ``outside`` is spent before
    the first token in the host and in filling a pipeline: it holds nobody up.
    """

    base: Array
    slope: Array
    prefill: Array
    places: Array
    tokens: Array
    outside: Array
    spread: float = 0.0
    prompt_spread: float = 0.0

    def take(self, rows: Array) -> Replica:
        """The replicas at some positions."""
        return Replica(self.base[rows], self.slope[rows], self.prefill[rows], self.places[rows], self.tokens[rows],
                       self.outside[rows], self.spread, self.prompt_spread)  # fmt: skip

    @property
    def capacity(self) -> Array:
        """Requests a second with all places taken."""
        alone = np.where(self.places == 1, self.base, 0.0)  # nobody to decode beside a lone prompt
        decode = self.tokens * self.base + (self.tokens - 1) * self.slope * self.places - alone
        return np.asarray(self.places / (decode + self.places * self.prefill))


@dataclass(frozen=True)
class Mixture:
    """A time that is ``start`` plus a gamma variate of ``mean`` and ``variance``, for each part with its weight."""

    parts: tuple[tuple[Array, Array, Array, Array], ...]

    @property
    def mean(self) -> Array:
        """Mean of each row."""
        return np.asarray(sum(weight * (start + mean) for weight, start, mean, _ in self.parts))

    def quantile(self, share: float) -> Array:
        """The time that ``share`` of the requests stay below."""
        with np.errstate(all="ignore"):
            ends = [start + _gamma_quantile(mean, variance, share) for _, start, mean, variance in self.parts]
            if len(ends) == 1:
                return np.asarray(ends[0])
            tails = [_cube_root(mean, variance) for _, _, mean, variance in self.parts]
            low, high = np.maximum(np.minimum.reduce(ends), 1e-12), np.maximum.reduce(ends)
            for _ in range(HALVINGS):
                middle = np.sqrt(low * high)
                above = np.zeros_like(middle)
                for (weight, start, _, _), (slope, offset) in zip(self.parts, tails, strict=True):
                    above += weight * _normal_above(slope * np.cbrt(middle - start) - offset)
                more = above > 1 - share
                low, high = np.where(more, middle, low), np.where(more, high, middle)
            return np.asarray(np.sqrt(low * high))


@dataclass(frozen=True)
class Latency:
    """What requests meet at a rate: seconds to the first token and to the last, between tokens, and the state."""

    first_token: Mixture
    per_token: Mixture
    request: Mixture
    in_flight: Array
    waiting: Array  # share of requests that find all places taken


def latency(replica: Replica, rate: Array) -> Latency:
    """What requests meet that arrive at ``rate`` a second; infinite at or beyond the capacity."""
    load = np.minimum(rate / replica.capacity, 1.0)
    fine = load < 1.0
    load = np.where(fine, load, 0.5)
    rate = load * replica.capacity
    base, slope, prefill, places, tokens = (replica.base, replica.slope, replica.prefill, replica.places,
                                            replica.tokens)  # fmt: skip
    mean_below, variance_below, empty, waiting = _present(replica, rate, load)
    in_flight = (1 - waiting) * mean_below + waiting * places
    at_once = np.maximum(1 - waiting - empty, 0.0)
    full = base + slope * places + prefill
    decoding = base + slope * np.clip(in_flight / np.maximum(1 - empty, 1e-9), 1, places)
    prefilling = np.minimum(rate * prefill, MOST_BUSY)
    quiet, rest, rest_variance, stirred, stirred_variance, quiet_share = _gate(
        decoding, prefill, rate, prefilling, replica.prompt_spread)  # fmt: skip

    wait, wait_variance = _wait(replica, rate, load)
    own = decoding + prefill
    nothing = np.zeros_like(rate)
    first = Mixture((
        (empty, prefill, 1e-6 * prefill + 1e-12, nothing),
        (at_once * quiet_share, own, quiet, quiet**2 / 3),
        (at_once * (1 - quiet_share), own, stirred, stirred_variance),
        (waiting, full, wait, wait_variance),
    ))  # fmt: skip

    # Little's law: time in a place; what is not prefill is decoding
    started = empty * prefill + at_once * (own + rest) + waiting * full
    steps = np.maximum(tokens - 1, 0.0)
    each = np.maximum((in_flight / rate - started) / np.maximum(steps, 1.0), base + slope)
    crowded = (base + slope * places) / (1 - np.minimum(replica.capacity * prefill, MOST_BUSY))
    each_waited = each + 0.5 * np.maximum(crowded - each, 0.0)  # the crowd thins out in the course of a lifetime
    each_other = np.maximum((each - waiting * each_waited) / np.maximum(1 - waiting, 1e-9), base + slope)
    # number in flight over a lifetime (fixed lengths: autocovariance falls linearly, so 2/3 of its variance),
    # and the prefills of others in it
    moving = 2 / 3 * (steps * slope / (1 - prefilling)) ** 2 * variance_below
    others = rate * prefill**2 * (1 + replica.prompt_spread**2) * steps * each / (1 - prefilling) ** 2
    lengths = (steps * replica.spread) ** 2
    moved = (1 + replica.spread**2) * (moving + others)
    begun = (empty * prefill + at_once * (own + rest)) / np.maximum(1 - waiting, 1e-9)
    request = Mixture((
        (1 - waiting, nothing, begun + steps * each_other, rest_variance + lengths * each_other**2 + moved),
        (waiting, full, wait + steps * each_waited, wait_variance + lengths * each_waited**2 + moved),
    ))  # fmt: skip
    # short requests feel single prefills more: E[1/steps] grows with the logarithm; long ones are not slower
    # than with all places taken
    short = 1 + replica.spread**2 * np.log(np.maximum(steps, 1.0))
    uneven = (moving + others * short) / np.maximum(steps, 1.0) ** 2
    bound = ((crowded - each) / 2.4) ** 2 / max(1 - replica.spread**2, 1e-9)
    between = Mixture(((np.ones_like(rate), nothing, each, np.minimum(uneven, bound)),))
    return Latency(_moved(first, replica.outside, fine), _moved(between, nothing, fine),
                   _moved(request, replica.outside, fine), np.where(fine, in_flight, places),
                   np.where(fine, waiting, 1.0))  # fmt: skip


def largest_rate(
    replica: Replica, first_token: float | None = None, per_token: float | None = None, request: float | None = None,
    share: float = 0.95, most: float = 0.98,
) -> Array:  # fmt: skip
    """Requests a second up to which ``share`` of them keep within the times given, at most ``most`` of the capacity.

    0 where even one alone does not.
    """
    bounds = [(name, bound) for name, bound in (("first_token", first_token), ("per_token", per_token),
                                                ("request", request)) if bound is not None]  # fmt: skip

    def kept(these: Replica, load: Array) -> Array:
        met = latency(these, load * these.capacity)
        answer = np.ones(len(load), dtype=bool)
        for name, bound in bounds:
            answer &= getattr(met, name).quantile(share) <= bound
        return answer

    low = np.zeros(len(replica.places))
    high = np.full(len(low), most)
    easy = kept(replica, high)
    low[easy] = most
    open_rows = np.flatnonzero(~easy)
    open_rows = open_rows[kept(replica.take(open_rows), np.full(len(open_rows), 1e-3))]
    these = replica.take(open_rows)
    below, above = np.full(len(open_rows), 1e-3), high[open_rows]
    for _ in range(RATE_HALVINGS):
        middle = 0.5 * (below + above)
        fine = kept(these, middle)
        below, above = np.where(fine, middle, below), np.where(fine, above, middle)
    low[open_rows] = below
    return np.asarray(low * replica.capacity)


def _present(replica: Replica, rate: Array, load: Array) -> tuple[Array, Array, Array, Array]:
    """Mean and variance of the number present while below ``places``, and shares of time with none, and with all."""
    even = 1 / (1 + replica.spread**2)
    x = np.minimum(rate * replica.prefill, MOST_BUSY)
    decode = np.minimum(rate * (replica.tokens - 1) * replica.slope / (1 - x), MOST_BUSY)
    dispersion = 1 + even * ((1 - x) ** -2 - 1)
    mean = rate * replica.tokens * replica.base / (1 - x) / (1 - decode)
    mean = mean + (decode * dispersion + x / (1 - x)) / (1 - decode)  # as arrivals see it: long steps see more
    mean = mean + x**2 / (1 - x**2) * (x / (1 - x) + 0.5)
    ratio = np.maximum(1 - (1 - decode) / dispersion, 1e-9)  # negative binomial: p(k) = p(k-1) ratio (size + k - 1)/k
    first = mean * (1 - ratio)  # ratio x size
    lone = rate * replica.base  # the first finds nobody to decode beside

    # p(k-1)/p(k), and sums over j <= k in units of p(k); places far above what comes need not be reached
    top = np.minimum(replica.places, np.ceil(mean + 8 * np.sqrt(mean / (1 - ratio)) + 8))
    order = np.argsort(-top, kind="stable")
    first, ratio, lone, top = first[order], ratio[order], lone[order], top[order]
    total, average, square, empty = np.ones_like(mean), np.zeros_like(mean), np.zeros_like(mean), np.ones_like(mean)
    for k in range(1, int(top[0]) if len(top) else 0):
        live = int(np.searchsorted(-top, -k, side="left"))
        up = first[:live] + (k - 1) * ratio[:live] - (lone[:live] if k == 1 else 0.0)
        below = np.minimum(total[:live] * (k / np.maximum(up, 1e-12)), 1e300)
        share = below / (1 + below)
        total[:live] = 1 + below
        average[:live] = k + (average[:live] - k) * share
        square[:live] = k * k + (square[:live] - k * k) * share
        empty[:live] *= share
    up = np.maximum(first + (top - 1) * ratio - np.where(top == 1, lone, 0.0), 1e-12)
    odds_against = np.minimum(total * (top / up), 1e300)
    back = np.empty_like(order)
    back[order] = np.arange(len(order))
    odds_against, average, square, empty = odds_against[back], average[back], square[back], empty[back]
    many = replica.places > 1
    # a clump carries the number over the places together; spread lengths dissolve it
    clump = np.where(many, (1 - x) ** max(1 - 0.8 * replica.spread**2, 0.2), 1.0)
    waiting = 1 / (1 + odds_against * (1 - load) * clump) * _fixed_less(replica, load)
    waiting = np.where(replica.places == 1, load, waiting)
    return average, np.maximum(square - average**2, 0.0), empty * (1 - waiting), waiting


def _fixed_less(replica: Replica, load: Array) -> Array:
    """How many times rarer requests of little spread wait than in Erlang's formula."""
    even = max(1 - replica.spread**2, 0.0)
    return np.where(replica.places > 1, 1 - FIXED_WAITS_LESS * (1 - load) * even, 1.0)


def _wait(replica: Replica, rate: Array, load: Array) -> tuple[Array, Array]:
    """Mean and variance of the wait for a place of those that wait."""
    c = replica.places
    decode = replica.tokens * (replica.base + replica.slope * c)
    variation = (replica.spread * decode / (decode + c * replica.prefill)) ** 2
    fixed = np.maximum(1 - variation, 0.0)
    correction = 1 + np.minimum((1 - load) * (c - 1) * (np.sqrt(4 + 5 * c) - 2) / (16 * load * c), 1.0)
    factor = (variation + 0.5 * fixed * correction) / _fixed_less(replica, load)
    few = 1 / np.sqrt(c)
    even = max(1 - replica.spread**2, 0.0)
    factor = factor * (1 + 0.25 * even * np.minimum(rate * replica.prefill, 1.0) * (1 - few))  # clumps (fitted)
    mean = factor * load / (1 - load) / rate
    # one place: M/G/1 exactly; many: the tail of M/D/c (fitted, 4 to 128 places)
    spread = 1 - fixed**1.5 * (2 / 3 * (1 - load) * few + 0.3 * (1 - few))
    return mean, mean**2 * spread


def _gate(
    decoding: Array, prefill: Array, rate: Array, x: Array, prompt_spread: float
) -> tuple[Array, Array, Array, Array, Array, Array]:  # fmt: skip
    """Time from arrival to the own step, and others' prefills in that: moments over all, and of two kinds of arrival.

    A step takes T = decoding + prefill x N, where N ~ Poisson(rate x T of the step before). An arrival finds a
    step of T's length-biased distribution, waits its rest, and shares its own step with those that came in it.
    Returns mean of the quiet kind (no prompt in either step: uniform), mean and variance over all, of the other
    kind, and the share of the quiet kind.
    """
    second = prefill**2 * (1 + prompt_spread**2)
    step = decoding / (1 - x)
    variance = second * rate * step / (1 - x**2)
    skew = prefill**3 * (rate * step + 3 * rate**2 * variance) / (1 - x**3)
    biased = step + variance / step
    biased_square = (skew + 3 * step * variance + step**3) / step
    mean = (0.5 + x) * biased
    spread = biased_square / 12 + second * rate * biased + (0.5 + x) ** 2 * np.maximum(biased_square - biased**2, 0)
    none_came = np.exp(-rate * decoding)
    none_after = np.exp(-x * (1 + 0.5 * x))  # after a step with prompts
    without = none_came * none_after / np.maximum(1 - none_came * (1 - none_after), 1e-12)
    quiet = np.clip(without * decoding / step * none_came, 0.0, 1 - 1e-6)
    stirred = np.maximum((mean - quiet * decoding / 2) / (1 - quiet), 1e-12)
    square = (spread + mean**2 - quiet * decoding**2 / 3) / (1 - quiet)
    return decoding / 2, mean, spread, stirred, np.maximum(square - stirred**2, 1e-4 * stirred**2), quiet


def _moved(time: Mixture, by: Array, finite: Array) -> Mixture:
    by = np.where(finite, by, np.inf)
    return Mixture(tuple((weight, start + by, mean, variance) for weight, start, mean, variance in time.parts))


def _cube_root(mean: Array, variance: Array) -> tuple[Array, Array]:
    """Slope and offset by which the cube root of a gamma variate is nearly standard normal (Wilson, Hilferty 1931)."""
    root = 3 * mean / np.sqrt(np.maximum(variance, 1e-10 * mean**2))
    return root / np.cbrt(mean), root - 1 / root


def _gamma_quantile(mean: Array, variance: Array, share: float) -> Array:
    slope, offset = _cube_root(mean, variance)
    return np.asarray(np.maximum((NormalDist().inv_cdf(share) + offset) / slope, 0.0) ** 3)


def _normal_above(z: Array) -> Array:
    """Upper tail of the normal distribution, to 0.00014 (Bowling et al. 2009)."""
    return np.asarray(1 / (1 + np.exp(np.clip(z * (1.5976 + 0.07056 * z * z), -700, 700))))
