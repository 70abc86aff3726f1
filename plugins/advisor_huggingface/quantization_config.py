"""``quantization_config`` as the quantization tools write it, one function a tool."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from advisor.errors import ModelFileError, nearest_hint
from advisor.records import replace
from advisor_huggingface.modules import Patterns
from advisor_huggingface.quantization import Quantization

#: ``quant_algo`` of NVIDIA ModelOpt.
MODELOPT = {
    "NVFP4": "nvfp4", "NVFP4_AWQ": "nvfp4", "W4A4_NVFP4": "nvfp4", "W4A16_NVFP4": "nvfp4", "FP8": "fp8",
    "FP8_PER_CHANNEL_PER_TOKEN": "fp8", "FP8_PB_WO": "fp8", "FP8_PB_REAL": "fp8", "MXFP8": "mxfp8", "MXFP4": "mxfp4",
    "W4A8_MXFP4_FP8": "mxfp4", "W4A16_AWQ": "int4", "W4A8_AWQ": "int4", "INT4_AWQ": "int4", "W8A16": "int8",
    "W8A8_SQ_PER_CHANNEL": "int8",
}  # fmt: skip


def read_scheme(base: Quantization, given: Mapping[str, Any], origin: str) -> Quantization:
    """Read one configuration object onto ``base``; raises ``ModelFileError`` for an unknown method."""
    method = str(given.get("quant_method") or ("modelopt" if "quant_algo" in given else "")).lower()
    if method not in _METHODS:
        hint = nearest_hint(method, _METHODS, 1)
        raise ModelFileError(f"{origin}: quantization_config.quant_method: {method[:40]!r} is not known{hint}; "
                             f"known: {', '.join(_METHODS)}")  # fmt: skip
    return replace(_METHODS[method](base, given, origin), cache=_cache(given))


def _cache(given: Mapping[str, Any]) -> str:
    scheme, algorithm = given.get("kv_cache_scheme"), given.get("kv_cache_quant_algo")
    if isinstance(scheme, Mapping):
        bits, kind = scheme.get("num_bits"), scheme.get("type")
        return "fp8" if bits == 8 and kind == "float" else "int8" if bits == 8 else "nvfp4" if bits == 4 else ""
    return {"FP8": "fp8", "NVFP4": "nvfp4", "INT8": "int8"}.get(str(scheme or algorithm), "")


def _excluded(given: Mapping[str, Any], origin: str) -> Patterns | None:
    fields = ("ignore", "modules_to_not_convert", "exclude_modules", "ignored_layers", "llm_int8_skip_modules")
    for field in fields:
        names = given.get(field)
        if names:
            if not isinstance(names, (list, tuple)) or not all(isinstance(name, str) for name in names):
                raise ModelFileError(f"{origin}: quantization_config.{field}: must be a list of module names")
            return Patterns(names, origin)
    return None


def _fp8(base: Quantization, given: Mapping[str, Any], origin: str) -> Quantization:
    experts = MODELOPT.get(str(given.get("moe_quant_algo")).upper(), "")
    # Where the experts have a format of their own, the list names what is not in that one.
    return replace(base, weights="fp8", experts=experts, excluded=None if experts else _excluded(given, origin))


def _mxfp4(base: Quantization, given: Mapping[str, Any], origin: str) -> Quantization:
    return replace(base, weights="mxfp4", excluded=_excluded(given, origin), experts_only=True)


def _integers(base: Quantization, given: Mapping[str, Any], origin: str) -> Quantization:
    bits = given.get("bits", given.get("w_bit", 4))
    if bits not in (4, 8):
        raise ModelFileError(f"{origin}: quantization_config.bits: must be 4 or 8, not {str(bits)[:40]}")
    return replace(base, weights=f"int{bits}", excluded=_excluded(given, origin))


def _bitsandbytes(base: Quantization, given: Mapping[str, Any], origin: str) -> Quantization:
    return replace(base, weights="nf4" if given.get("load_in_4bit") else "int8", excluded=_excluded(given, origin))


def _modelopt(base: Quantization, given: Mapping[str, Any], origin: str) -> Quantization:
    algorithm = str(given.get("quant_algo", "")).upper()
    if algorithm == "MIXED_PRECISION":
        return _mixed(base, given, origin)
    if algorithm not in MODELOPT:
        raise ModelFileError(f"{origin}: quantization_config.quant_algo: {algorithm[:40]!r} is not known; "
                             f"known: {', '.join(MODELOPT)}")  # fmt: skip
    return replace(base, weights=MODELOPT[algorithm], excluded=_excluded(given, origin))


def _mixed(base: Quantization, given: Mapping[str, Any], origin: str) -> Quantization:
    layers = given.get("quantized_layers")
    if not isinstance(layers, Mapping) or not layers:
        note = "mixed precision without a list of layers: weights taken as unquantized, an upper bound"
        return replace(base, notes=(*base.notes, note))
    names: dict[str, list[str]] = {}
    for name, entry in layers.items():
        algorithm = str(entry.get("quant_algo")).upper() if isinstance(entry, Mapping) else ""
        if algorithm not in MODELOPT:
            raise ModelFileError(f"{origin}: quantization_config.quantized_layers: {algorithm[:40]!r} is not known")
        names.setdefault(MODELOPT[algorithm], []).append(name)
    rules = [(Patterns(modules, origin), name) for name, modules in names.items()]
    # Experts and feed-forward networks hold most weights: the format of most of theirs is the model's.
    large = {name: sum("expert" in module or "mlp" in module for module in modules) for name, modules in names.items()}
    common = max(names, key=lambda name: (large[name], len(names[name])))
    return replace(base, weights=common, rules=(*rules, (Patterns(["re:.*"], origin), base.wide)))


def _compressed(base: Quantization, given: Mapping[str, Any], origin: str) -> Quantization:
    groups = given.get("config_groups")
    if not isinstance(groups, Mapping) or not groups:
        raise ModelFileError(f"{origin}: quantization_config.config_groups: is missing")
    rules: list[tuple[Patterns, str]] = []
    weights = ""
    for name, group in groups.items():
        where = f"{origin}: quantization_config.config_groups.{str(name)[:40]}.weights"
        scheme = group.get("weights") if isinstance(group, Mapping) else None
        if not isinstance(scheme, Mapping):
            raise ModelFileError(f"{where}: is missing")
        found = _scheme(scheme, where)
        targets = group.get("targets") or ["Linear"]
        if not isinstance(targets, list) or not all(isinstance(target, str) for target in targets):
            raise ModelFileError(f"{where.removesuffix('weights')}targets: must be a list of module names")
        if "Linear" in targets:
            weights = found
        named = [target for target in targets if target != "Linear"]
        if named:
            rules.append((Patterns(named, origin), found))
    if not weights:  # only named modules: the rest stays wide
        weights = rules[-1][1] if rules else base.wide
        rules.append((Patterns(["re:.*"], origin), base.wide))
    return replace(base, weights=weights, rules=tuple(rules), excluded=_excluded(given, origin))


def _scheme(scheme: Mapping[str, Any], where: str) -> str:
    bits, kind = scheme.get("num_bits"), scheme.get("type", "int")
    if bits == 4 and kind == "float":
        return "mxfp4" if scheme.get("group_size") == 32 else "nvfp4"
    if (bits, kind) == (8, "float"):
        return "fp8"
    if bits in (4, 8) and kind == "int":
        return f"int{bits}"
    raise ModelFileError(f"{where}: {str(bits)[:20]} bits of type {str(kind)[:20]} is not known")


_Reader = Callable[[Quantization, Mapping[str, Any], str], Quantization]
_METHODS: dict[str, _Reader] = {
    "fp8": _fp8, "fbgemm_fp8": _fp8, "mxfp4": _mxfp4, "modelopt": _modelopt, "modelopt_fp4": _modelopt,
    "modelopt_mixed": _modelopt, "compressed-tensors": _compressed, "gptq": _integers, "awq": _integers,
    "bitsandbytes": _bitsandbytes,
}  # fmt: skip
