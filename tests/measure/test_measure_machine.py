"""What the system tells of a machine, from folders laid out as Linux has them; and a real, short measurement."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from advisor.cli.root import Root
from advisor.cli.session import Session
from advisor.devices import Device
from advisor_measure import command as command_module
from advisor_measure import processor
from advisor_measure.facts import cpu_quota, expand, memory_bytes, read_facts
from advisor_measure.products import measure_products
from advisor_measure.saved import saved_devices


def put(root: Path, name: str, text: str) -> None:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    put(tmp_path, "proc/cpuinfo", "vendor_id : GenuineIntel\nmodel name : Made 8480\ncpu MHz : 2000.0\n"
        "physical id : 0\nflags : fpu avx2 avx512f amx_bf16\n\nphysical id : 1\n")  # fmt: skip
    put(tmp_path, "proc/meminfo", "MemTotal:       67108864 kB\n")
    for number in range(2):
        for index, (level, size) in enumerate(((1, "32K"), (2, "2048K"), (3, "105M"))):
            folder = f"sys/devices/system/cpu/cpu{number}/cache/index{index}/"
            put(tmp_path, folder + "type", "Data" if level == 1 else "Unified")
            put(tmp_path, folder + "level", str(level))
            put(tmp_path, folder + "size", size)
            put(tmp_path, folder + "shared_cpu_list", "0-1" if level == 3 else str(number))
    return tmp_path


def test_facts_come_from_proc_and_sys(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.sched_getaffinity", lambda _: {0, 1}, raising=False)
    facts = read_facts(machine)
    assert (facts.model, facts.vendor, facts.cores, facts.sockets) == ("Made 8480", "intel", 2, 2)
    assert facts.cache_bytes == {1: 64 << 10, 2: 4 << 20, 3: 105 << 20}
    assert facts.memory_bytes == 64 << 30
    assert facts.clock_hz == 2.0e9
    assert facts.flags == ("avx2", "avx512f", "amx_bf16")


def test_control_group_limits_cores_and_memory(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.sched_getaffinity", lambda _: set(range(8)), raising=False)
    put(machine, "proc/self/cgroup", "0::/pod/inner\n")
    put(machine, "sys/fs/cgroup/pod/cpu.max", "400000 100000\n")
    put(machine, "sys/fs/cgroup/pod/inner/cpu.max", "max 100000\n")
    put(machine, "sys/fs/cgroup/pod/inner/memory.max", f"{8 << 30}\n")
    assert cpu_quota(machine) == 4
    assert memory_bytes(machine) == 8 << 30
    assert read_facts(machine).cores == 4


def test_first_version_of_control_groups(machine: Path) -> None:
    put(machine, "proc/self/cgroup", "4:memory:/box\n1:cpu:/box\n")
    put(machine, "sys/fs/cgroup/cpu/box/cpu.cfs_quota_us", "150000")
    put(machine, "sys/fs/cgroup/cpu/box/cpu.cfs_period_us", "100000")
    put(machine, "sys/fs/cgroup/memory/box/memory.limit_in_bytes", str(1 << 30))
    assert cpu_quota(machine) == 1.5
    assert memory_bytes(machine) == 1 << 30


def test_unlimited_machine_has_no_quota(machine: Path) -> None:
    assert cpu_quota(machine) is None
    put(machine, "sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712")
    assert memory_bytes(machine) == 64 << 30


def test_lists_of_processors_are_bounded() -> None:
    assert expand("0-2,8") == [0, 1, 2, 8]
    assert len(expand("0-999999999")) <= 4096
    assert expand("nonsense") == []


def test_empty_system_still_gives_facts(tmp_path: Path) -> None:
    facts = read_facts(tmp_path)
    assert facts.cores >= 1
    assert facts.memory_bytes > 0
    assert facts.model


def test_real_measurement_is_a_valid_device(monkeypatch: pytest.MonkeyPatch) -> None:
    small = partial(measure_products, rows=(1, 16, 128), weights=((256, 256),))
    monkeypatch.setattr(processor, "measure_products", small)
    device = processor.measure_processor(1.0, lambda what: None, runtimes=False)
    assert device.id == "local-cpu"
    assert 0 < device.extra["efficiency.matrix_efficiency"] <= 1
    assert 0 < device.extra["efficiency.bandwidth_efficiency"] <= 1
    assert Device(**device.as_dict()) == device


def run(*arguments: str) -> Result:
    group = Root("advisor")
    group.add_command(command_module.measure)
    return CliRunner().invoke(group, ["measure", *arguments], obj=Session())


@pytest.fixture
def instant(monkeypatch: pytest.MonkeyPatch, measured_device: Device) -> None:
    monkeypatch.setattr(processor, "measure_processor", lambda *_: measured_device)


@pytest.mark.usefixtures("instant")
def test_command_saves_and_refuses_to_overwrite(profile: Path) -> None:
    assert run("--no-runtimes").exit_code == 0
    assert saved_devices()[0].id == "local-cpu"
    profile.write_text("mine")
    refused = run("--no-runtimes")
    assert refused.exit_code == 2
    assert "--force" in refused.output + refused.stderr
    assert profile.read_text() == "mine"
    assert run("--no-runtimes", "--force").exit_code == 0
    assert saved_devices()[0].id == "local-cpu"


@pytest.mark.usefixtures("instant", "profile")
def test_command_writes_elsewhere(tmp_path: Path) -> None:
    path = tmp_path / "other.toml"
    answer = run("--no-runtimes", "--output", str(path), "--json")
    assert answer.exit_code == 0
    assert '"advisor.measure"' in answer.output
    assert saved_devices(path)
    assert saved_devices() == []


@pytest.mark.usefixtures("instant", "profile")
def test_folder_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    answer = run("--no-runtimes", "--output", str(tmp_path / "no" / "such" / "folder.toml"))
    assert answer.exit_code == 2
    assert "cannot be written" in answer.stderr
