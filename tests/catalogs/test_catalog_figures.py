"""Figures as the vendors publish them, dense, read from their documents apart from the catalog."""

import pytest

from advisor_catalogs.grids import load_grids
from advisor_catalogs.loading import load_devices, load_offers, load_systems

PUBLISHED = [
    # device, figure, value
    ("h100", "peak_tflops.bf16", 989.4),
    ("h100", "peak_tflops.fp8", 1978.9),
    ("h100", "memory_bandwidth_gb_per_s", 3352),
    ("h100", "compute_units", 132),
    ("h100", "board_power_w", 700),
    ("h100", "link.bandwidth_gb_per_s", 450),
    ("h200", "memory_bandwidth_gb_per_s", 4800),
    ("b200", "peak_tflops.bf16", 2250),
    ("b200", "peak_tflops.nvfp4", 9000),
    ("b200", "link.bandwidth_gb_per_s", 900),
    ("gb200", "peak_tflops.fp8", 5000),
    ("gb200", "link.max_devices", 72),
    ("a100-80gb", "peak_tflops.bf16", 312),
    ("a100-80gb", "memory_bandwidth_gb_per_s", 2039),
    ("a100-40gb", "memory_bandwidth_gb_per_s", 1555),
    ("l4", "board_power_w", 72),
    ("t4", "peak_tflops.int8", 130),
    ("v100", "peak_tflops.fp16", 125),
    ("4090", "peak_tflops.bf16", 165.2),
    ("5090", "memory_bandwidth_gb_per_s", 1792),
    ("mi300x", "peak_tflops.fp16", 1307.4),
    ("mi300x", "memory_gib", 192),
    ("mi355x", "memory_bandwidth_gb_per_s", 8000),
    ("gaudi2", "peak_tflops.bf16", 432),
    ("tpu-v4", "peak_tflops.bf16", 275),
    ("tpu-v5e", "peak_tflops.bf16", 197),
    ("tpu-v5e", "peak_tflops.int8", 394),
    ("tpu-v5p", "memory_bandwidth_gb_per_s", 2765),
    ("tpu-v6e", "peak_tflops.bf16", 918),
    ("tpu-v6e", "extra.mxu_size", 256),
    ("trn2", "peak_tflops.fp8", 1299),
    ("inf2", "memory_bandwidth_gb_per_s", 820),
    ("m2-ultra", "memory_bandwidth_gb_per_s", 800),
    ("m5", "peak_tflops.fp16", 16.6),  # 10 cores x 1024 operations a cycle, measured by T. Zakharko
    ("m5-max", "memory_bandwidth_gb_per_s", 614),
    ("258v-gpu", "peak_tflops.int8", 63.9),  # Intel: 64 TOPS
    ("155h-gpu", "peak_tflops.int8", 18.43),  # Intel: 18 TOPS
    ("a770m", "memory_bandwidth_gb_per_s", 512),
    ("6700-xt", "peak_tflops.fp32", 13.21),
    ("6800-xt", "peak_tflops.fp32", 20.74),
    ("xeon-8580", "compute_units", 60),
    ("xeon-8490h", "cache_mib", 112.5),
    ("sn40l", "peak_tflops.bf16", 638),
    ("groq-lpu", "memory_bandwidth_gb_per_s", 80000),
    ("cs-3", "memory_bandwidth_gb_per_s", 21_000_000),
    ("cloud-ai-100-pro", "peak_tflops.int8", 375),
    ("mlu370-x8", "memory_bandwidth_gb_per_s", 614.4),
    ("epyc-9654", "compute_units", 96),
    ("epyc-9654", "memory_bandwidth_gb_per_s", 460.8),
    ("xeon-8480", "extra.amx", 1),
    ("grace", "memory_bandwidth_gb_per_s", 512),
]


@pytest.fixture(scope="module")
def named():
    return {name: device for device in load_devices() for name in (device.id, *device.aliases)}


def figure(record, path):
    for part in path.split("."):
        record = record[part] if isinstance(record, dict) else getattr(record, part)
    return record


