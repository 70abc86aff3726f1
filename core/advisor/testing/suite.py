"""What the suite checks of a plugin, gathered hook by hook."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any, TypeVar

from advisor.devices import Device, System
from advisor.hookspecs import HOOK_VERSION
from advisor.interfaces import (
    Backend,
    Exporter,
    ModelEntry,
    ModelReader,
    ModelSource,
    Profile,
    Ranker,
    Scorer,
    Technique,
)
from advisor.offers import Offer
from advisor.plugins import FAILURES, HOOKS, Plugins
from advisor.policies import Policy
from advisor.registry import Registry
from advisor.testing.requirement import Check, ConformanceError, require

Item = TypeVar("Item")

#: What each hook returns, and the attribute that names it.
RETURNS: dict[str, tuple[type[Any], str]] = {
    "devices": (Device, "id"), "systems": (System, "id"), "offers": (Offer, "id"), "models": (ModelEntry, "id"),
    "model_readers": (ModelReader, "name"), "backends": (Backend, "name"), "techniques": (Technique, "name"),
    "scorers": (Scorer, "name"), "rankers": (Ranker, "name"), "profiles": (Profile, "name"),
    "exporters": (Exporter, "name"), "policies": (Policy, "id"),
}  # fmt: skip


def checks(plugin: object, *, beside: Sequence[object] = (), samples: Iterable[Path | str] = ()) -> list[Check]:
    """Return the checks that apply to a plugin: a module, an object, or the name of a module.

    ``beside`` are plugins that it builds on (whose devices its systems are made of, whose readers read
    its models); they are not checked. ``samples`` are model files that its readers should read.
    """
    found = importlib.import_module(plugin) if isinstance(plugin, str) else plugin
    others = [importlib.import_module(other) if isinstance(other, str) else other for other in beside]
    return list(_gather(found, others, [Path(sample) for sample in samples]))


def check_plugin(plugin: object, *, beside: Sequence[object] = (), samples: Iterable[Path | str] = ()) -> None:
    """Run all checks, as ``checks`` gives them; raises ``ConformanceError`` with a line for each that fails."""
    complaints = []
    for check in checks(plugin, beside=beside, samples=samples):
        try:
            check.run()
        except ConformanceError as error:
            complaints.append(f"{check.name}: {error}")
        except FAILURES as error:
            complaints.append(f"{check.name}: raised {type(error).__name__}: {' '.join(str(error).split())[:300]}")
    if complaints:
        raise ConformanceError("\n".join([f"{len(complaints)} checks failed:", *complaints]))


def _gather(plugin: object, beside: Sequence[object], samples: Sequence[Path]) -> Iterator[Check]:
    from advisor.testing import backends, readers, records, scorers, techniques, users

    yield Check("is registered without a warning", lambda: _registers(plugin))
    names = _hooks(plugin)
    for hook in names:
        if hook in RETURNS:
            yield Check(f"hook {hook}: returns what it should", lambda h=hook: _hook(plugin, h))  # type: ignore[misc]
    yield Check("is taken up without a warning", lambda: _taken_up(plugin, beside))
    own = {hook: _items(plugin, hook) for hook in RETURNS}
    others = Registry(Plugins(beside, discover=False))
    known_devices = {device.id for device in others.devices}
    devices, systems = own["devices"], own["systems"]
    yield from records.record_checks(devices, systems, own["offers"], own["models"], known_devices,
                                     {system.id for system in others.systems}, own["policies"])  # fmt: skip
    documents = [entry.document for entry in own["models"]]
    for reader in own["model_readers"]:
        mine = [d for d in documents if _claims(reader, ModelSource("document", given_document=d))][:5]
        files = [path for path in samples if _claims(reader, ModelSource(path.name, path=path))]
        yield from readers.reader_checks(reader, mine, files)
    if own["models"]:
        known = [entry.id for entry in own["models"]]
        yield Check("models: a reader reads each", lambda: _readable(plugin, beside, known))
    for backend in own["backends"]:
        yield from backends.backend_checks(backend, devices)
    for technique in own["techniques"]:
        yield from techniques.technique_checks(technique, devices)
    for scorer in own["scorers"]:
        yield from scorers.scorer_checks(scorer, devices, systems, own["offers"])
    for ranker in own["rankers"]:
        yield from scorers.ranker_checks(ranker)
    for profile in own["profiles"]:
        yield from scorers.profile_checks(profile)
    for exporter in own["exporters"]:
        yield from users.exporter_checks(exporter, plugin, beside)
    if "commands" in names:
        yield from users.command_checks(plugin)
    yield from users.ranking_checks(plugin, beside)
    yield Check("has the same hooks after use", lambda: _same_hooks(plugin, names))


def _hooks(plugin: object) -> tuple[str, ...]:
    found = Plugins([plugin], discover=False).info()
    return found[0].hooks if found else ()


def _same_hooks(plugin: object, names: tuple[str, ...]) -> None:
    """``from package.devices import X`` in a hook ``devices`` of a package puts the submodule in the hook's place."""
    for name in HOOKS:
        if isinstance(getattr(plugin, name, None), ModuleType) and name not in _hooks(plugin):
            imported_from = getattr(getattr(plugin, name), "__name__", name)
            require(not _wants(plugin, name), f"hook {name} is hidden by the module {imported_from}: rename the module")
    lost = set(names) - set(_hooks(plugin))
    require(not lost, f"hooks are gone after use: {', '.join(sorted(lost))}")


