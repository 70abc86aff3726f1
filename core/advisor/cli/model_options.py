"""Options that say of a model what its file leaves open, or what it would be where it exists only as a plan."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

import click

from advisor.errors import InputError

if TYPE_CHECKING:
    from advisor.models import Model
    from advisor.registry import Registry

Command = TypeVar("Command", bound=Callable[..., Any])

#: Option, name that readers know it by, and help; sizes of a planned model.
PLAN = (
    ("--params", "params", "Parameters of a planned model, such as 70B, instead of MODEL."),
    ("--active-params", "active_params", "Parameters that a token uses, of a planned mixture of experts."),
    ("--hidden", "hidden_size", "Hidden size of a planned model."),
    ("--heads", "heads", "Attention heads of a planned model."),
    ("--kv-heads", "kv_heads", "Key-value heads of a planned model."),
    ("--intermediate", "intermediate_size", "Width of the feed-forward network of a planned model."),
    ("--vocab", "vocab", "Vocabulary of a planned model."),
    ("--experts", "experts", "Experts a layer of a planned model."),
    ("--experts-per-token", "experts_per_token", "Experts that a token uses in a planned model."),
)
LAYERS = ("--layers", "layers", "Layers of a planned model.")
#: Parameters of the command function that are the model's, not the workload's.
NAMES = (*(f"plan_{name}" for _, name, _ in PLAN), "plan_layers", "dim", "image_size")


def model_options(command: Command, layers: bool = True) -> Command:
    """Add the options of a model; ``layers`` leaves ``--layers`` to a command that has one of its own."""
    for flag, name, text in reversed((*PLAN, LAYERS) if layers else PLAN):
        command = click.option(flag, f"plan_{name}", metavar="COUNT", help=text)(command)
    size = click.option("--image-size", metavar="COUNT", help="Size of images where the file leaves it open.")
    dim = click.option("--dim", multiple=True, metavar="NAME=SIZE",
                       help="Size of a dimension that the file leaves open; repeatable.")  # fmt: skip
    return dim(size(command))


def take_model_options(params: dict[str, Any]) -> dict[str, Any]:
    """Move the model's options out of a command's parameters; return what readers are given."""
    options: dict[str, Any] = {}
    for name in NAMES:
        value = params.pop(name, None)
        if value not in (None, "", ()):
            options[name.removeprefix("plan_")] = value
    if "dim" in options:
        options["dim"] = dict(_dimension(text) for text in options["dim"])
    if "image_size" in options:
        options["image_size"] = count("--image-size", options["image_size"])
    return options


def _dimension(text: str) -> tuple[str, int]:
    name, separator, size = text.partition("=")
    if not separator or not name.strip():
        raise InputError(f"--dim: expected NAME=SIZE such as batch=8, not {text!r}")
    return name.strip(), count(f"--dim {name.strip()}", size)


def count(option: str, text: str) -> int:
    """Read a count that an option gives, such as ``8k``; raises ``InputError``."""
    from advisor.units import MOST_COUNT, parse_count

    try:
        value = int(parse_count(text))
    except ValueError as error:
        raise InputError(f"{option}: {error}") from None
    if not 1 <= value <= MOST_COUNT:
        raise InputError(f"{option}: expected a whole number from 1 to {MOST_COUNT:.0e}, not {text!r}")
    return value


def open_model(registry: Registry, model: str | None, options: Mapping[str, Any]) -> Model:
    """Read the model of that name or path; without one, the model that the sizes plan."""
    from advisor.interfaces import ModelSource
    from advisor.reading import read_model, read_source

    planned = {name: value for name, value in options.items() if name not in ("dim", "image_size", "seq_len")}
    if model is not None:
        if planned:
            raise InputError(f"{model}: sizes of a planned model (--{next(iter(planned))}) go without MODEL")
        return read_model(registry, model, options)
    if not planned:
        raise InputError("missing argument MODEL: a file, a name (advisor models list), or sizes such as --params 70B")
    return read_source(registry, ModelSource("plan", options=options))
