"""How a model is spread over the devices of a unit, and what training computes again; ``advisor layouts``."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from advisor.hookspecs import hookimpl

if TYPE_CHECKING:
    import click

    from advisor.interfaces import Technique

advisor_hook_version = 1


@hookimpl
def commands(group: click.Group) -> None:
    """Add ``advisor layouts``."""
    from advisor.cli.later import LaterCommand

    line = "Search every legal parallel layout of a training job on one system."
    group.add_command(LaterCommand("layouts", "advisor_sharding.command:layouts", line))


@hookimpl
def techniques() -> Iterable[Technique]:
    """Return the layouts; each is applied after those before it, and may look at their degrees."""
    from advisor_sharding.context import ContextParallel
    from advisor_sharding.experts import ExpertParallel
    from advisor_sharding.offload import offload_techniques
    from advisor_sharding.pipeline import PipelineParallel, VirtualStages
    from advisor_sharding.recompute import Recompute
    from advisor_sharding.replicas import replica_techniques
    from advisor_sharding.schedules import schedule_techniques
    from advisor_sharding.tensor import TensorParallel

    return [TensorParallel(), ContextParallel(), PipelineParallel(), VirtualStages(), ExpertParallel(),
            *schedule_techniques(), *replica_techniques(), Recompute(), *offload_techniques()]  # fmt: skip
