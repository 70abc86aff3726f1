"""Records what the ``gguf`` package (PyPI) writes and reads back: run it where that is installed.

Writes data/types.gguf.gz (one tensor of every type) and data/types.json (bytes a tensor, as GGUFReader sees them).
"""

from __future__ import annotations

import gzip
import json
import tempfile
from pathlib import Path

import numpy as np
from gguf import GGUFReader, GGUFWriter
from gguf.constants import GGML_QUANT_SIZES

HERE = Path(__file__).parent / "data"


def write(path: Path, endian_big: bool) -> None:
    from gguf import GGUFEndian

    writer = GGUFWriter(path, "llama", endianess=GGUFEndian.BIG if endian_big else GGUFEndian.LITTLE)
    writer.add_block_count(0)
    writer.add_embedding_length(512)
    writer.add_head_count(8)
    writer.add_token_list([f"token {number}" for number in range(300)])
    writer.add_array("llama.rope.scaling.factors", [1.0, 2.0, 4.0])
    for kind, (values, size) in GGML_QUANT_SIZES.items():
        rows = np.zeros((3, 512 // values * size), dtype=np.uint8)
        writer.add_tensor(f"{kind.name.lower()}.weight", rows, raw_shape=rows.shape, raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def main() -> None:
    HERE.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        answers = {}
        for name, big in (("types", False), ("types-big-endian", True)):
            path = Path(folder) / f"{name}.gguf"
            write(path, big)
            (HERE / f"{name}.gguf.gz").write_bytes(gzip.compress(path.read_bytes(), 9, mtime=0))
            reader = GGUFReader(path)
            answers[name] = {
                tensor.name: [tensor.tensor_type.name, int(tensor.n_elements), int(tensor.n_bytes)]
                for tensor in reader.tensors
            }
    (HERE / "types.json").write_text(json.dumps(answers, indent=1) + "\n")


if __name__ == "__main__":
    main()
