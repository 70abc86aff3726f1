"""What of a question can be answered but was hardly meant: one line each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from advisor.errors import nearest_hint

if TYPE_CHECKING:
    from advisor.models import Model
    from advisor.support import Framework
    from advisor.workload import Workload


def doubts(model: Model, workload: Workload, frameworks: Sequence[Framework]) -> Iterator[str]:
    """Yield what the user should know before believing the answer."""
    name = workload.framework
    if name and frameworks and not any(framework.is_called(name) for framework in frameworks):
        known = [text for framework in frameworks for text in (framework.name, *framework.aliases)]
        yield f"framework {name!r} is not known, so what any framework runs is considered{nearest_hint(name, known)}"
    if model.unit != "token" or model.max_context is None:
        return
    if workload.trains or not model.generates:
        given, field = workload.seq_len or 0, "seq_len"
    else:
        given, field = workload.input_tokens + workload.output_tokens, "input_tokens and output_tokens"
    if given > model.max_context:
        yield f"{field}: {given:,} tokens are more than the context of {model.max_context:,} that {model.name} has"
