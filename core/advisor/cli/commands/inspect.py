"""``advisor inspect`` and ``advisor compare``: the five metrics of models."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from advisor.cli import output
from advisor.cli.model_options import count, model_options, open_model, take_model_options
from advisor.cli.session import Session, common_options

if TYPE_CHECKING:
    from advisor.measuring import Question
    from advisor.metrics import Metrics
    from advisor.models import Model
    from advisor.offering import Offering
    from advisor.registry import Registry

Command = TypeVar("Command", bound=Callable[..., Any])


def shape_options(command: Command) -> Command:
    """Add the options that say how much goes through the model."""
    for option in (
        click.option("--optimizer", default="adam", show_default=True, metavar="NAME", help="With --train."),
        click.option("--train", is_flag=True, help="Count the backward pass, gradients, optimizer and activations."),
        click.option("--batch", default="1", show_default=True, metavar="COUNT", help="Sequences or samples at once."),
        click.option("--seq-len", metavar="COUNT", help="Tokens a sequence; no part of a network of samples.  "
                     "[default: 1024, or the model's context if that is less]"),
    ):  # fmt: skip
        command = option(command)
    return command


def planned_options(command: Command) -> Command:
    """Add the options of a model, ``--layers`` apart."""
    return model_options(command, layers=False)


@click.command()
@click.argument("model", required=False)
@click.option("--layers", "each", is_flag=False, flag_value="each", metavar="[COUNT]",
              help="One line a layer group instead of one a kind of layer; with COUNT, layers of a planned model.")
@click.option("--on", metavar="DEVICE", help="Set beside it what a device, or 4xDEVICE, offers.")
@shape_options
@planned_options
@output.json_option
@output.csv_option
@common_options
@click.pass_obj
def inspect(
    session: Session, /, model: str | None, each: str | None, on: str | None, as_json: bool, as_csv: bool, **shape: Any
) -> None:
    """Show the five metrics of MODEL: parameters, compute, storage, bandwidth, parallelism.

    \b
    advisor inspect model.h5
    advisor inspect mixtral-8x7b --on 4xa100-80gb --seq-len 8k --batch 4
    """
    output.refuse_both(as_json, as_csv)
    registry = session.registry()
    if each is not None and each != "each" and not each[:1].isdigit() and model is None:
        model, each = each, "each"  # the flag stood before MODEL
    options = take_model_options(shape)
    if each is not None and each != "each":
        options["layers"], each = each, None
    asked = _question(registry, model, shape, options)
    offer = _offering(registry, on, asked) if on else None
    from advisor.measuring import measure

    whole, groups = measure(asked)
    if as_json:
        answer = to_dict(asked, whole, groups, offer)
        output.print_json({"schema": output.schema("inspect"), **answer, "warnings": registry.plugins.warnings})
        return
    if as_csv:
        output.print_csv([output.flat(item.to_dict()) for item in [*groups, whole]])
    else:
        from advisor.cli.metrics_table import show_metrics

        show_metrics(asked, whole, groups, offer, each is not None)
    session.warn(registry.plugins.warnings)


@click.command()
@click.argument("model_a")
@click.argument("model_b")
@shape_options
@output.json_option
@output.csv_option
@common_options
@click.pass_obj
def compare(session: Session, /, model_a: str, model_b: str, as_json: bool, as_csv: bool, **shape: Any) -> None:
    """Set the five metrics of MODEL_A and MODEL_B side by side."""
    from advisor.cli.metrics_table import figures, show_comparison
    from advisor.measuring import measure

    output.refuse_both(as_json, as_csv)
    registry = session.registry()
    asked = [_question(registry, name, shape, {}) for name in (model_a, model_b)]
    measured = [measure(one) for one in asked]
    if as_json:
        models = [to_dict(one, whole, groups, None) for one, (whole, groups) in zip(asked, measured, strict=True)]
        pairs = zip(*(figures(whole) for whole, _ in measured), strict=True)
        ratios = {name: second / first if first else None for (name, first, _), (_, second, _) in pairs}
        answer = {"schema": output.schema("compare"), "models": models, "ratios": ratios}
        output.print_json({**answer, "warnings": registry.plugins.warnings})
        return
    if as_csv:
        output.print_csv([output.flat(whole.to_dict()) for whole, _ in measured])
    else:
        show_comparison(asked, [whole for whole, _ in measured])
    session.warn(registry.plugins.warnings)


def to_dict(asked: Question, whole: Metrics, groups: list[Metrics], offer: Offering | None) -> dict[str, Any]:
    """For JSON, as ``docs/json.md`` describes."""
    from advisor.metrics import by_kind

    answer: dict[str, Any] = {
        "model": model_dict(asked.model), "seq_len": asked.seq_len, "batch": asked.batch, "train": asked.train,
        "totals": whole.to_dict(), "layers": [group.to_dict() for group in groups],
        "kinds": [group.to_dict() for group in by_kind(groups)],
    }  # fmt: skip
    if offer is not None:
        from advisor.offering import compare as against
        from advisor.offering import largest_split, smallest_count

        for part, item in zip([answer["totals"], *answer["layers"]], [whole, *groups], strict=True):
            part["against"] = against(item, offer, asked)
        answer["device"] = {
            "id": offer.device.id, "count": offer.count, "compute_format": offer.compute_format,
            "flops_per_s": offer.flops_per_s, "bytes_per_s": offer.bytes_per_s, "memory_bytes": offer.memory_bytes,
            "ridge_flops_per_byte": offer.ridge, "smallest_count": smallest_count(whole, offer.device),
            "largest_split": largest_split(whole),
        }  # fmt: skip
    return answer


def model_dict(model: Model) -> dict[str, Any]:
    """What is known of the model beside its metrics."""
    return {
        "name": model.name, "family": model.family, "reader": model.reader, "source": model.source, "unit": model.unit,
        "generates": model.generates, "weight_format": model.weight_format, "cache_format": model.cache_format,
        "hidden_size": model.hidden_size, "blocks": model.blocks, "vocabulary": model.vocabulary,
        "max_context": model.max_context, "notes": list(model.notes),
    }  # fmt: skip


def _question(registry: Registry, name: str | None, shape: dict[str, Any], options: dict[str, Any]) -> Question:
    from advisor.measuring import question

    seq_len = None if shape["seq_len"] is None else count("--seq-len", shape["seq_len"])
    batch = count("--batch", shape["batch"])
    model = open_model(registry, name, options if seq_len is None else {**options, "seq_len": seq_len})
    return question(model, seq_len, batch, shape["train"], shape["optimizer"])


def _offering(registry: Registry, on: str, asked: Question) -> Offering:
    from advisor.hardware import find_system
    from advisor.offering import offering

    system, nodes = find_system(registry, on)
    return offering(registry.devices[system.device], system.device_count * nodes, asked)
