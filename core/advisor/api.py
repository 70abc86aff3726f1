"""The advisor as an object: what applications embed and the command line wraps."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from advisor.context import Context
from advisor.devices import Device, System
from advisor.doubts import doubts
from advisor.engine import plugin_columns
from advisor.engine import rank as run_rank
from advisor.errors import InputError, UnknownNameError
from advisor.hardware import find_system
from advisor.models import Model
from advisor.names import normalise
from advisor.offers import Offer
from advisor.plugins import PluginInfo, Plugins
from advisor.ranking.result import Ranking
from advisor.reading import read_model
from advisor.registry import Registry
from advisor.workload import Workload, make_workload

Identified = TypeVar("Identified", Device, System, Offer)


class Advisor:
    """Ranks hardware for models and workloads with one set of plugins.

    ``plugins`` are modules or objects with hooks, beside those installed (``discover=False`` leaves
    the installed out). ``without`` names plugins to leave out. ``devices``, ``systems`` and
    ``offers`` are the caller's own and win over a plugin's of the same id; so do those in the folders
    ``catalogs``. Nothing is printed and no state is shared: advisors with different plugins live side
    by side, and one may be used by many threads.
    """

    def __init__(
        self, plugins: Sequence[object] = (), *, without: Iterable[str] = (), discover: bool = True,
        devices: Sequence[Device] = (), systems: Sequence[System] = (), offers: Sequence[Offer] = (),
        catalogs: Sequence[Path] = (), trace: Callable[[str], None] | None = None,
    ) -> None:  # fmt: skip
        self.registry = Registry(Plugins(plugins, without, discover=discover, trace=trace), devices, systems, offers,
                                 catalogs)  # fmt: skip

    @property
    def warnings(self) -> list[str]:
        """Plugins, or parts of them, that were left out."""
        return list(self.registry.plugins.warnings)

    def plugins(self) -> list[PluginInfo]:
        """The plugins in use."""
        return self.registry.plugins.info()

    def offers(self, workload: Workload | None = None, **fields: Any) -> list[Offer]:
        """The offers that pass the workload's filters of provider, place, term and premises."""
        job = _workload(workload, fields)
        self._check_names(job)
        return [offer for offer in self.registry.offers if offer_passes(offer, job)]

    def read(self, model: str | os.PathLike[str] | Model, **options: Any) -> Model:
        """Read a model from a file, a folder or the catalog. ``options`` go to the reader."""
        return model if isinstance(model, Model) else read_model(self.registry, model, options)

    def rank(
        self, model: str | os.PathLike[str] | Model, workload: Workload | None = None, *, ranker: str = "",
        front: bool = False, **fields: Any,
    ) -> Ranking:  # fmt: skip
        """Rank all hardware on offer for the model and workload.

        The workload can be given as one or as its fields (``task="serve", request_rate=4``). ``front`` keeps
        the whole Pareto front where there are too many candidates to keep them all. Raises ``InputError`` for a wrong
        field, name or file.
        """
        job = _workload(workload, fields)
        loaded = self.read(model)
        return run_rank(self._context(loaded, job, ranker), self.registry, front=front)

    def estimate(
        self, model: str | os.PathLike[str] | Model, on: str, workload: Workload | None = None, **fields: Any
    ) -> Ranking:  # fmt: skip
        """Rank the ways to run the model on one system: ``on`` is ``"4xa100-80gb"`` or a system's name."""
        from advisor.expand import make_schema, start_rows

        job = _workload(workload, fields)
        loaded = self.read(model)
        offered = frozenset(offer.system for offer in self.registry.offers if offer_passes(offer, job))
        system, nodes = find_system(self.registry, on, offered)
        context = self._context(loaded, job, "", only=system)
        positions = np.array([index for index, known in enumerate(context.system_list) if known.id == system.id])
        schema = make_schema(self.registry.techniques, plugin_columns(self.registry))
        rows = start_rows(context, schema, positions, np.full(len(positions), nodes))
        return run_rank(context, self.registry, rows, most=None)

    def _context(self, model: Model, workload: Workload, ranker: str, only: System | None = None) -> Context:
        """Gather the hardware and offers that pass the workload's filters."""
        registry = self.registry
        self._check_names(workload)
        wanted = {registry.devices[name].id for name in workload.device}
        devices = [
            device for device in registry.devices
            if (not wanted or device.id in wanted)
            and _passes(workload.kind, [device.kind]) and _passes(workload.vendor, [device.vendor])
        ]  # fmt: skip
        known = {device.id for device in devices}
        systems = [only] if only is not None else [system for system in registry.systems if system.device in known]
        if only is not None:
            if only.device not in known:
                filters = {"device": workload.device, "kind": workload.kind, "vendor": workload.vendor}
                asked = " and ".join(f"{name} {', '.join(names)}" for name, names in filters.items() if names)
                raise InputError(f"{registry.devices[only.device].name} is asked about, which is not of {asked}")
            devices = [device for device in registry.devices if device.id == only.device]
        offered = {system.id for system in systems}
        offers = [offer for offer in registry.offers if offer.system in offered and offer_passes(offer, workload)]
        if only is None:
            rented = {offer.system for offer in offers}
            systems = [system for system in systems if system.id in rented]
            used = {system.device for system in systems}
            devices = [device for device in devices if device.id in used]
        return Context(
            model,
            workload,
            _by_id(devices),
            _by_id(systems),
            _by_id(offers),
            list(doubts(model, workload, registry.frameworks)),
            ranker=ranker,
            frameworks=[workload.framework],
            known_frameworks=registry.frameworks,
            find_policies=lambda: registry.policies,
            own=registry.own,
        )

    def _check_names(self, workload: Workload) -> None:
        """Refuse filters that nothing can pass because the name is unknown."""
        registry = self.registry
        offers = registry.offers
        places = (area for offer in offers for area in (offer.region, offer.country, *offer.areas))
        for kind, names, known in (
            ("kind", workload.kind, (device.kind for device in registry.devices)),
            ("vendor", workload.vendor, (device.vendor for device in registry.devices)),
            ("provider", workload.provider, (offer.provider for offer in offers)),
            ("term", workload.term, (offer.term for offer in offers)),
            ("region", workload.region, places),
        ):
            if not names or (kind == "region" and all(offer.on_premises for offer in offers)):
                continue  # hardware on the premises is wherever the user is
            have = {normalise(name): name for name in known if name}
            for name in names:
                if normalise(name) not in have:
                    raise UnknownNameError(kind, name, have.values())
        if workload.assume:
            figures = [name for scorer in registry.scorers for name in scorer.assumes]
            for name in workload.assume:
                if name not in figures:
                    raise UnknownNameError("assumption", name, figures)


