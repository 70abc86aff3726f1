"""Sums and percentiles over many rows, beside direct sums and scipy."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from advisor_roofline.distributions import Mixture, negative_binomial


@settings(deadline=None)
@given(st.integers(1, 300), st.floats(0.01, 1.2), st.floats(1.0, 6.0))
def test_sums_of_the_negative_binomial(bound, fill, dispersion):
    ratio, mean = max(1 - 1 / dispersion, 1e-6), fill * bound
    first = mean * (1 - ratio)
    terms = [np.exp(first / ratio * np.log1p(-ratio))]
    for k in range(1, bound + 1):
        terms.append(terms[-1] * (first + (k - 1) * ratio) / k)
    below, last, none = negative_binomial(*(np.array([float(value)]) for value in (mean, ratio, bound)))
    k, p = np.arange(bound), np.array(terms[:-1])
    assert none[0] == pytest.approx(terms[0], rel=1e-6)
    assert last[0] == pytest.approx(terms[-1], rel=1e-4)
    assert below.share[0] == pytest.approx(p.sum(), rel=0.1)
    assert below.mean[0] == pytest.approx((k * p).sum() / p.sum(), rel=0.1, abs=0.1)


@pytest.mark.parametrize("share", [0.5, 0.95, 0.99])
def test_percentiles_of_a_mixture_beside_scipy(share):
    stats = pytest.importorskip("scipy.stats")
    optimize = pytest.importorskip("scipy.optimize")
    parts = [(0.6, 0.1, 0.2, 0.02), (0.3, 0.5, 0.4, 0.08), (0.1, 1.0, 2.0, 4.0)]

    def below(time):
        return sum(weight * stats.gamma.cdf(time - start, mean**2 / variance, scale=variance / mean)
                   for weight, start, mean, variance in parts)  # fmt: skip

    exact = optimize.brentq(lambda time: below(time) - share, 1e-6, 100)
    mixture = Mixture(tuple(tuple(np.array([value]) for value in part) for part in parts))
    assert mixture.quantile(share)[0] == pytest.approx(exact, rel=0.02)
    assert mixture.above(np.array([exact]))[0] == pytest.approx(1 - share, rel=0.05)
