"""Builds a model of ``transformers`` on the meta device: shapes alone, no weights, no code of the repository."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from advisor.errors import ModelFileError, nearest

#: No published model comes near these; a larger figure is a damaged or hostile file.
MOST_SIZE = 1 << 27
MOST_LAYERS = 512
_LAYERS = ("layers", "n_layer", "depth", "blocks")


def build(document: Mapping[str, Any], origin: str) -> Any:
    """Return the module that the configuration describes; raises ``ModelFileError`` where it describes none."""
    _check(document, origin)
    with _quiet():
        import torch
        import transformers

        kind = str(document["model_type"])
        known = list(transformers.CONFIG_MAPPING.keys())
        if kind not in known:
            close = nearest(kind, known)
            hint = f"; nearest known: {', '.join(close)}" if close else ""
            raise ModelFileError(
                f"{origin}: model_type: {kind[:60]!r} is not an architecture of transformers "
                f"{transformers.__version__}{hint}"
            )
        # What a repository says of code of its own, of quantized modules and of kernels is left out.
        plain = {
            key: value
            for key, value in document.items()
            if key
            not in (
                "auto_map",
                "quantization_config",
                "_attn_implementation",
                "attn_implementation",
                "_experts_implementation",
                "trust_remote_code",
                "custom_pipelines",
            )
        }
        try:
            config = transformers.CONFIG_MAPPING[kind].from_dict(plain)
            made = _class(document, config, transformers)
            # Grouped products of experts are defined in 16 bits; attention shows best as one operator.
            text = getattr(made, "main_input_name", "") == "input_ids"
            options = {
                "dtype": torch.bfloat16 if text else torch.float32,
                "attn_implementation": "sdpa" if getattr(made, "_supports_sdpa", False) else "eager",
            }
            with torch.device("meta"):
                return made._from_config(config, **options)
        except ModelFileError:
            raise
        except Exception as error:  # whatever the architecture's own code raises on such a configuration
            line = " ".join(str(error).split())[:200]
            raise ModelFileError(
                f"{origin}: transformers cannot build this {kind[:40]}: {type(error).__name__}: {line}"
            ) from None


def _class(document: Mapping[str, Any], config: Any, transformers: Any) -> Any:
    """The class that the file names, where transformers has it; else the one that writes text, else the base model."""
    names = document.get("architectures")
    for name in names if isinstance(names, list) else []:
        if isinstance(name, str) and name.isidentifier():
            found = getattr(transformers, name, None)
            if isinstance(found, type) and issubclass(found, transformers.PreTrainedModel):
                return found
    from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING, MODEL_MAPPING

    for mapping in (MODEL_FOR_CAUSAL_LM_MAPPING, MODEL_MAPPING):
        if type(config) in mapping:
            found = mapping[type(config)]
            return found[0] if isinstance(found, (list, tuple)) else found
    raise ModelFileError(
        f"model_type: {config.model_type!r} has no model in transformers; add architectures to the file"
    )


def _check(document: Mapping[str, Any], origin: str, prefix: str = "", depth: int = 0) -> None:
    """Refuse sizes that no model has before anything is built of them."""
    for key, value in document.items():
        if isinstance(value, Mapping) and depth < 4:
            _check(value, origin, f"{prefix}{key}.", depth + 1)
        if isinstance(value, bool) or not isinstance(value, int):
            continue
        most = MOST_LAYERS if any(word in key for word in _LAYERS) else MOST_SIZE
        if abs(value) > most:
            raise ModelFileError(f"{origin}: {prefix}{key[:60]}: must be at most {most}, not {str(value)[:30]}")


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep the libraries' remarks off the terminal."""
    logger = logging.getLogger("transformers")
    level = logger.level
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        logger.setLevel(logging.ERROR)
        try:
            yield
        finally:
            logger.setLevel(level)
