"""Models, hardware, offers and questions that plugins are tried on; all are made up for the purpose."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from functools import cache

from advisor.context import Context
from advisor.devices import Device, Link, Source, System
from advisor.models import Layer, Model
from advisor.offers import Offer
from advisor.operators import Attention, Convolution, Elementwise, Embedding, ExpertMatMul, MatMul
from advisor.workload import Workload, make_workload

MADE_UP = {"sample": Source(title="made up for the conformance suite", date=date(2026, 1, 1))}


@cache
def decoder(experts: int = 0) -> Model:
    """A small llama-like decoder of four blocks; with ``experts``, a mixture of them, two a token."""
    hidden, heads, kv_heads, width, inner, vocabulary = 1024, 16, 4, 64, 2816, 32000
    if experts:
        mlp: tuple[MatMul, ...] = (
            MatMul(name="router", inputs=hidden, outputs=experts, quantizable=False),
            ExpertMatMul(name="experts.up", inputs=hidden, outputs=2 * inner, experts=experts, experts_per_unit=2),
            ExpertMatMul(name="experts.down", inputs=inner, outputs=hidden, experts=experts, experts_per_unit=2),
        )
    else:
        mlp = (
            MatMul(name="up", inputs=hidden, outputs=2 * inner, split="columns", saved_elements=hidden + 2 * inner),
            MatMul(name="down", inputs=inner, outputs=hidden, split="rows", saved_elements=inner),
        )
    block = (
        Elementwise(name="norm", elements=2 * hidden, parameters_own=2 * hidden, saved_elements=hidden),
        MatMul(name="qkv", inputs=hidden, outputs=(heads + 2 * kv_heads) * width, split="columns",
               saved_elements=hidden),
        Attention(name="attention", heads=heads, kv_heads=kv_heads, key_width=width, value_width=width,
                  saved_elements=heads * width),
        MatMul(name="o", inputs=heads * width, outputs=hidden, split="rows", saved_elements=heads * width),
        *mlp,
    )  # fmt: skip
    embed = Embedding(name="embed", rows=vocabulary, width=hidden)
    head = MatMul(name="lm_head", inputs=hidden, outputs=vocabulary, quantizable=False, last_unit_only=True)
    return Model(
        name="sample-mixture" if experts else "sample-decoder", family="sample", unit="token", generates=True,
        hidden_size=hidden, blocks=4, vocabulary=vocabulary, max_context=8192, tensor_parallel_limit=heads,
        layers=(
            Layer(name="embed", kind="embedding", operators=(embed,)),
            Layer(name="block", kind="decoder", operators=block, count=4),
            Layer(name="head", kind="head", operators=(head,)),
        ),
    )  # fmt: skip


@cache
def classifier() -> Model:
    """A small network without a sequence axis: a convolution and two dense layers in fp32."""
    return Model(
        name="sample-classifier", family="sample", unit="sample", weight_format="fp32", sample_elements=32 * 32 * 3,
        layers=(
            Layer(name="conv", kind="convolution", operators=(
                Convolution(name="conv", inputs=27, outputs=32, positions=900, input_elements=3072,
                            saved_elements=28800),)),
            Layer(name="dense", kind="dense", count=2, operators=(
                MatMul(name="dense", inputs=512, outputs=512, bias=True, saved_elements=512),)),
        ),
    )  # fmt: skip


def questions() -> dict[str, tuple[Model, Workload]]:
    """One question of every task and kind of model."""
    asked: dict[str, tuple[Model, dict[str, object]]] = {
        "serve a decoder": (decoder(), {"task": "serve", "request_rate": 2}),
        "serve a mixture of experts": (decoder(8), {"task": "serve", "concurrency": 16}),
        "a batch of prompts": (decoder(), {"task": "batch", "rows": 10_000}),
        "train a decoder": (decoder(), {"task": "train", "tokens": 10**9, "batch_size": 64}),
        "fine-tune a decoder": (decoder(), {"task": "finetune", "tokens": 10**7}),
        "serve a classifier": (classifier(), {"task": "serve", "request_rate": 100}),
        "train a classifier": (classifier(), {"task": "train", "rows": 60_000, "epochs": 10, "batch_size": 32}),
    }
    return {name: (model, make_workload(fields)) for name, (model, fields) in asked.items()}


def sample_device(name: str = "sample", **figures: object) -> Device:
    """A middling accelerator with every figure that a backend may want."""
    fields: dict[str, object] = {
        "id": name, "name": f"Sample {name}", "vendor": "sample", "kind": "sample", "memory_gib": 48,
        "memory_bandwidth_gb_per_s": 1000,
        "peak_tflops": {"fp32": 50, "bf16": 200, "fp16": 200, "fp8": 400, "int8": 400}, "sparse": ("bf16", "fp16"),
        "compute_units": 100, "clock_ghz": 1.5, "cache_mib": 48, "board_power_w": 350, "idle_power_w": 40,
        "link": Link(name="sample link", bandwidth_gb_per_s=100), "sources": MADE_UP,
        "network": Link(name="sample network", bandwidth_gb_per_s=25),
    }  # fmt: skip
    return Device.checked(fields | figures)


def sample_systems(devices: Sequence[Device], counts: Sequence[int] = (1, 4)) -> list[System]:
    """Nodes of each device in each count."""
    return [
        System(id=f"{count}x{device.id}", device=device.id, device_count=count, max_nodes=4, host_memory_gib=512,
               host_power_w=300, sources=MADE_UP)
        for device in devices for count in counts
    ]  # fmt: skip


def sample_offers(systems: Sequence[System]) -> list[Offer]:
    """Each system under several terms and in several places; one of them without a price."""
    answer = []
    for system in systems:
        own = {"term": "owned", "on_premises": True, "tenancy": "own", "purchase_usd": 10_000.0 * system.device_count}
        price = 2.0 * system.device_count
        places: dict[str, dict[str, object]] = {
            "eu": {"region": "eu-1", "country": "DE", "areas": ("eu",), "price_usd_per_hour": price, "pue": 1.2,
                   "certifications": ("iso27001",)},
            "spot": {"region": "us-1", "country": "US", "areas": ("us",), "price_usd_per_hour": 0.4 * price,
                     "term": "spot"},
            "own": {"region": "home", "country": "FR", "areas": ("any",), **own},
        }  # fmt: skip
        answer += [
            Offer.checked({"id": f"{system.id}/{place}", "provider": "sample", "system": system.id,
                                  "jurisdictions": (fields["country"],), "sources": MADE_UP, **fields})
            for place, fields in places.items()
        ]  # fmt: skip
    return answer


def context_of(
    model: Model, workload: Workload, devices: Sequence[Device], systems: Sequence[System] | None = None,
    offers: Sequence[Offer] | None = None,
) -> Context:  # fmt: skip
    """A question about these devices; systems and offers are made up where none are given."""
    systems = sample_systems(devices) if systems is None else systems
    return Context(model, workload, list(devices), list(systems), sample_offers(systems) if offers is None else offers)