def _wants(plugin: object, hook: str) -> bool:
    """Whether the plugin's source defines a function of that name."""
    try:
        return f"\ndef {hook}(" in inspect.getsource(plugin)  # type: ignore[arg-type]
    except (OSError, TypeError):
        return False


def _registers(plugin: object) -> None:
    plugins = Plugins([plugin], discover=False)
    if plugins.warnings:
        raise ConformanceError(plugins.warnings[0])
    version = getattr(plugin, "advisor_hook_version", HOOK_VERSION)
    require(version == HOOK_VERSION, f"advisor_hook_version is {version!r}; this advisor has {HOOK_VERSION}")
    require(plugins.info()[0].hooks, f"implements no hook with hookimpl; there are: {', '.join(HOOKS)}")


def _hook(plugin: object, hook: str) -> None:
    kind, name = RETURNS[hook]
    plugins = Plugins([plugin], discover=False)
    found = [str(getattr(item, name, None)) for _, item in plugins.collect(hook, kind)]
    if plugins.warnings:
        raise ConformanceError(plugins.warnings[0])
    again = [str(getattr(item, name, None)) for _, item in plugins.collect(hook, kind)]
    require(found == again, "gives other things a second time")


def _taken_up(plugin: object, beside: Sequence[object]) -> None:
    """Collect everything as the engine does, beside the plugins that it builds on."""
    registry = Registry(Plugins([*beside, plugin], discover=False))
    for hook in RETURNS:
        len(getattr(registry, hook))
    if registry.plugins.warnings:
        raise ConformanceError(registry.plugins.warnings[0])


def _items(plugin: object, hook: str) -> list[Any]:
    """What a hook gives, as far as it does; that it fails is another check's to say."""
    return [item for _, item in Plugins([plugin], discover=False).collect(hook, RETURNS[hook][0])]


def _claims(reader: ModelReader, source: ModelSource) -> bool:
    try:
        return bool(reader.claims(source))
    except FAILURES:
        return True


def _readable(plugin: object, beside: Sequence[object], names: Sequence[str]) -> None:
    from advisor.reading import read_model

    registry = Registry(Plugins([*beside, plugin], discover=False))
    for name in names:
        require(read_model(registry, name).parameters > 0, f"{name}: read as a model without parameters")
