"""Metadata of a GGUF file as one architecture sees it: checked numbers, for the model or for one block."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from advisor.errors import ModelFileError
from advisor_gguf.header import LongArray

MOST_SIZE = 1 << 27
MOST_BLOCKS = 4096

#: Blocks a period whose last one sees everything, where a file gives a window but no pattern. Source: the
#: hyperparameters of each architecture in llama.cpp.
PERIODS = {"gemma2": 2, "gemma3": 6, "gemma3n": 5, "gemma-embedding": 6, "cohere2": 4, "gpt-oss": 2, "exaone4": 4,
           "exaone-moe": 4, "olmo2": 4, "llama4": 4, "afmoe": 4, "plamo3": 8}  # fmt: skip
#: The same with the first one of a period seeing everything.
FIRST_FULL = {"smallthinker": 4, "modern-bert": 3}


class Metadata:
    """Read-only view; keys are given without the architecture's prefix."""

    def __init__(self, values: Mapping[str, Any], path: Path) -> None:
        self.values, self.path = values, path
        architecture = values.get("general.architecture")
        if not isinstance(architecture, str) or not architecture or len(architecture) > 64:
            raise ModelFileError(f"{path}: general.architecture is missing; every GGUF model names its architecture")
        self.architecture = architecture

    def raw(self, key: str) -> Any:
        """The value as it is; None where there is none."""
        return self.values.get(f"{self.architecture}.{key}")

    def fail(self, key: str, complaint: str) -> ModelFileError:
        """Make the error for a field."""
        return ModelFileError(f"{self.path}: {self.architecture}.{key} {complaint}")

    def whole(self, key: str, fallback: int = 0, block: int = 0) -> int:
        """A whole number, or that of one block where the file lists one a block."""
        value = self.raw(key)
        if isinstance(value, list):
            value = value[block] if block < len(value) else value[-1] if value else None
        if value is None or isinstance(value, LongArray):
            return fallback
        if isinstance(value, float) and value == int(value):
            value = int(value)
        if not isinstance(value, int) or not 0 <= value <= MOST_SIZE:
            raise self.fail(key, f"is {str(value)[:40]}; expected a whole number from 0 to {MOST_SIZE}")
        return int(value)

    @property
    def hidden(self) -> int:
        """Width of the residual stream."""
        return self.whole("embedding_length")

    @property
    def blocks(self) -> int:
        """Number of blocks, of a believable size."""
        count = self.whole("block_count")
        if count > MOST_BLOCKS:
            raise self.fail("block_count", f"is {count}; at most {MOST_BLOCKS} are read")
        return count

    @property
    def vocabulary(self) -> int:
        """Tokens, as stated or as the tokenizer lists them."""
        tokens = self.values.get("tokenizer.ggml.tokens")
        listed = tokens.length if isinstance(tokens, LongArray) else 0
        return self.whole("vocab_size", listed)

    def window(self, block: int) -> int | None:
        """Tokens that a block's attention sees, None where it sees all."""
        size = self.whole("attention.sliding_window", 8192 if self.architecture == "llama4" else 0)
        return size if size and self._slides(block) else None

    @property
    def window_unused(self) -> bool:
        """Whether there is a window of which nothing says in which blocks it holds (phi3 in llama.cpp ignores it)."""
        return bool(self.whole("attention.sliding_window")) and self._period() is None

    def _period(self) -> int | list[Any] | None:
        pattern = self.raw("attention.sliding_window_pattern")
        if isinstance(pattern, list) and pattern:
            return pattern
        if isinstance(pattern, int) and not isinstance(pattern, bool) and 0 <= pattern <= MOST_BLOCKS:
            return pattern
        return PERIODS.get(self.architecture, FIRST_FULL.get(self.architecture))

    def _slides(self, block: int) -> bool:
        period = self._period()
        if period is None:
            return False
        if isinstance(period, list):
            return bool(period[block % len(period)])
        if self.architecture in FIRST_FULL:
            return period > 0 and block % period != 0
        return period == 0 or block % period < period - 1
