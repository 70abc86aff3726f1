"""Time models on this machine's processor and compare with the estimates before and after ``advisor measure``.

    python benchmarks/local_cpu.py                  # all cores, by the wall clock
    taskset -c 1 python benchmarks/local_cpu.py     # one core, by processor time: others do not disturb it

Makes a Keras classifier and ResNet-50, a ResNet-50 and a BERT-base-size encoder for PyTorch and ONNX Runtime, and a
small Llama with random weights for PyTorch and llama.cpp; times inference at several batch sizes, and training of
the classifier and of the small Llama with its peak memory. Each job runs in a process of its own; what is not
installed (torch, transformers, onnxruntime, onnx, tensorflow, llama-cpp-python, gguf) is left out by name.

"Before" is the catalog's processor of the same kind (``BEFORE``) cut to as many cores; "after" the profile that
``advisor measure`` wrote in the same run. Prints a table and writes benchmarks/local_cpu.json.
"""

from __future__ import annotations

import csv
import datetime
import json
import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

STORED = Path(__file__).with_name("local_cpu.json")
#: The catalog's processor that a user would have named here, by the vendor and instructions that the system tells.
BEFORE = {("amd", "avx512_bf16"): "amd-epyc-9654", ("amd", "avx2"): "amd-epyc-7763",
          ("intel", "amx_bf16"): "intel-xeon-8480plus", ("intel", "avx512f"): "intel-xeon-8380"}  # fmt: skip
SMALL_LLAMA = {
    "architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_size": 768, "num_hidden_layers": 12,
    "num_attention_heads": 12, "num_key_value_heads": 4, "intermediate_size": 2048, "vocab_size": 32000,
    "max_position_embeddings": 2048, "head_dim": 64, "tie_word_embeddings": False, "rms_norm_eps": 1e-5,
    "torch_dtype": "float32", "hidden_act": "silu",
}  # fmt: skip
TINY_LLAMA = {**SMALL_LLAMA, "hidden_size": 384, "num_hidden_layers": 6, "num_attention_heads": 6,
              "num_key_value_heads": 6, "intermediate_size": 1024, "vocab_size": 8000}  # fmt: skip
Row = dict[str, Any]


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0))


def least(call: Callable[[], object], budget_s: float = 4.0) -> float:
    """Least seconds of a call: processor time on one core, the wall clock on several."""
    from advisor_measure.clock import least_seconds

    return least_seconds(call, budget_s)


# --- jobs: each makes a model in ``folder``, times it, and returns rows of the measurement schema --------------------


def keras_classifier(folder: Path) -> list[Row]:
    keras = _keras()
    sizes = (128, 64, 32)
    model = keras.Sequential([keras.Input((784,)), *(keras.layers.Dense(size, "relu") for size in sizes),
                              keras.layers.Dense(1, "sigmoid")])  # fmt: skip
    model.compile("adam", "binary_crossentropy")
    model.save(folder / "classifier.keras")
    rows, steps = [], 100
    for batch in (32, 256, 2048):
        samples = np.random.default_rng(0).normal(size=(batch * steps, 784)).astype("float32")
        labels = (samples[:, 0] > 0).astype("float32")
        few = slice(0, batch)
        for task, run in (
            ("batch", lambda part, b=batch, x=samples: model.predict(x[part], batch_size=b, verbose=0)),
            ("train", lambda part, b=batch, x=samples, y=labels: model.fit(x[part], y[part], batch_size=b, verbose=0)),
        ):
            whole, one = least(lambda run=run: run(slice(None))), least(lambda run=run, few=few: run(few), 1.0)
            seconds = (whole - one) / (steps - 1)
            rows.append(_row("classifier.keras", "keras", task, "step_time_s", seconds, batch=batch))
    return rows


def keras_resnet(folder: Path) -> list[Row]:
    keras = _keras()
    model = keras.applications.ResNet50(weights=None)
    (folder / "resnet50_keras.json").write_text(model.to_json())
    rows = []
    for batch in (1, 4, 16):
        images = np.ones((batch, 224, 224, 3), "float32")
        seconds = least(lambda images=images: model.predict_on_batch(images), 6.0)
        rows.append(_row("resnet50_keras.json", "keras", "batch", "step_time_s", seconds, batch=batch))
    return rows


