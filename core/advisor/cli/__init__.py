"""The command line, a thin layer over ``advisor.Advisor``: it parses, prints, and decides exit codes."""

from __future__ import annotations


def main() -> None:
    """Entry point of the ``advisor`` script."""
    import gc

    gc.set_threshold(200_000, 20, 20)  # start-up makes objects that stay: looking for garbage among them costs a tenth
    from advisor.cli.main import cli

    try:
        cli.main(prog_name="advisor")
    finally:
        gc.freeze()  # nor is there any to look for at the end, which would cost as much again
