"""Quantizes a small model with the libraries themselves and records what they write, tensor by tensor.

Needs llmcompressor, auto-round, bitsandbytes, torch, transformers and gguf (an environment of its own), nothing of the
advisor: ``python record_artefacts.py > data/artefacts.json``. CPU alone, a minute. The parts that a library would not
do on a CPU are left out of the record.
"""

import contextlib
import json
import os
import sys
import tempfile
import warnings

warnings.filterwarnings("ignore")
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

CONFIG = {
    "hidden_size": 256, "intermediate_size": 768, "num_hidden_layers": 2, "num_attention_heads": 4,
    "num_key_value_heads": 2, "vocab_size": 512, "max_position_embeddings": 256, "tie_word_embeddings": False,
}  # fmt: skip
SCHEMES = {"int8": "W8A8", "fp8_channel": "FP8_DYNAMIC", "fp8_block": "FP8_BLOCK", "w4a16": "W4A16",
           "nvfp4": "NVFP4A16", "mxfp4": "MXFP4A16"}  # fmt: skip


def tiny():
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(0)
    return LlamaForCausalLM(LlamaConfig(**CONFIG)).to(torch.bfloat16)


def tensors(folder):
    from safetensors import safe_open

    found = {}
    for name in sorted(os.listdir(folder)):
        if name.endswith(".safetensors"):
            with safe_open(os.path.join(folder, name), "pt") as stream:
                for key in stream.keys():  # noqa: SIM118
                    value = stream.get_tensor(key)
                    found[key] = value.numel() * value.element_size()
    return found


def by_linear(sizes):
    """Bytes by linear layer: everything that is stored under its name."""
    total = {}
    for key, size in sizes.items():
        layer = key.rsplit(".", 1)[0]
        if layer.endswith("_proj"):
            total[layer] = total.get(layer, 0) + size
    return total


def llm_compressor(scheme):
    from llmcompressor import oneshot
    from llmcompressor.modifiers.quantization import QuantizationModifier
    from transformers import AutoModelForCausalLM

    with tempfile.TemporaryDirectory() as start, tempfile.TemporaryDirectory() as folder:
        tiny().save_pretrained(start)  # the library wants to know where a model came from
        model = AutoModelForCausalLM.from_pretrained(start, dtype="bfloat16")
        oneshot(model=model, recipe=QuantizationModifier(targets="Linear", scheme=scheme, ignore=["lm_head"]))
        model.save_pretrained(folder, save_compressed=True)
        return by_linear(tensors(folder))


def auto_round(form, group):
    import torch
    from auto_round import AutoRound

    class Letters:
        """A tokenizer that calibration without tuning never calls."""

    model = tiny()
    rounded = AutoRound(model, Letters(), bits=4, group_size=group, sym=form == "auto_round", iters=0,
                        disable_opt_rtn=True, seqlen=8, device_map="cpu", amp=False)  # fmt: skip
    with tempfile.TemporaryDirectory() as folder, torch.no_grad():
        rounded.quantize()
        rounded.save_quantized(folder, format=form, inplace=True)
        return by_linear(tensors(folder))


def nf4():
    import bitsandbytes.functional as functional

    sizes = {}
    for name, weight in tiny().state_dict().items():
        if name.endswith("_proj.weight"):
            packed, state = functional.quantize_4bit(weight, blocksize=64, quant_type="nf4", compress_statistics=True)
            stored = (packed, state.absmax, state.offset, state.state2.absmax)
            sizes[name.removesuffix(".weight")] = sum(part.numel() * part.element_size() for part in stored)
    return sizes


def gguf_types():
    import gguf
    import numpy as np

    sizes = {}
    for name in ("Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0", "TQ1_0", "TQ2_0", "BF16"):
        kind = getattr(gguf.GGMLQuantizationType, name)
        packed = gguf.quants.quantize(np.ones((256, 768), dtype=np.float32), kind)
        sizes[name.lower()] = int(packed.nbytes)
    for name in ("Q2_K", "Q3_K", "Q4_K", "Q5_K", "Q6_K", "IQ1_S", "IQ1_M", "IQ2_XXS", "IQ2_XS", "IQ2_S", "IQ3_XXS",
                 "IQ3_S", "IQ4_NL", "IQ4_XS", "MXFP4"):  # fmt: skip
        kind = getattr(gguf.GGMLQuantizationType, name)
        rows, width = gguf.quants.quant_shape_to_byte_shape((256, 768), kind)
        sizes[name.lower()] = int(rows * width)
    return sizes


def versions():
    from importlib import metadata

    names = ("llmcompressor", "compressed-tensors", "auto-round", "bitsandbytes", "gguf", "torch", "transformers")
    return {name: metadata.version(name) for name in names}


def main():
    work = {f"{name}": lambda s=scheme: llm_compressor(s) for name, scheme in SCHEMES.items()}
    work |= {"nf4": nf4}
    for group in (128, 64, 32):
        work[f"autoround={group}"] = lambda g=group: auto_round("auto_round", g)
        work[f"gptq={group}"] = lambda g=group: auto_round("auto_gptq", g)
        work[f"awq={group}"] = lambda g=group: auto_round("auto_awq", g)
    answer = {"versions": versions(), "config": CONFIG, "linear": {}, "gguf": {"rows": 256, "width": 768}}
    for name, make in work.items():
        try:
            with contextlib.redirect_stdout(sys.stderr):
                answer["linear"][name] = make()
        except Exception as error:
            print(f"left out: {name}: {error!r}"[:400], file=sys.stderr)
    answer["gguf"]["bytes"] = gguf_types()
    json.dump(answer, sys.stdout, indent=1)
    print()


if __name__ == "__main__":
    main()
