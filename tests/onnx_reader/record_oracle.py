"""Exports models of torchvision, transformers and torch to ONNX and records what torch says of them.

Run where torch, torchvision, transformers, onnx, onnxscript and onnxruntime are installed:
``python record_oracle.py``. Weights are left out of the files (external data that is not there), so
that a model of any size is a few kilobytes; quantized ones keep theirs and are small.
FLOPs are those of ``torch.utils.flop_counter`` on the meta device.
"""

from __future__ import annotations

import copy
import io
import json
import lzma
import math
import sys
import warnings
from pathlib import Path

import onnx
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

warnings.simplefilter("ignore")
library = torch.library.Library("torchvision", "FRAGMENT")  # its own operators are of no use here
for operator in ("nms", "qnms"):
    library.define(f"{operator}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
import torchvision  # noqa: E402

torch.backends.mha.set_fastpath_enabled(False)  # fused kernels that the counter does not know
DATA = Path(__file__).parent / "data"


class Recurrent(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(100, 16)
        self.lstm = nn.LSTM(16, 24, num_layers=2, bidirectional=True, batch_first=True)
        self.gru = nn.GRU(48, 20, batch_first=True)
        self.head = nn.Linear(20, 10)

    def forward(self, tokens):
        return self.head(self.gru(self.lstm(self.embedding(tokens))[0])[0])


class Upsampling(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(3, 8, 3, stride=2, padding=1), nn.BatchNorm2d(8), nn.PReLU(8),
            nn.ConvTranspose2d(8, 6, 4, stride=2, padding=1), nn.GroupNorm(2, 6), nn.GELU(),
            nn.ConvTranspose2d(6, 4, 3, groups=2, bias=False), nn.Upsample(scale_factor=2), nn.Conv2d(4, 3, 1),
        )  # fmt: skip

    def forward(self, image):
        return self.layers(image)


class Products(nn.Module):
    def __init__(self):
        super().__init__()
        self.a = nn.Parameter(torch.randn(4, 6, 5))
        self.b = nn.Parameter(torch.randn(6, 7))
        self.scale = nn.Parameter(torch.ones(1))

    def forward(self, x):  # (batch, 4, 6)
        y = torch.einsum("bhi,hij->bhj", x, self.a)
        z = torch.matmul(x, self.b)
        return torch.bmm(y.transpose(1, 2), z) * self.scale


def encoder():
    layer = nn.TransformerEncoderLayer(32, 4, 64, batch_first=True, activation="gelu")
    return nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)


def hugging(config, **fields):
    import transformers

    values = getattr(transformers, config)(**fields)
    values._attn_implementation = "eager"
    if hasattr(values, "use_cache"):
        values.use_cache = False
    return transformers.AutoModel.from_config(values)


class Flat(nn.Module):
    """All tensors that a model returns, so that exporters keep every part of it."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, *args):
        out = self.model(*args)
        if isinstance(out, torch.Tensor):
            return out
        return tuple(one for one in (out.values() if hasattr(out, "values") else out) if isinstance(one, torch.Tensor))


def different(module):
    """Give every tensor other values: exporters store equal ones once."""
    for tensor in [*module.parameters(), *module.buffers()]:
        if tensor.is_floating_point() and tensor.numel() > 1:
            tensor.copy_(torch.rand_like(tensor) + 0.1)
    return module


def image(size=224, batch=2):
    return (torch.zeros(batch, 3, size, size),)


def tokens(count=16):
    return (torch.zeros(1, count, dtype=torch.long),)


SMALL = {
    "hidden_size": 64,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "intermediate_size": 128,
    "vocab_size": 500,
}
VISION = torchvision.models
CASES = {
    "resnet50": (lambda: VISION.resnet50(), image()),
    "mobilenet_v3_large": (lambda: VISION.mobilenet_v3_large(), image()),
    "efficientnet_b0": (lambda: VISION.efficientnet_b0(), image()),
    "densenet121": (lambda: VISION.densenet121(), image()),
    "shufflenet_v2": (lambda: VISION.shufflenet_v2_x1_0(), image()),
    "convnext_tiny": (lambda: VISION.convnext_tiny(), image()),
    "regnet_y_400mf": (lambda: VISION.regnet_y_400mf(), image()),
    "vit_b_16": (lambda: VISION.vit_b_16(), image()),
    "swin_t": (lambda: VISION.swin_t(), image()),
    "fcn_resnet50": (lambda: VISION.segmentation.fcn_resnet50(weights=None, weights_backbone=None), image(128)),
    "r3d_18": (lambda: VISION.video.r3d_18(), (torch.zeros(2, 3, 8, 56, 56),)),
    "recurrent": (Recurrent, tokens(12)),
    "upsampling": (Upsampling, image(32)),
    "products": (Products, (torch.zeros(2, 4, 6),)),
    "encoder": (encoder, (torch.zeros(2, 10, 32),)),
    "bert": (lambda: hugging("BertConfig", **SMALL), tokens()),
    "gpt2": (lambda: hugging("GPT2Config", n_embd=64, n_layer=3, n_head=4, vocab_size=500), tokens()),
    "llama": (lambda: hugging("LlamaConfig", num_key_value_heads=2, **SMALL), tokens()),
    "vit": (lambda: hugging("ViTConfig", image_size=64, patch_size=8,
                            **{k: v for k, v in SMALL.items() if k != "vocab_size"}), image(64)),
}  # fmt: skip
#: Exporters: the tracer of scripts, and torch.export with its optimizer.
BY_EXPORTER = {
    "script": [*CASES],
    "export": [
        "resnet50",
        "mobilenet_v3_large",
        "convnext_tiny",
        "encoder",
        "bert",
        "gpt2",
        "llama",
        "vit",
        "products",
        "upsampling",
        "recurrent",
    ],
}


def without_weights(model: onnx.ModelProto) -> bytes:
    """Put all tensors but those that decide shapes in a file that is not kept."""
    offset = 0
    for tensor in model.graph.initializer:
        decides = tensor.data_type == onnx.TensorProto.INT64 and len(tensor.raw_data) <= 512
        if len(tensor.raw_data) > 16 and not decides:
            length = len(tensor.raw_data)
            tensor.ClearField("raw_data")
            tensor.data_location = onnx.TensorProto.EXTERNAL
            for key, value in (("location", "weights.bin"), ("offset", offset), ("length", length)):
                tensor.external_data.add(key=key, value=str(value))
            offset += length
    del model.graph.value_info[:]  # the reader infers shapes itself
    for node in model.graph.node:
        node.ClearField("doc_string")
        node.ClearField("metadata_props")
    for function in model.functions:
        function.ClearField("doc_string")
    for tensor in [*model.graph.initializer, *model.graph.input, *model.graph.output]:
        tensor.ClearField("doc_string")
        tensor.ClearField("metadata_props")
    return model.SerializeToString(deterministic=True)


def count(module, inputs) -> FlopCounterMode:
    """Count on the meta device, where recurrent layers and attention come apart into products that it knows."""
    for device in ("meta", "cpu"):
        counter = FlopCounterMode(display=False)
        moved = copy.deepcopy(module).to(device)
        try:
            with counter, torch.nn.attention.sdpa_kernel(torch.nn.attention.SDPBackend.MATH):
                moved(*(one.to(device) for one in inputs))
            break
        except RuntimeError:  # one that looks at values
            continue
    return counter


def record(name: str, exporter: str, answers: dict) -> None:
    make, inputs = CASES[name]
    torch.manual_seed(0)
    with torch.no_grad():
        module = different(Flat(make())).eval()
        counter = count(module, inputs)
        # dynamo=True keeps models in memory; the tracer writes to a stream
        if exporter == "export":
            program = torch.onnx.export(module, inputs, dynamo=True, verbose=False)
            model = program.model_proto
        else:
            stream = io.BytesIO()
            axes = {0: "batch", 1: "sequence"} if inputs[0].ndim == 2 else {0: "batch"}
            module.train()  # so that batch normalization is kept
            torch.onnx.export(module, inputs, stream, dynamo=False, opset_version=17, do_constant_folding=False,
                              training=torch.onnx.TrainingMode.TRAINING, input_names=["input"],
                              dynamic_axes={"input": axes})  # fmt: skip
            model = onnx.load_from_string(stream.getvalue())
    record_model(name, exporter, module, inputs, counter, model, answers)


def record_model(name, exporter, module, inputs, counter, model, answers) -> None:
    """Write a model without weights, and what torch says of it."""
    key = f"{name}.{exporter}"
    batch = inputs[0].shape[0]
    floats = (onnx.TensorProto.FLOAT, onnx.TensorProto.FLOAT16)
    sizes = [math.prod(t.dims) for t in model.graph.initializer if t.data_type in floats]
    answers[key] = {
        "stored": sum(size for size in sizes if size > 1),
        "parameters": sum(p.numel() for p in module.parameters()),
        "buffers": sum(b.numel() for b in module.buffers() if b.is_floating_point()),
        "flops": counter.get_total_flops(), "dim": {"batch": batch},
        "seq_len": inputs[0].shape[1] if inputs[0].ndim == 2 else None,
    }  # fmt: skip
    (DATA / f"{key}.onnx.xz").write_bytes(lzma.compress(without_weights(model), preset=9))


def main() -> None:
    DATA.mkdir(exist_ok=True)
    answers: dict = {}
    path = DATA / "answers.json"
    if path.exists():
        answers = json.loads(path.read_text())
    if sys.argv[1:] == ["--recount"]:
        for key, answer in answers.items():
            torch.manual_seed(0)
            make, inputs = CASES[key.split(".")[0]]
            with torch.no_grad():
                answer["flops"] = count(Flat(make()).eval(), inputs).get_total_flops()
        path.write_text(json.dumps(answers, indent=1, sort_keys=True) + "\n")
        return
    wanted = sys.argv[1:]
    for exporter, names in BY_EXPORTER.items():
        for name in names:
            if wanted and name not in wanted and f"{name}.{exporter}" not in wanted:
                continue
            try:
                record(name, exporter, answers)
                print(name, exporter, answers[f"{name}.{exporter}"], flush=True)
            except Exception as error:
                print(name, exporter, "FAILED", type(error).__name__, str(error)[:300], flush=True)
    path.write_text(json.dumps(answers, indent=1, sort_keys=True) + "\n")


if __name__ == "__main__":
    main()
