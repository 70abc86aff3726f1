"""Modules of torch that the oracle records and the live tests trace."""

from __future__ import annotations

import copy

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode


class Residual(nn.Module):
    """A small residual network with grouped, strided and transposed convolutions."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 16, 7, stride=2, padding=3, bias=False), nn.BatchNorm2d(16), nn.ReLU())
        self.depthwise = nn.Conv2d(16, 16, 3, padding=1, groups=16)
        self.pointwise = nn.Conv2d(16, 32, 1)
        self.up = nn.ConvTranspose2d(32, 16, 2, stride=2)
        self.head = nn.Linear(16, 10)

    def forward(self, image):
        y = self.stem(image)
        y = y + self.depthwise(y)
        return self.head(self.up(nn.functional.silu(self.pointwise(y))).mean((2, 3)))


class Recurrent(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(100, 16)
        self.lstm = nn.LSTM(16, 24, num_layers=2, bidirectional=True, batch_first=True)
        self.gru = nn.GRU(48, 20, batch_first=True)
        self.head = nn.Linear(20, 10)

    def forward(self, tokens):
        return self.head(self.gru(self.lstm(self.embedding(tokens))[0])[0])


class Language(nn.Module):
    """A decoder with tied embeddings and fused attention."""

    def __init__(self) -> None:
        super().__init__()
        self.table = nn.Embedding(200, 32)
        self.qkv, self.out = nn.Linear(32, 96), nn.Linear(32, 32)
        self.norm = nn.LayerNorm(32)
        self.mlp = nn.Sequential(nn.Linear(32, 64), nn.GELU(), nn.Linear(64, 32))
        self.scale = nn.Parameter(torch.ones(32))

    def forward(self, tokens):
        x = self.table(tokens)
        batch, length, width = x.shape
        q, k, v = self.qkv(self.norm(x)).view(batch, length, 3, 4, 8).permute(2, 0, 3, 1, 4).unbind(0)
        y = nn.functional.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.out(y.transpose(1, 2).reshape(batch, length, width))
        return (x + self.mlp(x) * self.scale) @ self.table.weight.t()


class Products(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.a = nn.Parameter(torch.randn(4, 6, 5))
        self.b = nn.Parameter(torch.randn(6, 7))

    def forward(self, x):  # (batch, 4, 6)
        y = torch.einsum("bhi,hij->bhj", x, self.a)
        return torch.bmm(y.transpose(1, 2), torch.matmul(x, self.b))


def transformer():
    layer = nn.TransformerEncoderLayer(32, 4, 64, batch_first=True, activation="gelu")
    return nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)


_BATCH = torch.export.Dim("batch", max=1024)
CASES = {
    "residual": (Residual, (torch.zeros(2, 3, 32, 32),), ({0: _BATCH},)),
    "recurrent": (Recurrent, (torch.zeros(3, 12, dtype=torch.long),), None),
    "language": (Language, (torch.zeros(2, 16, dtype=torch.long),), None),
    "products": (Products, (torch.zeros(2, 4, 6),), None),
    "transformer": (transformer, (torch.zeros(2, 10, 32),), None),
}


def count(module, inputs) -> int:
    """FLOPs by torch's own counter, on the meta device with attention as products."""
    counter = FlopCounterMode(display=False)
    torch.backends.mha.set_fastpath_enabled(False)
    moved = copy.deepcopy(module).to("meta")
    with torch.no_grad(), counter, torch.nn.attention.sdpa_kernel(torch.nn.attention.SDPBackend.MATH):
        moved(*(one.to("meta") for one in inputs))
    return counter.get_total_flops()
