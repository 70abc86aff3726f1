"""Inputs that a model of ``transformers`` is traced on."""

from __future__ import annotations

from typing import Any


def whole(value: Any) -> int:
    """A size of a configuration; 0 where it is not one whole number."""
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0


def sizes(module: Any) -> tuple[int, int]:
    """Two sequence lengths: how figures grow between them tells a token's share from what is fixed."""
    config = _text(module.config)
    most = getattr(config, "max_position_embeddings", None)
    first = 64 if not isinstance(most, int) or most >= 128 else max(2, most // 2)
    return first, 2 * first


def _text(config: Any) -> Any:
    found = getattr(config, "get_text_config", None)
    return found() if callable(found) else config


def is_text(module: Any) -> bool:
    """Whether tokens go in."""
    return str(getattr(module, "main_input_name", "")) == "input_ids"


def text_inputs(module: Any, length: int) -> dict[str, Any]:
    """Tokens of one sequence; an encoder-decoder gets as many on either side."""
    import torch

    config = module.config
    tokens = torch.zeros(1, length, dtype=torch.long)
    inputs: dict[str, Any] = {"input_ids": tokens}
    if getattr(config, "is_encoder_decoder", False):
        inputs["decoder_input_ids"] = tokens
    if hasattr(config, "use_cache") or hasattr(_text(config), "use_cache"):
        inputs["use_cache"] = False
    return inputs


def other_inputs(module: Any) -> dict[str, Any]:
    """One image, spectrogram or second of sound, as the configuration says."""
    import torch

    config, name = module.config, str(module.main_input_name)
    with torch.device("meta"):
        if name == "pixel_values":
            size = getattr(config, "image_size", 224)
            size = tuple(size)[:2] if isinstance(size, (list, tuple)) else (size, size)
            return {name: torch.zeros(1, whole(getattr(config, "num_channels", 3)) or 3, *size)}
        if name == "input_features":
            bins = whole(getattr(config, "num_mel_bins", 80)) or 80
            return {name: torch.zeros(1, bins, 2 * getattr(config, "max_source_positions", 1500)),
                    "decoder_input_ids": torch.zeros(1, 1, dtype=torch.long)}  # fmt: skip
        return {name: torch.zeros(1, 16_000)}