def torch_resnet(folder: Path) -> list[Row]:
    import torch
    from transformers import ResNetConfig, ResNetForImageClassification

    config = ResNetConfig(num_labels=1000, architectures=["ResNetForImageClassification"])
    model = ResNetForImageClassification(config).eval()
    _save_config(config, folder, "resnet50")
    rows = []
    with torch.inference_mode():
        for batch in (1, 4, 16):
            images = torch.randn(batch, 3, 224, 224)
            seconds = least(lambda images=images: model(images), 6.0)
            rows.append(_row("resnet50", "pytorch", "batch", "step_time_s", seconds, batch=batch))
    sample = torch.randn(1, 3, 224, 224)
    _export(model, (sample,), folder / "resnet50.onnx", ["pixel_values"], {"pixel_values": {0: "batch"}})
    return rows


def onnx_resnet(folder: Path) -> list[Row]:
    rows = []
    session = _session(folder / "resnet50.onnx")
    for batch in (1, 4, 16):
        images = np.random.default_rng(0).normal(size=(batch, 3, 224, 224)).astype("float32")
        seconds = least(lambda images=images: session.run(None, {"pixel_values": images}), 6.0)
        rows.append(_row("resnet50", "onnxruntime", "batch", "step_time_s", seconds, batch=batch))
    return rows


ENCODER_POINTS = ((1, 32), (1, 128), (8, 128), (1, 512))


