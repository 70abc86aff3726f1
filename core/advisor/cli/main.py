"""The root command: which subcommands there are, loaded when they are used."""

from __future__ import annotations

import importlib

import click

from advisor.cli.root import Root
from advisor.cli.session import Session, common_options
from advisor.errors import nearest_hint

#: Built-in commands: where each is, and the line that ``--help`` shows without importing it.
COMMANDS = {
    "rank": ("advisor.cli.commands.rank:rank", "Rank all hardware on offer for a model and a workload."),
    "explain": ("advisor.cli.commands.explain:explain", "Say why a ranking is as it is."),
    "estimate": ("advisor.cli.commands.estimate:estimate", "Estimate a model on one system, in full."),
    "inspect": ("advisor.cli.commands.inspect:inspect", "Show the five metrics of a model."),
    "compare": ("advisor.cli.commands.inspect:compare", "Set two models side by side."),
    "validate": ("advisor.cli.commands.validate:validate", "Compare estimates with measurements in a CSV file."),
    "devices": ("advisor.cli.commands.catalog:devices", "List and show devices."),
    "systems": ("advisor.cli.commands.catalog:systems", "List and show systems: devices in a node."),
    "offers": ("advisor.cli.commands.catalog:offers", "List and show offers: where a system can be had."),
    "models": ("advisor.cli.commands.catalog:models", "List and show models known by name."),
    "policies": ("advisor.cli.commands.catalog:policies", "List and show policies: rules of laws and standards."),
    "techniques": ("advisor.cli.commands.parts:techniques", "List and show techniques."),
    "scorers": ("advisor.cli.commands.parts:scorers", "List and show scorers."),
    "backends": ("advisor.cli.commands.parts:backends", "List and show backends."),
    "rankers": ("advisor.cli.commands.parts:rankers", "List and show rankers."),
    "profiles": ("advisor.cli.commands.parts:profiles", "List and show profiles: named weights."),
    "exporters": ("advisor.cli.commands.parts:exporters", "List and show exporters."),
    "plugins": ("advisor.cli.commands.parts:plugins", "List and show plugins, with the hooks of each."),
}


class Commands(Root):
    """Built-in commands by their place, and those that plugins add."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [*COMMANDS, *self._added(ctx)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name in COMMANDS:
            module, _, name = COMMANDS[cmd_name][0].partition(":")
            found: click.Command = getattr(importlib.import_module(module), name)
            return found
        return ctx.ensure_object(Session).plugin_commands().get(cmd_name)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        if not name.startswith("-") and self.get_command(ctx, name) is None:
            known = [*COMMANDS, *ctx.ensure_object(Session).plugin_commands()]
            ctx.fail(f"no such command {name!r}{nearest_hint(name, known)}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list without importing the built-in commands."""
        rows = [(name, line) for name, (_, line) in COMMANDS.items()]
        rows += [(name, command.get_short_help_str(80)) for name, command in self._added(ctx).items()]
        with formatter.section("Commands"):
            formatter.write_dl(rows)

    @staticmethod
    def _added(ctx: click.Context) -> dict[str, click.Command]:
        """Commands that plugins add."""
        found = ctx.ensure_object(Session).plugin_commands()
        return {name: found[name] for name in sorted(found) if name not in COMMANDS}


def _distribution() -> str:
    return "hardware-advisor"


def _show_version(ctx: click.Context, _: click.Parameter, wanted: bool) -> None:
    if wanted and not ctx.resilient_parsing:
        from importlib import metadata

        click.echo(f"advisor {metadata.version(_distribution())}")
        ctx.exit()


@click.command("advisor", cls=Commands,
               context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120})
@click.option("--version", is_flag=True, is_eager=True, expose_value=False, callback=_show_version,
              help="Show the version and leave.")  # fmt: skip
@common_options
def cli() -> None:
    """Which hardware, how many, set up how, from whom: for any model and workload."""
