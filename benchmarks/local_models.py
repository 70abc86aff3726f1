"""Models made for benchmarks/local_cpu.py, and their times on this machine's processor.

Each job makes a model in a folder, times it and returns rows of the measurement schema. Run as a program it does one
job in a process of its own and prints its rows: python benchmarks/local_models.py JOB FOLDER
"""

from __future__ import annotations

import json
import os
import resource
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

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
    from local_gguf import write_gguf

    rows = []
    for name in ("f16", "q8_0", "q4_0"):
        path = folder / f"llama_{name}.gguf"
        write_gguf(path, name, SMALL_LLAMA)
        model = Llama(str(path), n_ctx=1024, n_batch=512, n_threads=cores(), n_threads_batch=cores(), verbose=False)
        for prompt in (64, 512):
            tokens = list(range(3, 3 + prompt))

            def prefill(model: Any = model, tokens: Any = tokens) -> None:
                model.reset()
                model.eval(tokens)

            def decode(model: Any = model, prompt: int = prompt) -> None:
                model.n_tokens = prompt  # the cache beyond the prompt is dropped by the next evaluation
                for token in range(16):
                    model.eval([token + 3])

            first, each = least(prefill, 4.0), least(decode, 2.0) / 16
            shared = {"batch": 1, "input_tokens": prompt, "output_tokens": 17}
            rows.append(_row(path.name, "llama.cpp", "serve", "ttft_ms", first * 1e3, **shared))
            rows.append(_row(path.name, "llama.cpp", "serve", "tpot_ms", each * 1e3, **shared))
        del model
    return rows


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


if __name__ == "__main__":
    print("\n" + json.dumps(next(job for job in JOBS if job.__name__ == sys.argv[1])(Path(sys.argv[2]))))
