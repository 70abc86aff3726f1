"""What the operating system says of the machine: processor, cores, caches, memory, and the limits set on us."""

from __future__ import annotations

import os
import platform
import re
from dataclasses import dataclass
from pathlib import Path

#: Instruction sets that matter, by the flag that /proc/cpuinfo gives (x86: flags, Arm: Features).
MATRIX_FLAGS = ("avx2", "avx512f", "avx512_bf16", "avx512_vnni", "avx_vnni", "amx_bf16", "amx_int8", "amx_fp16",
                "asimd", "asimddp", "i8mm", "bf16", "sve", "sve2")  # fmt: skip


@dataclass(frozen=True)
class Facts:
    """The machine as this process may use it.

    ``cores`` are those that the process may run on and its quota pays for; ``memory_bytes`` the smaller of
    what is there and what the control group allows.
    """

    model: str
    vendor: str
    cores: int
    threads_per_core: int
    sockets: int
    numa_nodes: int
    clock_hz: float | None
    cache_bytes: dict[int, int]  # level to bytes of all caches of that level that our cores see
    memory_bytes: int
    flags: tuple[str, ...]


def read_facts(root: Path = Path("/")) -> Facts:
    """Read the facts; ``root`` is where /proc and /sys are found."""
    info = _text(root / "proc/cpuinfo")
    usable = _usable_cores()
    quota = cpu_quota(root)
    cores = max(1, min(len(usable), int(quota + 0.5) if quota else len(usable)))
    flags = set(_first(info, r"^(?:flags|Features)\s*:\s*(.*)$").split())
    return Facts(
        model=_first(info, r"^model name\s*:\s*(.*)$") or platform.processor() or platform.machine() or "processor",
        vendor=_vendor(_first(info, r"^(?:vendor_id|CPU implementer)\s*:\s*(.*)$")),
        cores=cores,
        threads_per_core=_threads_per_core(root, usable),
        sockets=max(1, len(set(re.findall(r"^physical id\s*:\s*(\d+)", info, re.M)))),
        numa_nodes=max(1, len(list(_glob(root, "sys/devices/system/node/node[0-9]*")))),
        clock_hz=_clock_hz(root, info),
        cache_bytes=_caches(root, usable),
        memory_bytes=memory_bytes(root),
        flags=tuple(flag for flag in MATRIX_FLAGS if flag in flags),
    )


def _usable_cores() -> list[int]:
    affinity = getattr(os, "sched_getaffinity", None)
    return sorted(affinity(0)) if affinity else list(range(os.cpu_count() or 1))


def cpu_quota(root: Path) -> float | None:
    """Processors that the control group's quota pays for (cgroup v2, then v1); None without a quota."""
    for folder in _group_folders(root, ""):
        words = _text(folder / "cpu.max").split()
        if len(words) == 2 and words[0].isdigit() and words[1].isdigit() and int(words[1]):
            return int(words[0]) / int(words[1])
    for folder in _group_folders(root, "cpu"):
        quota, period = _text(folder / "cpu.cfs_quota_us").strip(), _text(folder / "cpu.cfs_period_us").strip()
        if quota.isdigit() and period.isdigit() and int(period):
            return int(quota) / int(period)
    return None


def memory_bytes(root: Path) -> int:
    """Bytes of memory that we may use: what is there, or less where the control group says so."""
    total = _first(_text(root / "proc/meminfo"), r"^MemTotal:\s*(\d+) kB")
    most = int(total) * 1024 if total else 0
    if not most and hasattr(os, "sysconf"):
        most = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    for controller, name in (("", "memory.max"), ("memory", "memory.limit_in_bytes")):
        for folder in _group_folders(root, controller):
            limit = _text(folder / name).strip()
            if limit.isdigit() and 0 < int(limit) < most:
                most = int(limit)
    return most


def _group_folders(root: Path, controller: str) -> list[Path]:
    """Our control group's folder and those above it, for one v1 controller, or v2 where it is empty."""
    base = root / "sys/fs/cgroup" / controller
    path = ""
    for line in _text(root / "proc/self/cgroup").splitlines():
        _, _, rest = line.partition(":")
        names, _, place = rest.partition(":")
        if controller in names.split(","):
            path = place
    own = base / path.strip("/")
    folders = [own, *own.parents]
    return [folder for folder in folders if folder == base or base in folder.parents]


def _threads_per_core(root: Path, cores: list[int]) -> int:
    listed = _text(root / f"sys/devices/system/cpu/cpu{cores[0]}/topology/thread_siblings_list").strip()
    return max(1, len(expand(listed)))


def expand(text: str) -> list[int]:
    """``"0-3,8"`` to ``[0, 1, 2, 3, 8]``; at most 4,096 of them."""
    answer: list[int] = []
    for part in text.split(","):
        first, _, last = part.strip().partition("-")
        if first.isdigit():
            end = int(last) if last.isdigit() else int(first)
            answer += list(range(int(first), min(end, int(first) + 4095) + 1))
    return answer[:4096]


def _caches(root: Path, cores: list[int]) -> dict[int, int]:
    """Bytes by level, each shared cache counted once."""
    seen: dict[int, dict[str, int]] = {}
    for core in cores:
        for folder in _glob(root, f"sys/devices/system/cpu/cpu{core}/cache/index*"):
            kind, level, size = (_text(folder / name).strip() for name in ("type", "level", "size"))
            match = re.fullmatch(r"(\d+)([KMG]?)", size)
            if kind == "Instruction" or not level.isdigit() or not match:
                continue
            scale = {"": 1, "K": 2**10, "M": 2**20, "G": 2**30}[match.group(2)]
            shared = _text(folder / "shared_cpu_list").strip() or str(core)
            seen.setdefault(int(level), {})[shared] = int(match.group(1)) * scale
    return {level: sum(sizes.values()) for level, sizes in sorted(seen.items())}


def _clock_hz(root: Path, info: str) -> float | None:
    kilohertz = _text(root / "sys/devices/system/cpu/cpu0/cpufreq/cpuinfo_max_freq").strip()
    if kilohertz.isdigit():
        return int(kilohertz) * 1e3
    megahertz = [float(value) for value in re.findall(r"^cpu MHz\s*:\s*([\d.]+)", info, re.M)]
    return max(megahertz) * 1e6 if megahertz and max(megahertz) > 0 else None


def _vendor(text: str) -> str:
    known = {"GenuineIntel": "intel", "AuthenticAMD": "amd", "0x41": "arm", "0x61": "apple", "0xc0": "ampere"}
    return known.get(text.strip(), text.strip().lower() or "unknown")


def _text(path: Path, most: int = 4 << 20) -> str:
    try:
        with path.open("rb") as stream:
            return stream.read(most).decode("utf-8", "replace")
    except OSError:
        return ""


def _first(text: str, pattern: str) -> str:
    found = re.search(pattern, text, re.M)
    return found.group(1).strip() if found else ""


def _glob(root: Path, pattern: str) -> list[Path]:
    return sorted(root.glob(pattern))
