"""The saved profile: valid, used by estimates and rankings, and harmless when damaged."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from advisor import Advisor
from advisor.devices import Device
from advisor.errors import InputError
from advisor.models import Layer, Model
from advisor.operators import MatMul
from advisor_measure.saved import profile_path, profile_text, saved_devices

MakeAdvisor = Callable[[], Advisor]


def network(width: int = 2048) -> Model:
    products = tuple(MatMul(name=f"product_{number}", inputs=width, outputs=width) for number in range(8))
    layer = Layer(name="body", kind="dense", operators=products)
    return Model(name="made", family="made", layers=(layer,), unit="sample", weight_format="fp32", hidden_size=width)


def step_seconds(advisor: Advisor, framework: str = "", batch: int = 256) -> float:
    ranking = advisor.estimate(
        network(), "local-cpu", task="batch", rows=1000, batch_size=batch, framework=framework,
    )  # fmt: skip
    plain = next(candidate for candidate in ranking.everything() if not candidate.recipe)
    return plain.estimates["step_time"].value


def test_profile_reads_back_as_written(profile: Path, measured_device: Device) -> None:
    profile.write_text(profile_text([measured_device]))
    (found,) = saved_devices()
    assert found.replace(extra={}) == measured_device.replace(extra={})
    assert found.extra == pytest.approx(measured_device.extra)
    assert found.sources["measured"].title.startswith("measured on this machine")


def test_measured_rate_and_pad_are_found(measured_device: Device) -> None:
    assert measured_device.peak_tflops["fp32"] == pytest.approx(0.4)
    assert measured_device.memory_bandwidth_gb_per_s == pytest.approx(50.0)
    assert measured_device.extra["efficiency.matrix_efficiency"] == pytest.approx(1.0)
    assert measured_device.extra["efficiency.pad_rows"] == 8


def test_profile_is_ranked_as_owned_hardware(profile: Path, measured_device: Device, make_advisor: MakeAdvisor) -> None:
    profile.write_text(profile_text([measured_device]))
    ranking = make_advisor().rank(network(), task="batch", rows=1000, device=("local-cpu",))
    assert ranking.best is not None
    assert ranking.best.device.id == "local-cpu"
    assert ranking.best.offer is not None
    assert ranking.best.offer.on_premises
    assert ranking.best.offer.price_usd_per_hour == 0


def test_estimate_uses_the_measured_efficiency(
    profile: Path, measured_device: Device, make_advisor: MakeAdvisor
) -> None:
    profile.write_text(profile_text([measured_device]))
    quick = step_seconds(make_advisor())
    arithmetic = 2 * 256 * 8 * 2048 * 2048 / 400e9
    assert arithmetic < quick < 1.5 * arithmetic
    slower = {**measured_device.extra, "efficiency.matrix_efficiency": 0.5}
    profile.write_text(profile_text([measured_device.replace(extra=slower)]))
    assert step_seconds(make_advisor()) > quick + 0.9 * arithmetic


def test_measured_runtime_counts_for_that_runtime_alone(
    profile: Path, measured_device: Device, make_advisor: MakeAdvisor
) -> None:
    slow = {**measured_device.extra, "efficiency.pytorch.kernel_us": 5000.0}
    profile.write_text(profile_text([measured_device]))
    before = {name: step_seconds(make_advisor(), name) for name in ("torch 2.9", "onnxruntime")}
    profile.write_text(profile_text([measured_device.replace(extra=slow)]))
    after = {name: step_seconds(make_advisor(), name) for name in ("torch 2.9", "onnxruntime")}
    assert after["torch 2.9"] == pytest.approx(before["torch 2.9"] + 8 * 4.996e-3, rel=0.02)
    assert after["onnxruntime"] == pytest.approx(before["onnxruntime"])


def test_no_profile_means_no_device(profile: Path, make_advisor: MakeAdvisor) -> None:
    advisor = make_advisor()
    assert advisor.registry.devices.find("local-cpu") is None
    assert not [line for line in advisor.warnings if "measure" in line]


def test_path_follows_the_configuration_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", "relative/is/ignored")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert profile_path() == tmp_path / ".config" / "hardware-advisor" / "local.toml"


HOSTILE = {
    "not TOML": b"\x00\xff[[[",
    "no tables": b"x = 1",
    "another table": b"[[device]]\nid = 'local-cpu'\n[evil]\nx = 1",
    "a table of text": b"device = 'local-cpu'",
    "a list of numbers": b"device = [1, 2]",
    "fields missing": b"[[device]]\nid = 'local-cpu'\n",
    "deep": b"device = " + b"[" * 100_000,
    "too many": b"[[device]]\nid = 'local-x'\n" * 1000,
}


@pytest.mark.parametrize("content", HOSTILE.values(), ids=HOSTILE.keys())
def test_damaged_profile_is_one_line(profile: Path, content: bytes, make_advisor: MakeAdvisor) -> None:
    profile.write_bytes(content)
    with pytest.raises(InputError, match=r"local\.toml") as raised:
        saved_devices()
    assert "\n" not in str(raised.value)
    advisor = make_advisor()
    assert advisor.registry.devices.find("local-cpu") is None
    assert advisor.registry.devices.find("h100") is not None
    assert advisor.registry.offers
    assert len([line for line in advisor.warnings if "local.toml" in line]) == 1


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"id": "h100"}, "id"),
        ({"memory_gib": -1.0}, "memory_gib"),
        ({"peak_tflops": {"fp32": float("inf")}}, "peak_tflops"),
        ({"extra": {"efficiency.matrix_efficiency": 0.0}}, "efficiency.matrix_efficiency"),
        ({"extra": {"efficiency.kernel_us": float("nan")}}, "efficiency.kernel_us"),
    ],
)
def test_figure_out_of_range_names_the_field(
    profile: Path, measured_device: Device, change: dict[str, object], field: str
) -> None:
    text = profile_text([Device(**{**measured_device.as_dict(), **change})])
    profile.write_text(text)
    with pytest.raises(InputError, match=field):
        saved_devices()


def test_profile_that_is_no_file_is_one_line(profile: Path) -> None:
    profile.mkdir()
    with pytest.raises(InputError, match="not a regular file"):
        saved_devices()
