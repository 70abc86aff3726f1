"""The five metrics of a model: parameters, compute, storage, bandwidth, parallelism.

``advisor.measuring`` fills them from a model, ``advisor.offering`` says what a device offers of each.
FLOPs are 2 a multiply-add of matrix products, convolutions and attention, with every query attending
to the whole context, as ``torch.utils.flop_counter`` counts; a kernel that skips masked keys does
about half of a causal attention's. Layers of other stacks than ``main`` (a vision tower) run on their
own inputs: their weights count, their work does not.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

BACKWARD = 2  # FLOPs of the backward pass over the forward's: gradients of inputs, and of weights


@dataclass(frozen=True, kw_only=True)
class Pass:
    """One pass through a layer group: FLOPs, and bytes moved by kind."""

    flops: int
    weight_bytes: float
    activation_bytes: float
    cache_bytes: float

    @property
    def bytes(self) -> float:
        """All bytes moved."""
        return self.weight_bytes + self.activation_bytes + self.cache_bytes

    @property
    def intensity(self) -> float:
        """FLOPs a byte moved."""
        return self.flops / self.bytes if self.bytes else 0.0

    def __add__(self, other: Pass) -> Pass:
        return Pass(flops=self.flops + other.flops, weight_bytes=self.weight_bytes + other.weight_bytes,
                    activation_bytes=self.activation_bytes + other.activation_bytes,
                    cache_bytes=self.cache_bytes + other.cache_bytes)  # fmt: skip

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {"flops": self.flops, "bytes": self.bytes, "weight_bytes": self.weight_bytes,
                "activation_bytes": self.activation_bytes, "cache_bytes": self.cache_bytes,
                "intensity_flops_per_byte": self.intensity}  # fmt: skip


NOTHING = Pass(flops=0, weight_bytes=0.0, activation_bytes=0.0, cache_bytes=0.0)


@dataclass(frozen=True, kw_only=True)
class Metrics:
    """The five metrics of a layer group, or of a whole model.

    ``passes`` are ``forward`` (all of the units at once), and of a generating model ``prefill`` (only
    the last unit's scores) and ``decode`` (one more token a sequence, at the full context); of training
    ``forward``, ``backward`` and ``update``.
    ``independent`` counts output values that could be computed at once; ``axes`` how far each kind of
    parallelism can be carried.
    """

    name: str
    kind: str
    stack: str
    count: int
    parameters: int
    active_parameters: int
    weight_bytes: float
    weight_bytes_by_format: dict[str, float]
    cache_bytes_per_token: float
    cache_bytes: float
    state_bytes: float
    activation_bytes: float
    gradient_bytes: float
    optimizer_bytes: float
    saved_bytes: float
    passes: dict[str, Pass]
    independent: int
    axes: dict[str, int] = field(default_factory=dict)

    @property
    def forward_flops(self) -> int:
        """FLOPs of one forward pass over the whole batch."""
        return self.passes["forward"].flops

    @property
    def storage_bytes(self) -> float:
        """Bytes to be held at once: inference, or training where its parts were asked for."""
        parts = self.gradient_bytes + self.optimizer_bytes + self.saved_bytes
        return self.weight_bytes + (parts or self.cache_bytes + self.state_bytes + self.activation_bytes)

    def to_dict(self) -> dict[str, Any]:
        """For JSON, as ``docs/json.md`` describes."""
        training = bool(self.optimizer_bytes or self.gradient_bytes)
        answer: dict[str, Any] = {
            "name": self.name, "kind": self.kind, "stack": self.stack, "count": self.count,
            "parameters": self.parameters, "active_parameters": self.active_parameters,
            "forward_flops": self.forward_flops, "weight_bytes": self.weight_bytes,
            "kv_bytes_per_token": self.cache_bytes_per_token,
            "weight_bytes_by_format": self.weight_bytes_by_format, "kv_bytes": self.cache_bytes,
            "state_bytes": self.state_bytes, "activation_bytes": self.activation_bytes,
            "storage_bytes": self.storage_bytes,
            "passes": {name: one.to_dict() for name, one in self.passes.items()},
            "parallelism": {"independent_values": self.independent, **self.axes},
        }  # fmt: skip
        if training:
            answer |= {
                "backward_flops": BACKWARD * self.forward_flops, "gradient_bytes": self.gradient_bytes,
                "optimizer_bytes": self.optimizer_bytes, "saved_activation_bytes": self.saved_bytes,
            }  # fmt: skip
        return answer


def by_kind(groups: Iterable[Metrics]) -> list[Metrics]:
    """Groups of one kind and stack added up, in order of first appearance."""
    kinds: dict[tuple[str, str], list[Metrics]] = {}
    for group in groups:
        kinds.setdefault((group.stack, group.kind), []).append(group)
    return [members[0] if len(members) == 1 else total(kind, kind, members, {}, stack)
            for (stack, kind), members in kinds.items()]  # fmt: skip


def total(name: str, kind: str, groups: list[Metrics], axes: dict[str, int], stack: str = "") -> Metrics:
    """Groups added up; they run one after the other, so independent work is the widest one's."""
    formats: dict[str, float] = {}
    for group in groups:
        for fmt, size in group.weight_bytes_by_format.items():
            formats[fmt] = formats.get(fmt, 0.0) + size
    added = {key: sum(getattr(group, key) for group in groups) for key in _ADDED}
    passes = {key: sum((group.passes[key] for group in groups), NOTHING) for key in groups[0].passes}
    return Metrics(
        name=name, kind=kind, stack=stack, weight_bytes_by_format=formats, passes=passes, axes=axes,
        activation_bytes=max(group.activation_bytes for group in groups),
        independent=max(group.independent for group in groups), **added,
    )  # fmt: skip


_ADDED = ("count", "parameters", "active_parameters", "weight_bytes", "cache_bytes_per_token", "cache_bytes",
          "state_bytes", "gradient_bytes", "optimizer_bytes", "saved_bytes")  # fmt: skip
