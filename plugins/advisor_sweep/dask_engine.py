"""Dask as the executor: a local cluster, or the scheduler of a cluster of many machines."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from typing import Any

from advisor.errors import InputError
from advisor_sweep.run import MakeExecutor

#: How long to wait for a scheduler to answer.
CONNECT_S = 10
#: How often a chunk is tried again where a worker dies under it.
RETRIES = 3


@contextmanager
def dask_executor(scheduler: str, workers: int) -> Iterator[tuple[MakeExecutor, int]]:
    """Yield what makes the executor, and how many workers there are.

    ``scheduler`` is an address (``tcp://host:8786``), or empty for a cluster of ``workers`` processes here.
    Workers need the same version of the advisor and its plugins, and model files at the same paths.
    """
    distributed = _distributed()
    if not scheduler:
        with distributed.LocalCluster(
            n_workers=workers, threads_per_worker=1, processes=True, dashboard_address=None, silence_logs=50
        ) as cluster, distributed.Client(cluster) as client:  # fmt: skip
            yield _maker(client), workers
        return
    try:
        client = distributed.Client(scheduler, timeout=CONNECT_S)
    except (OSError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise InputError(f"--scheduler {scheduler}: cannot connect ({reason}); expected an address such as "
                         "tcp://host:8786") from None  # fmt: skip
    with client:
        threads = sum(client.nthreads().values())
        if not threads:
            raise InputError(f"--scheduler {scheduler}: has no workers yet")
        yield _maker(client), threads


def _maker(client: Any) -> MakeExecutor:
    def make() -> Executor:
        found: Executor = client.get_executor(retries=RETRIES, pure=False)
        return found

    return make


def _distributed() -> Any:
    try:
        import distributed
    except ImportError:
        raise InputError("--dask and --scheduler need dask: pip install 'hardware-advisor[dask]'") from None
    return distributed
