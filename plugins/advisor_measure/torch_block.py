"""A decoder block as PyTorch programs write it, tiny, to time what an operator costs when Python calls each one."""

from __future__ import annotations

from typing import Any

#: Operators that the advisor counts in the block: two norms, rotary, attention, activation, and four products.
OPERATORS = 9


def decoder_chain(layers: int, width: int = 32, heads: int = 4) -> Any:
    """``layers`` blocks with normalization, rotary positions, attention and a gated feed-forward part."""
    import torch
    from torch import nn

    class Norm(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = nn.Parameter(torch.ones(width))

        def forward(self, hidden: Any) -> Any:
            wide = hidden.to(torch.float32)
            wide = wide * torch.rsqrt(wide.pow(2).mean(-1, keepdim=True) + 1e-5)
            return self.weight * wide.to(hidden.dtype)

    class Block(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.second = Norm(), Norm()
            self.query, self.key, self.value, self.out = (nn.Linear(width, width, bias=False) for _ in range(4))
            self.gate, self.up, self.down = (nn.Linear(width, width, bias=False) for _ in range(3))

        def forward(self, hidden: Any) -> Any:
            batch, length, _ = hidden.shape
            normed = self.first(hidden)
            query, key, value = (
                part(normed).view(batch, length, heads, width // heads).transpose(1, 2)
                for part in (self.query, self.key, self.value)
            )
            attended = nn.functional.scaled_dot_product_attention(_rotated(query), _rotated(key), value)
            hidden = hidden + self.out(attended.transpose(1, 2).reshape(batch, length, width))
            normed = self.second(hidden)
            return hidden + self.down(nn.functional.silu(self.gate(normed)) * self.up(normed))

    angles = torch.ones(1, 1, 1, width // heads)

    def _rotated(heads_of: Any) -> Any:
        half = heads_of.shape[-1] // 2
        turned = torch.cat((-heads_of[..., half:], heads_of[..., :half]), -1)
        return heads_of * angles + turned * angles

    return nn.Sequential(*(Block() for _ in range(layers)))
