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

import numpy as np
from msgspec import Struct

from advisor.candidates import Array
from advisor_roofline.distributions import Mixture, negative_binomial

#: Share of time on prefills, and load by decoding, up to which the number present is extrapolated.
MOST_BUSY = 0.97
#: The least load that is looked at for a largest rate.
LEAST_LOAD = 0.05
#: Less wait in M/D/c than in M/M/c: share of the probability for each share of idle capacity (fitted, 4 to 128 places).
FIXED_WAITS_LESS = 0.35


class Replica(Struct, frozen=True):
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

    def take(self, rows: Array | slice) -> Replica:
        """The replicas at some positions."""
        return Replica(self.base[rows], self.slope[rows], self.prefill[rows], self.places[rows], self.tokens[rows],
                       self.outside[rows], self.spread, self.prompt_spread)  # fmt: skip

    @property
    def capacity(self) -> Array:
        """Requests a second with all places taken."""
        alone = np.where(self.places == 1, self.base, 0.0)  # nobody to decode beside a lone prompt
        decode = self.tokens * self.base + (self.tokens - 1) * self.slope * self.places - alone
        return np.asarray(self.places / (decode + self.places * self.prefill))


class Latency(Struct, frozen=True):
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
    share: float = 0.95, most: float = 0.98, steps: int = 12,
) -> Array:  # fmt: skip
    """Requests a second up to which ``share`` of them keep within the times given, at most ``most`` of the capacity.

    0 where even one alone does not. ``steps`` of the search by halves and by false position in turn: four come
    within some percent below.
    """
    bounds = [(name, bound) for name, bound in (("first_token", first_token), ("per_token", per_token),
                                                ("request", request)) if bound is not None]  # fmt: skip
    least = min(LEAST_LOAD, most)

    def late(these: Replica, load: Array) -> Array:
        """Logarithm of how many more are late than may be, of the worst bound."""
        met = latency(these, load * these.capacity)
        shares = [getattr(met, name).above(np.full(len(load), bound)) for name, bound in bounds]
        worst = np.maximum.reduce(shares) if shares else np.zeros(len(load))
        return np.log(np.maximum(worst, 1e-9) / (1 - share))

    answer = np.zeros_like(replica.places)
    low, high = np.full_like(answer, least), np.full_like(answer, most)
    many = late(replica, high)
    answer[many <= 0] = most
    rows = np.flatnonzero(many > 0)
    few = late(replica.take(rows), low[rows])
    helped = few <= 0
    rows, few, many = rows[helped], few[helped], many[rows[helped]]
    these, low, high = replica.take(rows), low[rows], high[rows]
    for attempt in range(steps):
        part = np.clip(few / np.minimum(few - many, -1e-9), 0.05, 0.95) if attempt % 2 else 0.5
        middle = low + part * (high - low)
        found = late(these, middle)
        fine = found <= 0
        low, few = np.where(fine, middle, low), np.where(fine, found, few)
        high, many = np.where(fine, high, middle), np.where(fine, many, found)
    answer[rows] = low
    return np.asarray(answer * replica.capacity)


def _present(replica: Replica, rate: Array, load: Array) -> tuple[Array, Array, Array, Array]:
    """Mean and variance of the number present while below ``places``, and shares of time with none, and with all."""
    even = 1 / (1 + replica.spread**2)
    x = np.minimum(rate * replica.prefill, MOST_BUSY)
    decode = np.minimum(rate * (replica.tokens - 1) * replica.slope / (1 - x), MOST_BUSY)
    dispersion = 1 + even * ((1 - x) ** -2 - 1)
    mean = rate * replica.tokens * replica.base / (1 - x) / (1 - decode)
    mean = mean + (decode * dispersion + x / (1 - x)) / (1 - decode)  # as arrivals see it: long steps see more
    mean = mean + x**2 / (1 - x**2) * (x / (1 - x) + 0.5)
    ratio = np.maximum(1 - (1 - decode) / dispersion, 1e-6)  # negative binomial: p(k) = p(k-1) ratio (size + k - 1)/k
    below, last, none = negative_binomial(mean, ratio, replica.places)
    # The first finds nobody to decode beside, so that more of the time nobody is there.
    first = mean * (1 - ratio)
    rarer = first / np.maximum(first - rate * replica.base, 1e-12)
    more = np.minimum((rarer - 1) * none, 1e30)
    whole = below.share + more
    average = below.mean * below.share / whole
    square = below.square * below.share / whole
    empty = np.minimum((none + more) / whole, 1.0)
    many = replica.places > 1
    # a clump carries the number over the places together; spread lengths dissolve it
    clump = np.where(many, (1 - x) ** max(1 - 0.8 * replica.spread**2, 0.2), 1.0)
    waiting = last / (last + whole * (1 - load) * clump) * _fixed_less(replica, load)
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