@pytest.mark.parametrize(("name", "path", "value"), PUBLISHED)
def test_published_figure(named, name, path, value):
    assert figure(named[name], path) == pytest.approx(value, rel=1e-6)


def test_rates_are_dense_not_sparse(named):
    assert named["h100"].peak_tflops["fp16"] < 1000
    assert named["l40s"].peak_tflops["fp8"] < 734
    assert "fp16" in named["h100"].sparse


def test_memory_is_binary_as_the_driver_shows_it(named):
    assert named["h200"].memory_gib == pytest.approx(143771 / 1024, rel=0.001)
    assert named["b200"].memory_gib == pytest.approx(183359 / 1024, rel=0.001)


def test_a_processor_rate_is_derived_and_says_so(named):
    device = named["epyc-9654"]  # 96 cores x 3.55 GHz x 2 pipes of 8 lanes x 2
    assert device.peak_tflops["fp32"] == pytest.approx(96 * 3.55e9 * 32 / 1e12, rel=1e-3)
    assert "cores x clock" in device.estimated["peak_tflops"]


def test_devices_of_the_measurements_are_known(named):
    wanted = {"nvidia-h100-sxm-80gb", "nvidia-h200-sxm-141gb", "nvidia-b200-sxm-180gb", "nvidia-gb200-nvl72"}
    assert wanted <= set(named)


def test_published_prices():
    prices = {offer.id: offer.price_usd_per_hour for offer in load_offers()}
    assert prices["aws/p5.48xlarge/us-east-1/on-demand"] == 55.04
    assert prices["gcp/tpu-v5e-8/us-central1/on-demand"] == pytest.approx(8 * 1.20)
    assert prices["nebius/gpu-h100-sxm_8gpu/eu-north1/on-demand"] == 8 * 4.50  # from 1 October 2026
    assert prices["azure/ND96isr_H100_v5/eastus/on-demand"] == 98.32
    assert prices["coreweave/h100-8x/us-east-04/spot"] == 19.71
    assert prices["hyperstack/n3-H100-SXM5x8/CANADA-1/on-demand"] == pytest.approx(8 * 3.20)
    assert prices["hotaisle/bm-mi300x-8/us-michigan-1/on-demand"] == 27.12


def test_grids():
    grids = load_grids()
    assert (grids["DE"].intensity_g_per_kwh, grids["DE"].year) == (342, 2025)  # Electricity Maps
    order = [grids[name].intensity_g_per_kwh for name in ("SE", "FR", "DE", "US-MIDA-PJM", "PL")]
    assert order == sorted(order)
    assert grids["US-CAL-CISO"].country == "US"
    assert grids["KE"].year >= 2021


def test_a_node_says_how_many_it_can_work_with():
    systems = {system.id: system for system in load_systems()}
    assert systems["dgx-h100"].max_nodes >= 1024
    assert systems["dgx-h100"].network.bandwidth_gb_per_s == 50
    assert systems["tpu-v5e-4"].max_nodes * 4 == 256


def test_a_grids_day_is_around_its_mean_and_has_a_source():
    from advisor_catalogs.grid_hours import load_grid_hours
    from advisor_catalogs.grids import load_grids

    grids = load_grids()
    for name, day in load_grid_hours().items():
        assert name in grids
        assert sum(day.shares) / 24 == pytest.approx(1, abs=0.005), name
        assert min(day.shares) > 0.3
        assert day.sources["hours"].url.startswith("https://")
    california = load_grid_hours()["US-CAL-CISO"].shares  # noon there is 20 o'clock UTC
    assert california.index(min(california)) in (19, 20, 21)


def test_every_charge_has_a_source():
    from advisor_catalogs.loading import load_records

    charges = {charge.id: charge for charge in load_records("charge")}
    assert set(charges) == {provider.id for provider in load_records("provider")} - {"own"}
    for charge in charges.values():
        assert charge.sources
        assert charge.notes or None not in (charge.egress_usd_per_gb, charge.storage_usd_per_gb_month), charge.id
        assert charge.egress_usd_per_gb is None or 0 <= charge.egress_usd_per_gb <= 0.15
