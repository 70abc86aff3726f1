"""Small models and hardware made by hand, and rows as the engine starts them."""

from __future__ import annotations

from datetime import date

import numpy as np

from advisor.candidates import Candidates
from advisor.context import Context
from advisor.devices import Device, Link, Source, System
from advisor.expand import make_schema, start_rows
from advisor.models import Layer, Model
from advisor.operators import Attention, Convolution, Embedding, ExpertMatMul, MatMul
from advisor.workload import Workload

SOURCE = {"test": Source(title="made for the tests", date=date(2026, 1, 1))}


def all_techniques():
    import advisor_adaptation
    import advisor_compression
    import advisor_quantization
    import advisor_sharding

    return [*advisor_quantization.techniques(), *advisor_compression.techniques(), *advisor_sharding.techniques(),
            *advisor_adaptation.techniques()]  # fmt: skip


def transformer(hidden=4096, blocks=32, heads=32, kv_heads=32, width=128, inner=11008, vocabulary=32000, experts=0,
                weight_format="bf16", name="llama"):  # fmt: skip
    """A llama-like decoder; with ``experts``, a mixture of them with two a token."""
    queries, cached = heads * width, kv_heads * width
    mlp = (
        (MatMul(name="router", inputs=hidden, outputs=experts, quantizable=False),
         ExpertMatMul(name="experts.gate_up", inputs=hidden, outputs=2 * inner, experts=experts, experts_per_unit=2),
         ExpertMatMul(name="experts.down", inputs=inner, outputs=hidden, experts=experts, experts_per_unit=2))
        if experts else
        (MatMul(name="gate_up", inputs=hidden, outputs=2 * inner, split="columns"),
         MatMul(name="down", inputs=inner, outputs=hidden, split="rows"))
    )  # fmt: skip
    block = (
        MatMul(name="qkv", inputs=hidden, outputs=queries + 2 * cached, split="columns"),
        Attention(name="attention", heads=heads, kv_heads=kv_heads, key_width=width, value_width=width),
        MatMul(name="o", inputs=queries, outputs=hidden, split="rows"),
        *mlp,
    )
    return Model(
        name=name, family="llama", unit="token", generates=True, weight_format=weight_format, hidden_size=hidden,
        blocks=blocks, vocabulary=vocabulary, max_context=131072, tensor_parallel_limit=heads,
        layers=(
            Layer(name="embed", kind="embedding", operators=(Embedding(name="embed", rows=vocabulary, width=hidden),)),
            Layer(name="block", kind="decoder", operators=block, count=blocks),
            Layer(name="head", kind="head", operators=(
                MatMul(name="lm_head", inputs=hidden, outputs=vocabulary, quantizable=False, last_unit_only=True),)),
        ),
    )  # fmt: skip


LLAMA_7B = transformer()
LLAMA_31_8B = transformer(kv_heads=8, inner=14336, vocabulary=128256, name="llama-3.1-8b")
MIXTRAL = transformer(kv_heads=8, inner=14336, experts=8, name="mixtral")
CLASSIFIER = Model(
    name="classifier", family="keras", unit="sample", weight_format="fp32",
    layers=(Layer(name="dense", kind="dense", operators=(MatMul(name="dense", inputs=784, outputs=128, bias=True),)),),
)  # fmt: skip
CONVOLUTIONAL = Model(
    name="convolutional", family="keras", unit="sample", weight_format="fp32",
    layers=(Layer(name="conv", kind="conv", count=50, operators=(
        Convolution(name="conv", inputs=9 * 256, outputs=256, positions=196, input_elements=50176),)),),
)  # fmt: skip


def device(name, formats, *, kind="gpu", memory_gib=80.0, sparse=(), joined=8, **more):
    return Device(
        id=name, name=name, vendor="test", kind=kind, memory_gib=memory_gib, memory_bandwidth_gb_per_s=3000,
        peak_tflops=formats, sparse=sparse, board_power_w=700, sources=SOURCE,
        link=Link(name="fast", bandwidth_gb_per_s=450, max_devices=joined) if joined > 1 else None, **more,
    )  # fmt: skip


AMPERE = device("ampere", {"fp32": 20, "bf16": 312, "fp16": 312, "int8": 624}, sparse=("bf16", "fp16", "int8"))
HOPPER = device("hopper", {"fp32": 67, "bf16": 989, "fp16": 989, "fp8": 1979, "int8": 1979}, sparse=("bf16", "fp8"))
BLACKWELL = device("blackwell", {"fp32": 80, "bf16": 2250, "fp16": 2250, "fp8": 4500, "int8": 4500,
                                 "mxfp4": 9000, "nvfp4": 9000}, memory_gib=180.0)  # fmt: skip
OCP = device("ocp", {"bf16": 2500, "fp16": 2500, "fp8": 5000, "int8": 5000, "mxfp4": 10000}, memory_gib=288.0)
PLAIN = device("plain", {"fp32": 2}, kind="cpu", joined=1)
DEVICES = (AMPERE, HOPPER, BLACKWELL, OCP, PLAIN)


def context(model=LLAMA_31_8B, devices=DEVICES, counts=(1, 8), max_nodes=4, **workload):
    systems = [
        System(id=f"{count}x{d.id}", device=d.id, device_count=count, max_nodes=max_nodes, sources=SOURCE)
        for d in devices for count in counts
    ]  # fmt: skip
    return Context(model, Workload(**workload), list(devices), systems, [])


def start(ctx, techniques=None, nodes=1) -> Candidates:
    """One row a system, as the engine starts them."""
    schema = make_schema(techniques or all_techniques(), [])
    systems = np.arange(len(ctx.system_list))
    return start_rows(ctx, schema, systems, np.full(len(systems), nodes))


def refused(refusals, rows) -> np.ndarray:
    """Rows that any refusal covers."""
    answer = np.zeros(len(rows), dtype=bool)
    for mask, reason in refusals:
        assert isinstance(reason, str)
        assert reason
        answer |= np.broadcast_to(np.asarray(mask, dtype=bool), answer.shape)
    return answer


def device_names(ctx, rows) -> list[str]:
    return [ctx.device_list[position].id for position in rows["device"]]

