"""Time models on this machine's processor and compare with the estimates before and after ``advisor measure``.

    python benchmarks/local_cpu.py                  # all cores, by the wall clock
    taskset -c 1 python benchmarks/local_cpu.py     # one core, by processor time: others do not disturb it

Makes a Keras classifier and ResNet-50, a ResNet-50 and a BERT-base-size encoder for PyTorch and ONNX Runtime, and a
small Llama with random weights for PyTorch and llama.cpp; times inference at several batch sizes, and training of
the classifier and of the small Llama with its peak memory. Each job runs in a process of its own; what is not
installed (torch, transformers, onnxruntime, onnx, tensorflow, llama-cpp-python, gguf) is left out by name.

With LOCAL_CPU_FOLDER set the models and times are kept there: job names run these alone, and --again predicts anew
from what was kept. "Before" is the catalog's processor of the same kind (``BEFORE``) cut to as many cores; "after"
the profile that ``advisor measure`` wrote in the same run. Prints a table and writes benchmarks/local_cpu.json.
"""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from local_models import JOBS, Row

MODELS = Path(__file__).with_name("local_models.py")
STORED = Path(__file__).with_name("local_cpu.json")
#: The catalog's processor that a user would have named here, by the vendor and instructions that the system tells.
BEFORE = {("amd", "avx512_bf16"): "amd-epyc-9654", ("amd", "avx2"): "amd-epyc-7763",
          ("intel", "amx_bf16"): "intel-xeon-8480plus", ("intel", "avx512f"): "intel-xeon-8380"}  # fmt: skip

def time_all(folder: Path, only: list[str]) -> list[Row]:
    """Run the jobs, each in a process of its own, and return their rows."""
    kept = folder / "rows.json"
    rows: list[Row] = json.loads(kept.read_text()) if kept.exists() else []
    for job in only or [job.__name__ for job in JOBS]:
        command = [sys.executable, str(MODELS), job, str(folder)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=1200, check=False)
        if done.returncode:
            last = (done.stderr.strip().splitlines() or ["no output"])[-1]
            print(f"{job} left out: {last}", file=sys.stderr)
            continue
        found = json.loads(done.stdout.strip().splitlines()[-1])
        rows = [row for row in rows if row["job"] != job] + [{"job": job, **row} for row in found]
        kept.write_text(json.dumps(rows))
    return rows


def before_device() -> Any:
    """The catalog's processor of this kind, cut to our share of its cores."""
    from advisor import Advisor
    from advisor_measure.facts import read_facts

    facts = read_facts()
    name = next(device for (vendor, flag), device in BEFORE.items() if facts.vendor == vendor and flag in facts.flags)
    whole = Advisor().registry.devices[name]
    share = facts.cores / whole.compute_units
    return whole.replace(**{
        "id": "before", "aliases": (), "compute_units": facts.cores, "board_power_w": whole.board_power_w * share,
        "memory_gib": facts.memory_bytes / 2**30, "link": None,
        "memory_bandwidth_gb_per_s": whole.memory_bandwidth_gb_per_s * share,
        "peak_tflops": {format_name: rate * share for format_name, rate in whole.peak_tflops.items()},
        "cache_mib": facts.cache_bytes[max(facts.cache_bytes)] / 2**20,
    })  # fmt: skip


def measured_devices(folder: Path) -> list[Any]:
    """Run ``advisor measure`` in a process of its own and read what it saved."""
    from advisor_measure.saved import saved_devices

    path = folder / "local.toml"
    code = ("from advisor.cli.root import Root; from advisor.cli.session import Session; "
            "from advisor_measure.command import measure; group = Root('advisor'); group.add_command(measure); "
            "group.main(obj=Session())")  # fmt: skip
    command = [sys.executable, "-c", code, "measure", "--force", "--output", str(path)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return saved_devices(path)


def predictions(folder: Path, rows: list[Row], device: Any) -> list[float | None]:
    """What the advisor predicts for each row on a device."""
    from advisor import Advisor
    from advisor.validation import validate

    path = folder / "measured.csv"
    names = list(dict.fromkeys(name for row in rows for name in row))
    with path.open("w", newline="") as stream:
        writer = csv.DictWriter(stream, [*names, "device"])
        writer.writeheader()
        writer.writerows({**row, "device": device.id} for row in rows)
    advisor = Advisor(devices=[device])
    answer = validate(advisor.registry, path)
    for row in answer.rows:
        if row["reason"]:
            print(f"{row['model']} {row['metric']}: {row['reason']}", file=sys.stderr)
    return [row["predicted"] for row in answer.rows]


def main(arguments: list[str]) -> int:
    """Time, measure, predict, print and record."""
    from advisor_measure.clock import Foreign
    from advisor_measure.facts import read_facts
    from advisor_measure.saved import saved_devices

    only = [argument for argument in arguments if argument != "--again"]
    with tempfile.TemporaryDirectory() as made:
        folder = Path(os.environ.get("LOCAL_CPU_FOLDER") or made)
        folder.mkdir(exist_ok=True)
        foreign = Foreign.start()
        if "--again" in arguments:
            rows, after = json.loads((folder / "rows.json").read_text()), saved_devices(folder / "local.toml")
        else:
            rows, after = time_all(folder, only), measured_devices(folder)
        busy = foreign.processors()
        devices = {"before": before_device(), "after": after[0]}
        for when, device in devices.items():
            for row, value in zip(rows, predictions(folder, rows, device), strict=True):
                row[when] = value
                row[f"{when}_error_percent"] = value and round(100 * (value / float(row["value"]) - 1), 1)
    _print(rows)
    errors = {when: _summary(rows, when) for when in devices}
    print(json.dumps(errors))
    facts = read_facts()
    record = {
        "date": next(iter(after[0].sources.values())).date.isoformat(), "processor": facts.model, "cores": facts.cores,
        "clock": "processor time" if facts.cores == 1 else "wall",
        "busy_by_others": after[0].extra["busy_by_others"] if "--again" in arguments else round(busy, 2),
        "errors": errors, "profile": after[0].extra, "rows": rows,
    }  # fmt: skip
    if not only:
        STORED.write_text(json.dumps(record, indent=1) + "\n", "utf-8")
    return 0


def _summary(rows: list[Row], when: str) -> dict[str, float]:
    errors = np.array([abs(row[f"{when}_error_percent"]) for row in rows if row[when]])
    return {"rows": len(errors), "median": round(float(np.median(errors)), 1), "mean": round(float(errors.mean()), 1)}


def _print(rows: list[Row]) -> None:
    for row in rows:
        point = " ".join(f"{name} {row[name]}" for name in ("batch", "micro_batch", "seq_len", "input_tokens",
                                                            ) if row.get(name))  # fmt: skip
        figures = [f"{when} {row[when]:.4g} ({row[f'{when}_error_percent']:+.0f} %)" if row[when] else f"{when} -"
                   for when in ("before", "after")]  # fmt: skip
        print(f"{row['model']:20s} {row['framework']:12s} {row['task']:6s} {point:34s} {row['metric']:21s} "
              f"{float(row['value']):10.4g}  {'  '.join(figures)}")  # fmt: skip


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
