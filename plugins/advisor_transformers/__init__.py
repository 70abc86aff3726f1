"""Plugin: reads configurations of every architecture of ``transformers``, built on the meta device by its own code.

For types that the native reader does not know. It needs torch and transformers (the optional extra
``transformers``) and imports them only when it reads. Code from a repository is never run.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from advisor.hookspecs import hookimpl

if TYPE_CHECKING:
    from advisor.interfaces import ModelReader

advisor_hook_version = 1


@hookimpl
def model_readers() -> list[ModelReader]:
    """Return the reader of architectures that only transformers knows."""
    from advisor_transformers.reader import TransformersReader

    return [TransformersReader()]
