"""The exporter: a candidate as a job file."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from advisor import Context, Exporter

if TYPE_CHECKING:
    from advisor import Candidate


class JobFile(Exporter):
    """JSON for the vendor's (fictional) scheduler."""

    name = "acme-job"
    doc = "a job file for the (fictional) Acme scheduler"

    def export(self, candidate: Candidate, context: Context) -> str:
        """Model, hardware, layout and recipe; what is written comes from the candidate alone."""
        job = {
            "model": context.model.name, "task": context.workload.task, "system": candidate.system.id,
            "systems": candidate.system_count, "layout": candidate.layout, "recipe": candidate.recipe,
        }  # fmt: skip
        return json.dumps(job, indent=2) + "\n"
