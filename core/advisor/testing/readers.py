"""Checks of model readers: hostile files end in ``ModelFileError`` at once, good ones in a model."""

from __future__ import annotations

import json
import tempfile
import threading
import time
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from advisor.errors import ModelFileError
from advisor.interfaces import ModelReader, ModelSource
from advisor.models import Model
from advisor.testing.requirement import Check, ConformanceError, require

#: Longest time for a file, good or bad, and the time after which a check gives up waiting.
SECONDS = 2.0
PATIENCE = 10.0
#: What a hostile hand puts in place of a value.
HOSTILE_VALUES: tuple[Any, ...] = (None, -1, 0, 2**63, 1e308, "", "x" * 1000, [], {}, [[]], True)


def reader_checks(
    reader: ModelReader, documents: Sequence[Mapping[str, Any]], samples: Sequence[Path]
) -> Iterator[Check]:
    """Checks of one reader; ``documents`` and ``samples`` are what it should read, whole and damaged."""
    for name in _HOSTILE:
        yield Check(f"reader {reader.name}: hostile file: {name}", lambda n=name: _hostile(reader, n))  # type: ignore[misc]
    for number, document in enumerate(documents):
        source = ModelSource(f"document {number}", given_document=document)
        yield Check(f"reader {reader.name}: document {number}", lambda s=source: _good(reader, s))  # type: ignore[misc]
        yield Check(f"reader {reader.name}: document {number} damaged",
                    lambda d=document: _damaged_document(reader, d))  # type: ignore[misc]  # fmt: skip
    for path in samples:
        yield Check(f"reader {reader.name}: {path.name}",
                    lambda p=path: _good(reader, ModelSource(p.name, path=p)))  # type: ignore[misc]  # fmt: skip
        yield Check(f"reader {reader.name}: {path.name} damaged", lambda p=path: _damaged_file(reader, p))  # type: ignore[misc]


def attempt(reader: ModelReader, source: ModelSource) -> Model | None:
    """Read within the time; None where the reader does not claim it or refuses with ``ModelFileError``."""
    found: list[Model | BaseException | None] = []

    def call() -> None:
        try:
            claimed = reader.claims(source)
            require(isinstance(claimed, (bool, np.bool_)), f"claims() gives a {type(claimed).__name__}, not a bool")
            found.append(reader.read(source) if claimed else None)
        except BaseException as error:
            found.append(error)

    thread = threading.Thread(target=call, daemon=True)  # one that never ends must not hold up the suite
    start = time.perf_counter()
    thread.start()
    thread.join(PATIENCE)
    seconds = time.perf_counter() - start
    require(found, f"{source.name}: still reading after {PATIENCE:g} s")
    require(seconds < SECONDS, f"{source.name}: took {seconds:.1f} s; a file is read or refused within {SECONDS:g} s")
    answer = found[0]
    if isinstance(answer, ModelFileError):
        line = str(answer)
        require(line.strip() and "\n" not in line, f"{source.name}: refused with {line!r}; expected one line of reason")
        return None
    if isinstance(answer, ConformanceError):
        raise answer
    if isinstance(answer, BaseException):
        raised = f"{type(answer).__name__}: {' '.join(str(answer).split())[:200]}"
        raise ConformanceError(f"{source.name}: raised {raised}; expected ModelFileError")
    require(answer is None or isinstance(answer, Model), f"{source.name}: read() gives a {type(answer).__name__}")
    return answer


def _good(reader: ModelReader, source: ModelSource) -> None:
    model = attempt(reader, source)
    if model is None:
        raise ConformanceError(f"{source.name}: not read, though it is meant for this reader")
    require(model.parameters > 0, f"{source.name}: read as a model without parameters")
    flops = model.forward_flops(seq_len=8)
    require(flops >= 0 and model.weight_bytes > 0, f"{source.name}: read as a model without size")
    require(model.layers == reader.read(source).layers, f"{source.name}: reads differently a second time")


def _damaged_document(reader: ModelReader, document: Mapping[str, Any]) -> None:
    """Drop each key, and put each hostile value in each place; the rest stays as it is."""
    for key in document:
        attempt(reader, ModelSource(f"without {key}", given_document={k: v for k, v in document.items() if k != key}))
        for value in HOSTILE_VALUES:
            attempt(reader, ModelSource(f"{key} = {str(value)[:20]!r}", given_document={**document, key: value}))


def _damaged_file(reader: ModelReader, path: Path) -> None:
    """Cut the file short, and flip bytes of it, at places drawn once and for all."""
    whole = path.read_bytes()
    random = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / path.name
        for share in (0.0, 0.1, 0.5, 0.9, 0.999):
            target.write_bytes(whole[: int(len(whole) * share)])
            attempt(reader, ModelSource(f"{path.name} cut to {share:.1%}", path=target))
        for number in range(30):
            data = bytearray(whole)
            for position in random.integers(0, len(data), 1 + number % 4):
                data[position] = int(random.integers(0, 256))
            target.write_bytes(bytes(data))
            attempt(reader, ModelSource(f"{path.name} with bytes flipped, trial {number}", path=target))


def _hostile(reader: ModelReader, name: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = _HOSTILE[name](Path(folder))
        attempt(reader, ModelSource(path.name, path=path))


def _write(name: str, data: bytes) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        path = folder / name
        path.write_bytes(data)
        return path

    return make


def _zip(names: Sequence[str], data: bytes) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        path = folder / "model.keras"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for name in names:
                archive.writestr(name, data)
        return path

    return make


def _empty_folder(folder: Path) -> Path:
    (folder / "model").mkdir()
    return folder / "model"


_RANDOM = np.random.default_rng(0).integers(0, 256, 100_000, dtype=np.uint8).tobytes()
_HOSTILE: dict[str, Callable[[Path], Path]] = {
    "no such file": lambda folder: folder / "missing.json",
    "an empty file": _write("model.bin", b""),
    "an empty folder": _empty_folder,
    "random bytes": _write("model.bin", _RANDOM),
    "a megabyte of zeros": _write("model.bin", bytes(1 << 20)),
    "JSON cut short": _write("config.json", b'{"architectures": ["LlamaForCausalLM"], "hidden_size": 40'),
    "a JSON list": _write("config.json", b"[1, 2, 3]"),
    "an empty JSON object": _write("config.json", b"{}"),
    "JSON nested deep": _write("config.json", b'{"a":' * 100_000 + b"1" + b"}" * 100_000),
    "JSON in bad UTF-8": _write("config.json", b'{"a": "\xff\xfe"}'),
    "JSON with a huge number": _write("config.json", json.dumps({"num_hidden_layers": 10**400}).encode()),
    "HDF5 magic, then junk": _write("model.h5", b"\x89HDF\r\n\x1a\n" + _RANDOM),
    "HDF5 magic alone": _write("model.h5", b"\x89HDF\r\n\x1a\n"),
    "zip magic, then junk": _write("model.keras", b"PK\x03\x04" + _RANDOM),
    "a zip of nothing useful": _zip(["readme.txt"], b"hello"),
    "a zip that leaves its folder": _zip(["../config.json", "config.json"], b"{}"),
    "a zip bomb": _zip(["config.json"], bytes(200 << 20)),
    "a pickle": _write("model.pt", b"\x80\x04cos\nsystem\n\x8c\x04true\x85R."),
    "safetensors with a huge header": _write("model.safetensors", (2**62).to_bytes(8, "little") + b"{}"),
}
