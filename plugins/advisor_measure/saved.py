"""The profile file: where it is, how it is written and read. What it holds is checked like any catalog's."""

from __future__ import annotations

import os
from datetime import date
from pathlib import Path
from typing import Any

from advisor.devices import Device
from advisor.errors import InputError
from advisor.workload import read_toml

MOST_BYTES = 1 << 20
MOST_DEVICES = 16
#: Ids that a profile may give, so that a file cannot put itself in the place of a catalog's device.
PREFIX = "local-"


def profile_path() -> Path:
    """``local.toml`` in the user's configuration folder (XDG Base Directory Specification 0.8)."""
    base = os.environ.get("XDG_CONFIG_HOME", "")
    root = Path(base) if base and Path(base).is_absolute() else Path.home() / ".config"
    return root / "hardware-advisor" / "local.toml"


def saved_devices(path: Path | None = None) -> list[Device]:
    """Devices of the profile, none where there is no file; raises ``InputError`` in one line for a damaged one."""
    path = path or profile_path()
    try:
        if not path.exists():
            return []
        if not path.is_file():
            raise InputError(f"{path}: not a regular file; remove it, or run: advisor measure --output FILE")
    except OSError:
        return []
    document = read_toml(path, MOST_BYTES)
    tables = document.get("device")
    if set(document) != {"device"} or not isinstance(tables, list) or not 0 < len(tables) <= MOST_DEVICES:
        raise InputError(f"{path}: expected [[device]] tables alone, at most {MOST_DEVICES}; advisor measure --force "
                         "writes it anew")  # fmt: skip
    return [_device(table, f"{path}: device[{number}]") for number, table in enumerate(tables, start=1)]


def _device(table: Any, origin: str) -> Device:
    if not isinstance(table, dict):
        raise InputError(f"{origin}: expected a table")
    device = Device.checked(table, origin)
    if not device.id.startswith(PREFIX):
        raise InputError(f"{origin}: id: expected one that starts with {PREFIX!r}, not {device.id!r}")
    for name, value in device.extra.items():
        if name.startswith("efficiency.") and not 0 < value < 1e9:
            raise InputError(f"{origin}: extra.{name}: expected a number above zero, not {value!r}")
    return device


def profile_text(devices: list[Device]) -> str:
    """The profile as TOML."""
    lines = ["# Measured by `advisor measure` on this machine. `advisor measure --force` writes it anew.", ""]
    for device in devices:
        lines.append("[[device]]")
        record = device.to_plain(but_defaults=True, keep=(date,))
        lines += [f"{name} = {_toml(value)}" for name, value in record.items() if not isinstance(value, dict)]
        for name, value in record.items():
            if isinstance(value, dict) and value:
                lines.append(f"[device.{name}]")
                lines += [f"{_key(key)} = {_toml(entry)}" for key, entry in value.items()]
        lines.append("")
    return "\n".join(lines)


def _key(name: str) -> str:
    return name if name.replace("_", "").replace("-", "").isalnum() and name.isascii() else _toml(name)


def _toml(value: Any) -> str:
    """One value: text, number, date, list or inline table."""
    import json

    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, float):
        return f"{value:.1f}" if value.is_integer() and abs(value) < 1e15 else f"{value:.6g}"
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(_toml(item) for item in value)}]"
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{_key(key)} = {_toml(item)}" for key, item in value.items()) + " }"
    return str(value)  # int, date
