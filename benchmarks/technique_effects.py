"""What a technique changes: measured ratios between rows that differ in nothing else, and those that are predicted.

    python benchmarks/technique_effects.py > benchmarks/technique_effects.json

Takes the rows of tests/truth/serve_*.csv that agree in everything but the formats of weights, activations and cache
(the framework and its version included) and pairs each with every other. A pair agrees in sign where measured and
predicted change go the same way; measured changes below 3 % are noise and have no sign. Nothing here is fitted.
"""

import csv
import itertools
import json
import math
import re
import statistics
import sys
import tempfile
from collections import defaultdict
from pathlib import Path

from advisor import Advisor
from advisor.validation.validate import validate
from advisor_quantization.gguf import FILE_TYPES

TRUTH = Path(__file__).resolve().parents[1] / "tests" / "truth"
#: Columns that are the technique, or say nothing of the setting.
APART = {"id", "value", "notes", "weights_dtype", "activations_dtype", "kv_dtype", "source", "year", "fits"}
#: Measured changes that repeated runs make.
NOISE = 0.03
LARGE = 0.1
GGUF = {file_type.name: file_type.base for file_type in FILE_TYPES}
NAMED = re.compile(r"GGUF (\w+)")


def technique(row):
    """The formats of a row; of a GGUF file its type."""
    named = NAMED.search(row.get("notes") or "")
    weights = named[1].lower() if named and named[1].lower() in GGUF else row["weights_dtype"]
    return weights, row.get("activations_dtype", ""), row.get("kv_dtype", "")


def predicted(advisor, path):
    """The rows of a file with predictions; a GGUF file's weights count in the format of most of its tensors."""
    with path.open(encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    if not any(technique(row)[0] in GGUF for row in rows):
        return validate(advisor.registry, path).rows
    for row in rows:
        row["weights_dtype"] = GGUF.get(technique(row)[0], row["weights_dtype"])
    with tempfile.NamedTemporaryFile("w", suffix=".csv", dir=path.parent, encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
        stream.flush()
        return validate(advisor.registry, Path(stream.name)).rows


def settings(rows):
    """Rows by everything but the technique; several runs of one technique count as their geometric mean."""
    groups = defaultdict(lambda: defaultdict(list))
    for row in rows:
        if row["predicted"] is not None and row["metric"] not in ("weight_bytes", "memory_gb_per_device"):
            key = tuple(sorted((name, text) for name, text in row.items() if name in setting_columns(row)))
            groups[key][technique(row)].append((float(row["value"]), float(row["predicted"])))
    return groups


def setting_columns(row):
    return set(row) - APART - {"predicted", "low", "high", "error_percent", "reason"}


def mean(values):
    return math.exp(statistics.fmean(math.log(value) for value in values))


def pairs(advisor):
    """One record a pair: file, metric, the two techniques, measured and predicted ratio."""
    for path in sorted(TRUTH.glob("serve_*.csv")):
        for key, found in settings(predicted(advisor, path)).items():
            known = dict(key)
            for first, second in itertools.combinations(sorted(found), 2):
                measured = mean(v for v, _ in found[second]) / mean(v for v, _ in found[first])
                expected = mean(p for _, p in found[second]) / mean(p for _, p in found[first])
                yield {"file": path.stem, "metric": known["metric"], "device": known["device"],
                       "from": "/".join(filter(None, first)), "to": "/".join(filter(None, second)),
                       "measured": round(measured, 4), "predicted": round(expected, 4)}  # fmt: skip


def summary(records):
    signed = [r for r in records if abs(math.log(r["measured"])) > math.log1p(NOISE)]
    right = [r for r in signed if (r["measured"] > 1) == (r["predicted"] > 1)]
    large = [r for r in signed if abs(math.log(r["measured"])) > math.log1p(LARGE)]
    errors = [abs(r["predicted"] / r["measured"] - 1) for r in records]
    return {"pairs": len(records), "signed": len(signed),
            "sign_right": round(len(right) / len(signed), 4) if signed else None,
            "large": len(large),
            "sign_right_of_large": round(sum(r in right for r in large) / len(large), 4) if large else None,
            "median_error": round(statistics.median(errors), 4) if errors else None}  # fmt: skip


def main():
    records = list(pairs(Advisor()))
    groups = defaultdict(list)
    for record in records:
        groups[f"{record['file']}: {record['from']} -> {record['to']}"].append(record)
    answer = {"all": summary(records), "groups": {name: summary(group) for name, group in sorted(groups.items())}}
    for name in ("file", "metric"):
        by = defaultdict(list)
        for record in records:
            by[record[name]].append(record)
        answer[f"by_{name}"] = {key: summary(group) for key, group in sorted(by.items())}
    json.dump(answer, sys.stdout, indent=1)
    print()


if __name__ == "__main__":
    main()
