"""How much privacy a run spends: epsilon by Google's dp-accounting, an optional extra."""

from __future__ import annotations

import functools

from advisor.errors import InputError

EXTRA = "epsilon needs the extra private-training: pip install 'hardware-advisor[private-training]'"


@functools.lru_cache(maxsize=1024)
def epsilon(noise_multiplier: float, sampling_probability: float, steps: int, delta: float) -> float:
    """Return epsilon of that many steps of DP-SGD with Poisson sampling, at ``delta``.

    Renyi accounting of the subsampled Gaussian mechanism (Mironov et al. 2019, arXiv 1908.10530), an upper
    bound. Raises ``InputError`` where the extra is not installed.
    """
    try:
        import dp_accounting
        from dp_accounting import rdp
    except ImportError:
        raise InputError(EXTRA) from None
    step = dp_accounting.GaussianDpEvent(noise_multiplier)
    if sampling_probability < 1:
        step = dp_accounting.PoissonSampledDpEvent(sampling_probability, step)
    accountant = rdp.RdpAccountant()
    accountant.compose(dp_accounting.SelfComposedDpEvent(step, steps))
    return float(accountant.get_epsilon(delta))
