"""``advisor catalog``: check, count and describe the catalogs, the built-in ones or a folder of one's own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from advisor.hookspecs import hookimpl

if TYPE_CHECKING:
    import click

advisor_hook_version = 1


@hookimpl
def commands(group: click.Group) -> None:
    """Add ``advisor catalog``."""
    from advisor.cli.later import LaterCommand
    from advisor_catalog_tools.command import catalog

    group.add_command(catalog)
    for name, line in (("grids", "List and show grids: carbon and price of electricity."),
                       ("providers", "List and show providers: law, certificates, encryption, logs."),
                       ("facilities", "List and show facilities: PUE, water, carbon-free share."),
                       ("charges", "List and show charges of providers for egress and storage.")):  # fmt: skip
        group.add_command(LaterCommand(name, f"advisor_catalog_tools.lists:{name}", line))