def torch_encoder(folder: Path) -> list[Row]:
    import torch
    from transformers import BertConfig, BertModel

    config = BertConfig(architectures=["BertModel"])
    model = BertModel(config).eval()
    _save_config(config, folder, "encoder")
    rows = []
    with torch.inference_mode():
        for batch, length in ENCODER_POINTS:
            tokens = torch.ones(batch, length, dtype=torch.long)
            seconds = least(lambda tokens=tokens: model(tokens), 6.0)
            rows.append(_row("encoder", "pytorch", "batch", "step_time_s", seconds, batch=batch, seq_len=length))

    class Called(torch.nn.Module):
        """The encoder called by names, as the exporter does not."""

        def __init__(self) -> None:
            super().__init__()
            self.inner = model

        def forward(self, input_ids: Any, attention_mask: Any) -> Any:
            return self.inner(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state

    sample = torch.ones(2, 16, dtype=torch.long)
    axes = {name: {0: "batch", 1: "length"} for name in ("input_ids", "attention_mask")}
    _export(Called().eval(), (sample, sample), folder / "encoder.onnx", ["input_ids", "attention_mask"], axes)
    return rows


def onnx_encoder(folder: Path) -> list[Row]:
    rows = []
    session = _session(folder / "encoder.onnx")
    for batch, length in ENCODER_POINTS:
        tokens = np.ones((batch, length), np.int64)
        given = {entry.name: tokens for entry in session.get_inputs()}
        seconds = least(lambda given=given: session.run(None, given), 6.0)
        rows.append(_row("encoder", "onnxruntime", "batch", "step_time_s", seconds, batch=batch, seq_len=length))
    return rows


def torch_llama(folder: Path) -> list[Row]:
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    config = LlamaConfig(**SMALL_LLAMA)
    model = LlamaForCausalLM(config).eval()
    (folder / "llama").mkdir(exist_ok=True)
    (folder / "llama" / "config.json").write_text(json.dumps(SMALL_LLAMA))
    rows = []
    with torch.inference_mode():
        for batch, prompt in ((1, 64), (1, 512), (4, 128)):
            tokens = torch.ones(batch, prompt, dtype=torch.long)
            first = least(lambda tokens=tokens: model(tokens, logits_to_keep=1), 5.0)
            each = least(lambda tokens=tokens: _decode(model, tokens, 16), 10.0) - first
            shared = {"batch": batch, "input_tokens": prompt, "output_tokens": 17}
            rows.append(_row("llama", "pytorch", "serve", "ttft_ms", first * 1e3, **shared))
            rows.append(_row("llama", "pytorch", "serve", "tpot_ms", each / 16 * 1e3, **shared))
    return rows


def _decode(model: Any, tokens: Any, steps: int) -> None:
    answer = model(tokens, use_cache=True, logits_to_keep=1)
    for _ in range(steps):
        token = answer.logits[:, -1:].argmax(-1)
        answer = model(token, past_key_values=answer.past_key_values, use_cache=True)


def torch_training(folder: Path) -> list[Row]:
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    (folder / "tiny_llama").mkdir(exist_ok=True)
    (folder / "tiny_llama" / "config.json").write_text(json.dumps(TINY_LLAMA))
    model = LlamaForCausalLM(LlamaConfig(**TINY_LLAMA)).train()
    optimizer = torch.optim.AdamW(model.parameters())
    rows = []
    for batch, length in ((2, 64), (4, 128), (8, 256)):
        tokens = torch.randint(0, 8000, (batch, length))

        def step(tokens: Any = tokens) -> None:
            optimizer.zero_grad()
            model(tokens, labels=tokens).loss.backward()
            optimizer.step()

        shared = {"micro_batch": batch, "global_batch": batch, "seq_len": length, "optimizer": "adamw"}
        rows.append(_row("tiny_llama", "pytorch", "train", "step_time_s", least(step, 6.0), **shared))
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9
        rows.append(_row("tiny_llama", "pytorch", "train", "memory_gb_per_device", peak, **shared))
    return rows


def llama_cpp(folder: Path) -> list[Row]:
    from llama_cpp import Llama

    rows = []
    for name in ("f16", "q8_0", "q4_0"):
        path = folder / f"llama_{name}.gguf"
        write_gguf(path, name)
        model = Llama(str(path), n_ctx=1024, n_batch=512, n_threads=cores(), n_threads_batch=cores(), verbose=False)
        for prompt in (64, 512):
            tokens = list(range(3, 3 + prompt))

            def prefill(model: Any = model, tokens: Any = tokens) -> None:
                model.reset()
                model.eval(tokens)

            def decode(model: Any = model, prefill: Any = prefill) -> None:
                prefill()
                for token in range(16):
                    model.eval([token + 3])

            first, whole = least(prefill, 4.0), least(decode, 6.0)
            shared = {"batch": 1, "input_tokens": prompt, "output_tokens": 17,
                      "weights_dtype": {"f16": "fp16"}.get(name, name)}  # fmt: skip
            rows.append(_row("llama", "llama.cpp", "serve", "ttft_ms", first * 1e3, **shared))
            rows.append(_row("llama", "llama.cpp", "serve", "tpot_ms", (whole - first) / 16 * 1e3, **shared))
        del model
    return rows


def write_gguf(path: Path, name: str) -> None:
    """The small Llama with random weights in one ggml format."""
    import gguf

    kind = {"f16": gguf.GGMLQuantizationType.F16, "q8_0": gguf.GGMLQuantizationType.Q8_0,
            "q4_0": gguf.GGMLQuantizationType.Q4_0}[name]  # fmt: skip
    shape = SMALL_LLAMA
    hidden, inner, vocabulary = shape["hidden_size"], shape["intermediate_size"], shape["vocab_size"]
    width = shape["num_key_value_heads"] * shape["head_dim"]
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_context_length(2048)
    writer.add_embedding_length(hidden)
    writer.add_block_count(shape["num_hidden_layers"])
    writer.add_feed_forward_length(inner)
    writer.add_head_count(shape["num_attention_heads"])
    writer.add_head_count_kv(shape["num_key_value_heads"])
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_dimension_count(shape["head_dim"])
    writer.add_vocab_size(vocabulary)
    writer.add_tokenizer_model("llama")
    writer.add_token_list([f"<{number}>" for number in range(vocabulary)])
    writer.add_token_scores([0.0] * vocabulary)
    writer.add_token_types([2, 3, 3] + [1] * (vocabulary - 3))
    random = np.random.default_rng(0)

    def matrix(label: str, outputs: int, inputs: int) -> None:
        values = (0.02 * random.standard_normal((outputs, inputs), dtype=np.float32))
        writer.add_tensor(label, gguf.quants.quantize(values, kind), raw_dtype=kind)

    matrix("token_embd.weight", vocabulary, hidden)
    matrix("output.weight", vocabulary, hidden)
    writer.add_tensor("output_norm.weight", np.ones(hidden, np.float32))
    for layer in range(shape["num_hidden_layers"]):
        for label, outputs, inputs in (
            ("attn_q", hidden, hidden), ("attn_k", width, hidden), ("attn_v", width, hidden),
            ("attn_output", hidden, hidden), ("ffn_gate", inner, hidden), ("ffn_up", inner, hidden),
            ("ffn_down", hidden, inner),
        ):  # fmt: skip
            matrix(f"blk.{layer}.{label}.weight", outputs, inputs)
        for label in ("attn_norm", "ffn_norm"):
            writer.add_tensor(f"blk.{layer}.{label}.weight", np.ones(hidden, np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


JOBS = (keras_classifier, keras_resnet, torch_resnet, onnx_resnet, torch_encoder, onnx_encoder, torch_llama,
        torch_training, llama_cpp)  # fmt: skip


def _keras() -> Any:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    import keras

    return keras


def _session(path: Path) -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = cores()
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def _save_config(config: Any, folder: Path, name: str) -> None:
    config.torch_dtype = "float32"
    (folder / name).mkdir(exist_ok=True)
    config.save_pretrained(folder / name)


def _export(model: Any, given: tuple[Any, ...], path: Path, names: list[str], axes: dict[str, Any]) -> None:
    import warnings

    import torch

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(model, given, str(path), input_names=names, dynamic_axes=axes, opset_version=17, dynamo=False)


def _row(model: str, framework: str, task: str, metric: str, value: float, **more: Any) -> Row:
    return {"model": model, "framework": framework, "task": task, "metric": metric, "value": f"{value:.6g}", **more}


# --- the comparison ---------------------------------------------------------------------------------------------------


def time_all(folder: Path, only: list[str]) -> list[Row]:
    """Run the jobs, each in a process of its own, and return their rows."""
    kept = folder / "rows.json"
    rows: list[Row] = json.loads(kept.read_text()) if kept.exists() else []
    for job in JOBS:
        if only and job.__name__ not in only:
            continue
        command = [sys.executable, __file__, "--job", job.__name__, str(folder)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=1200, check=False)
        if done.returncode:
            last = (done.stderr.strip().splitlines() or ["no output"])[-1]
            print(f"{job.__name__} left out: {last}", file=sys.stderr)
            continue
        found = json.loads(done.stdout.strip().splitlines()[-1])
        rows = [row for row in rows if row["job"] != job.__name__] + [{"job": job.__name__, **row} for row in found]
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
    return whole.model_copy(update={
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
    import advisor_gguf
    import advisor_onnx
    from advisor import Advisor
    from advisor.validation import validate

    path = folder / "measured.csv"
    names = list(dict.fromkeys(name for row in rows for name in row))
    with path.open("w", newline="") as stream:
        writer = csv.DictWriter(stream, [*names, "device"])
        writer.writeheader()
        writer.writerows({**row, "device": device.id} for row in rows)
    advisor = Advisor([advisor_gguf, advisor_onnx], devices=[device])
    answer = validate(advisor.registry, path)
    for row in answer.rows:
        if row["reason"]:
            print(f"{row['model']} {row['metric']}: {row['reason']}", file=sys.stderr)
    return [row["predicted"] for row in answer.rows]


def main(arguments: list[str]) -> int:
    """Time, measure, predict, print and record."""
    if arguments[:1] == ["--job"]:
        job = next(job for job in JOBS if job.__name__ == arguments[1])
        print("\n" + json.dumps(job(Path(arguments[2]))))
        return 0
    from advisor_measure.clock import Foreign
    from advisor_measure.facts import read_facts

    with tempfile.TemporaryDirectory() as made:
        folder = Path(os.environ.get("LOCAL_CPU_FOLDER") or made)
        folder.mkdir(exist_ok=True)
        foreign = Foreign.start()
        kept = folder / "rows.json"
        rows = json.loads(kept.read_text()) if "--again" in arguments else time_all(folder, arguments)
        devices = {"before": before_device(), "after": measured_devices(folder)[0] if "--again" not in arguments else
                   __import__("advisor_measure.saved").saved.saved_devices(folder / "local.toml")[0]}  # fmt: skip
        for when, device in devices.items():
            for row, value in zip(rows, predictions(folder, rows, device), strict=True):
                row[when] = value
                row[f"{when}_error_percent"] = value and round(100 * (value / float(row["value"]) - 1), 1)
        busy = foreign.processors()
    _print(rows)
    errors = {when: _summary(rows, when) for when in devices}
    print(json.dumps(errors))
    facts = read_facts()
    record = {
        "date": datetime.date.today().isoformat(), "processor": facts.model, "cores": facts.cores,
        "clock": "processor time" if facts.cores == 1 else "wall", "busy_by_others": round(busy, 2),
        "errors": errors, "profile": devices["after"].extra, "rows": rows,
    }  # fmt: skip
    if not [argument for argument in arguments if argument != "--again"]:
        STORED.write_text(json.dumps(record, indent=1) + "\n", "utf-8")
    return 0


def _summary(rows: list[Row], when: str) -> dict[str, float]:
    errors = np.array([abs(row[f"{when}_error_percent"]) for row in rows if row[when]])
    return {"rows": len(errors), "median": round(float(np.median(errors)), 1), "mean": round(float(errors.mean()), 1)}


def _print(rows: list[Row]) -> None:
    for row in rows:
        point = " ".join(f"{name} {row[name]}" for name in ("batch", "micro_batch", "seq_len", "input_tokens",
                                                            "weights_dtype") if row.get(name))  # fmt: skip
        figures = [f"{when} {row[when]:.4g} ({row[f'{when}_error_percent']:+.0f} %)" if row[when] else f"{when} -"
                   for when in ("before", "after")]  # fmt: skip
        print(f"{row['model']:20s} {row['framework']:12s} {row['task']:6s} {point:34s} {row['metric']:21s} "
              f"{float(row['value']):10.4g}  {'  '.join(figures)}")  # fmt: skip


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
