"""What runs on the vendor's devices: a framework, and the techniques that it has kernels for."""

from __future__ import annotations

from datetime import date

from advisor import Framework, Source, Support


def acme_runtime() -> Framework:
    """The vendor's runtime: any model in plain floats, language models also quantized."""
    manual = Source(title="Acme Run: manual (invented)", date=date(2026, 1, 1))
    return Framework(
        name="acme-run", doc="the vendor's runtime (fictional)", sources={"manual": manual},
        supports=(
            Support(vendors=("acme",), source="manual"),
            Support(techniques=("int8", "int8_cache", "acme_lattice"), vendors=("acme",), tasks=("serve", "batch"),
                    units=("token",), source="manual", note="acme-run --weights FORMAT"),
        ),
    )  # fmt: skip
