"""The command: ``advisor acme``."""

from __future__ import annotations

import click

from advisor_acme.hardware import read_hardware


@click.command()
def acme() -> None:
    """Show the (fictional) Acme price list."""
    for offer in read_hardware().offers:
        price = f"${offer.price_usd_per_hour}/h" if offer.purchase_usd is None else f"${offer.purchase_usd:g}"
        click.echo(f"{offer.id}: {price}")
