"""The command line, a thin layer over ``advisor.Advisor``: it parses, prints, and decides exit codes."""

from __future__ import annotations


def main() -> None:
    """Entry point of the ``advisor`` script."""
    from advisor.cli.main import cli

    cli.main(prog_name="advisor")