def _by_id(records: Iterable[Identified]) -> tuple[Identified, ...]:
    """Records in order of their ids, so that equals are ranked the same whatever order a catalog has."""
    return tuple(sorted(records, key=lambda record: record.id))


def _passes(wanted: Sequence[str], names: Iterable[str]) -> bool:
    return not wanted or not {normalise(name) for name in wanted}.isdisjoint(normalise(name) for name in names)


def offer_passes(offer: Offer, workload: Workload) -> bool:
    """Whether an offer is one the user would consider.

    What may be taken away at short notice is not for serving, and what must be bought is another
    decision than renting: both are considered when the user names their term, or asks to buy.
    """
    named = bool(workload.term)
    return (
        _passes(workload.provider, [offer.provider])
        and _passes(workload.term, [offer.term])
        and (_passes(workload.region, [offer.region, offer.country, *offer.areas]) or "any" in offer.areas)
        and (offer.on_premises or not workload.on_premises)
        and (offer.purchase_usd is None or workload.buy or workload.on_premises or named or bool(workload.provider))
        and (named or workload.task != "serve" or not offer.interruptible)
    )


def _workload(workload: Workload | None, fields: Mapping[str, Any]) -> Workload:
    if workload is None:
        return make_workload(dict(fields))
    if fields:
        return make_workload({**workload.as_dict(but_defaults=True), **fields})
    return workload
