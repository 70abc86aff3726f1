"""What a technique changes: measured ratios between rows that differ in nothing else, and those that are predicted.

    python benchmarks/technique_effects.py > benchmarks/technique_effects.json
    python benchmarks/technique_effects.py fit      # the constants of advisor_gpu/unpacking.toml and quantize_us
    python benchmarks/technique_effects.py wrong    # the pairs whose sign is wrong, one a line

Takes the rows of tests/truth/serve_*.csv that agree in everything but the formats of weights, activations and cache
(source, framework and its version included) and pairs each with every other. A pair agrees in sign where measured and
predicted change go the same way. A change below the noise has no sign to get right: of serve_nvidia.csv what repeats of
one configuration with one framework and version differ by (benchmarks/noise_floor.py, in the median: 5.1 % of the time
per output token, 9.5 % of the time to first token); the other files repeat nothing, and the smaller of the two counts.

``held_out`` judges each pair with constants that were fitted without its model, of llama.cpp without its device, of
serve_nvidia.csv without its framework.
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
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from noise_floor import KINDS, noise_floor

import advisor_roofline.constants as constants
import advisor_roofline.unpacking as unpacking
from advisor import Advisor
from advisor.validation.validate import validate
from advisor_quantization.gguf import FILE_TYPES

TRUTH = Path(__file__).resolve().parents[1] / "tests" / "truth"
#: Columns that are the technique, or say nothing of the setting.
APART = {"id", "value", "notes", "weights_dtype", "activations_dtype", "kv_dtype", "year", "fits"}
OF_PREDICTIONS = {"predicted", "low", "high", "error_percent", "reason"}
LARGE = 0.1
GGUF = {file_type.name for file_type in FILE_TYPES}
NAMED = re.compile(r"GGUF (\w+)")
TIMES = {"ttft_ms", "tpot_ms", "step_time_s"}
#: Formats that one constant is fitted for together, by what their unpacking has to do.
CLASSES = {
    "blocks": ("q4_0", "q4_1", "q8_0", "iq4_nl", "mxfp4"),
    "fifth_bit": ("q5_0", "q5_1"),
    "super_blocks": ("q4_k", "iq4_xs"),
    "high_bits": ("q5_k", "q6_k"),
    "low_bits": ("q2_k", "q3_k", "iq2_xxs", "iq2_xs", "iq2_s", "iq3_xxs", "iq3_s", "iq1_s", "iq1_m"),
}
CLASS_OF = {name: kind for kind, names in CLASSES.items() for name in names}


def technique(row):
    """The formats of a row; of a GGUF file its type."""
    named = NAMED.search(row.get("notes") or "")
    weights = named[1].lower() if named and named[1].lower() in GGUF else row["weights_dtype"]
    return weights, row.get("activations_dtype", ""), row.get("kv_dtype", "")


def predicted(advisor, path):
    """The rows of a file with predictions; a GGUF file's weights are those of its file type."""
    with path.open(encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    if not any(technique(row)[0] in GGUF for row in rows):
        return validate(advisor.registry, path).rows
    for row in rows:
        name = technique(row)[0]
        row["weights_dtype"] = f"gguf_{name}" if name in GGUF else row["weights_dtype"]
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
            key = tuple(sorted((name, text) for name, text in row.items() if name not in APART | OF_PREDICTIONS))
            formats = technique(row)
            formats = (formats[0].removeprefix("gguf_"), *formats[1:])
            groups[key][formats].append((float(row["value"]), float(row["predicted"])))
    return groups


def mean(values):
    return math.exp(statistics.fmean(math.log(value) for value in values))


def measured(advisor, files="serve_*"):
    """One record a setting and technique: file, setting, formats, measured and predicted."""
    for path in sorted(TRUTH.glob(f"{files}.csv")):
        for key, found in settings(predicted(advisor, path)).items():
            if len(found) > 1:
                for formats, values in sorted(found.items()):
                    yield {"file": path.stem, "setting": key, "known": dict(key), "formats": formats,
                           "measured": mean(v for v, _ in values), "predicted": mean(p for _, p in values)}  # fmt: skip


def noises():
    """Changes that have no sign: of the time to first token of servers, and of everything else."""
    floor = noise_floor()
    return {metric: floor[KINDS[0], metric]["median"] / 100 for metric in ("tpot_ms", "ttft_ms")}


def pairs(points):
    """One record a pair: file, metric, the two techniques, measured and predicted ratio, and the noise."""
    noise = noises()
    usual = noise["tpot_ms"]
    for (file, _), group in itertools.groupby(points, key=lambda point: (point["file"], point["setting"])):
        for first, second in itertools.combinations(list(group), 2):
            known = first["known"]
            yield {"file": file, "metric": known["metric"], "framework": known.get("framework", ""),
                   "device": known["device"], "model": known["model"],
                   "from": "/".join(filter(None, first["formats"])), "to": "/".join(filter(None, second["formats"])),
                   "measured": round(second["measured"] / first["measured"], 4),
                   "predicted": round(second["predicted"] / first["predicted"], 3),
                   "noise": noise.get(known["metric"], usual) if file == "serve_nvidia" else usual}  # fmt: skip


def beyond(records):
    """Pairs whose measured change is larger than the noise."""
    return [r for r in records if abs(math.log(r["measured"])) > math.log1p(r["noise"])]


def right(record):
    """Whether both go the same way; a prediction of no change goes none."""
    return (record["measured"] - 1) * (record["predicted"] - 1) > 0


def share(records):
    return round(sum(map(right, records)) / len(records), 4) if records else None


def summary(records):
    signed = beyond(records)
    large = [r for r in signed if abs(math.log(r["measured"])) > math.log1p(LARGE)]
    errors = [abs(r["predicted"] / r["measured"] - 1) for r in records]
    return {"pairs": len(records), "sign_right_of_all": share(records), "beyond_noise": len(signed),
            "sign_right": share(signed), "large": len(large), "sign_right_of_large": share(large),
            "median_error": round(statistics.median(errors), 4) if errors else None}  # fmt: skip


@contextmanager
def using(figures, quantize_us):
    """Predict with these constants instead of those in the files."""
    default = constants._load("advisor_gpu", "efficiency.toml")["default"]
    before, load = default["quantize_us"], unpacking._load
    default["quantize_us"], unpacking._load = quantize_us, lambda package: figures
    try:
        yield
    finally:
        default["quantize_us"], unpacking._load = before, load


def base(point):
    """The block format of most tensors of a point's file type, or the format of its weights."""
    name = point["formats"][0]
    return next((file_type.base for file_type in FILE_TYPES if file_type.name == name), name)


def effects(points, kind_of, reference):
    """What is left of the rate by kind: the mean of the logarithms over its pairs with the reference kind."""
    logs = defaultdict(list)
    for _, group in itertools.groupby(points, key=lambda point: (point["file"], point["setting"])):
        members = list(group)
        for point, other in itertools.product(members, members):
            if kind_of(other) == reference and kind_of(point) != reference:
                sign = 1 if point["known"]["metric"] in TIMES else -1
                logs[kind_of(point)].append(sign * math.log(other["measured"] / point["measured"]
                                                            * point["predicted"] / other["predicted"]))  # fmt: skip
    return {kind: math.exp(statistics.fmean(values)) for kind, values in sorted(logs.items())}


def fit_shares(points):
    """Constants of unpacking.toml from points that were predicted without any."""
    gguf = [point for point in points if point["file"] == "serve_llamacpp"]
    prompts = [point for point in gguf if point["known"]["metric"] == "prefill_tokens_per_s"]
    steps = [point for point in gguf if point["known"]["metric"] == "tpot_ms"]
    low = effects(steps, lambda point: "low" if CLASS_OF.get(base(point)) == "low_bits" else "rest", "rest")
    plain = effects(prompts, lambda point: CLASS_OF.get(base(point), "plain"), "plain").get("blocks", 1.0)
    rate = {"blocks": 1.0} | effects(prompts, lambda point: CLASS_OF.get(base(point), "plain"), "blocks")
    intel = [point for point in points if point["file"] == "serve_openvino" and point["known"]["metric"] == "ttft_ms"
             and int(point["known"]["input_tokens"]) >= LONG]  # fmt: skip
    own = effects(intel, lambda point: point["formats"][0], "fp16")
    others = effects(intel, lambda point: point["formats"][0], "int4")  # most models do not fit in fp16
    if "int4" in own and "int8" in others:
        own["int8"] = own["int4"] * others["int8"]
    return {
        "rate": {name: round(plain * rate[kind], 3) for kind in CLASSES if kind in rate for name in CLASSES[kind]},
        "read": dict.fromkeys(CLASSES["low_bits"], round(low["low"], 3)) if "low" in low else {},
        "framework": {"openvino": {"rate": {name: round(value, 3) for name, value in own.items()}}},
    }


#: Prompts from which on arithmetic bounds the prefill of OpenVINO's rows.
LONG = 256


def fit_quantize(advisor, figures, kept):
    """The fixed time of quantizing inputs with which ratios of NVFP4 are nearest to those measured."""
    def error(seconds):
        with using(figures, seconds):
            found = [r for r in pairs(measured(advisor, "serve_nvidia")) if kept(r) and r["metric"] == "tpot_ms"]
        return statistics.fmean(abs(math.log(r["predicted"] / r["measured"])) for r in found)

    return min(np.arange(0.0, 6.01, 0.5).tolist(), key=error)


def group_of(record):
    """What is left out together: of servers a framework, of llama.cpp with its few models a device, else a model.

    NVFP4 is measured of one dense model alone, by two frameworks.
    """
    if record["file"] == "serve_nvidia":
        return record["framework"].partition(" ")[0]
    return record["device"] if record["file"] == "serve_llamacpp" else record["model"]


def fit(advisor):
    """All constants, and each pair judged with constants that its group had no part in."""
    with using({}, 0.0):
        plain = list(measured(advisor))
    figures = fit_shares(plain)
    seconds = fit_quantize(advisor, figures, lambda record: True)
    held = []
    for left in sorted({group_of(point | point["known"]) for point in plain}):
        own = fit_shares([point for point in plain if group_of(point | point["known"]) != left])
        own["rate"] = {**figures["rate"], **own["rate"]}  # a class that was measured in one group alone keeps its own
        other = seconds
        if left in ("trtllm", "vllm", "sglang"):
            other = fit_quantize(advisor, own, lambda record, left=left: group_of(record) != left)
        with using(own, other):
            held += [record for file in sorted({p["file"] for p in plain if group_of(p | p["known"]) == left})
                     for record in pairs(measured(advisor, file)) if group_of(record) == left]  # fmt: skip
    return figures, seconds, summary(held)


def main():
    advisor = Advisor()
    if sys.argv[1:] == ["fit"]:
        figures, seconds, held = fit(advisor)
        print(json.dumps({"unpacking": figures, "quantize_us": seconds, "held_out": held}, indent=1))
        return
    records = list(pairs(measured(advisor)))
    if sys.argv[1:] == ["wrong"]:
        for record in beyond(records):
            if not right(record):
                print(*record.values())
        return
    groups = defaultdict(list)
    for record in records:
        groups[f"{record['file']}: {record['from']} -> {record['to']}"].append(record)
    answer = {"all": summary(records), "held_out": fit(advisor)[2],
              "groups": {name: summary(group) for name, group in sorted(groups.items())}}  # fmt: skip
    for name in ("file", "metric"):
        by = defaultdict(list)
        for record in records:
            by[record[name]].append(record)
        answer[f"by_{name}"] = {key: summary(group) for key, group in sorted(by.items())}
    json.dump(answer, sys.stdout, indent=1)
    print()


if __name__ == "__main__":
    main()
