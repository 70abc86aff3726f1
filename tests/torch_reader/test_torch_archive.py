"""Archives of ``torch.export``, recorded by ``record_oracle.py``, read without torch."""

import json
import lzma
import sys
import time
import zipfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from advisor.errors import ModelFileError
from advisor.interfaces import ModelSource

DATA = Path(__file__).parent / "data"
ANSWERS = json.loads((DATA / "answers.json").read_text())
QUICK = settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def program(name):
    return lzma.decompress((DATA / f"{name}.json.xz").read_bytes())


def pack(path, text, member="m/models/model.json", compression=zipfile.ZIP_STORED):
    with zipfile.ZipFile(path, "w", compression) as archive:
        archive.writestr("m/archive_format", "pt2")
        archive.writestr(member, text)
    return path


def read(path, **options):
    from advisor_torch.reader import TorchReader

    source = ModelSource(str(path), path=path, options=options)
    assert TorchReader().claims(source)
    return TorchReader().read(source)


@pytest.mark.parametrize("name", sorted(ANSWERS))
def test_parameters_and_flops_are_those_of_torch(name, tmp_path):
    found = read(pack(tmp_path / f"{name}.pt2", program(name)))
    assert found.parameters == ANSWERS[name]["parameters"]
    assert found.forward_flops() == ANSWERS[name]["flops"]


def test_torch_is_not_needed(tmp_path):
    before = "torch" in sys.modules
    read(pack(tmp_path / "m.zip", program("language")))  # claimed by content
    assert ("torch" in sys.modules) == before


def test_open_dimensions(tmp_path):
    path = pack(tmp_path / "m.pt2", program("residual"))
    found = read(path)
    symbol = next(note for note in found.notes if "open dimensions" in note).split("taken as ")[1].split("=")[0]
    larger = read(path, dim={symbol: 8})
    assert larger.forward_flops() == 4 * found.forward_flops()
    assert larger.parameters == found.parameters
    assert any("no dimension is named other" in note for note in read(path, dim={"other": 3}).notes)
    for bad in (-1, "many", 0.5):
        with pytest.raises(ModelFileError, match="expected a whole number"):
            read(path, dim={symbol: bad})


def test_layers_have_their_modules_names(tmp_path):
    found = read(pack(tmp_path / "m.pt2", program("residual")))
    kinds = {layer.name: layer.kind for layer in found.layers}
    assert kinds["stem.0"] == "Conv2d"
    assert kinds["head"] == "Linear"


def test_other_zips_and_pickles_are_not_claimed(tmp_path):
    from advisor_torch.reader import TorchReader

    for member in ("config.json", "archive/data.pkl", "models.json"):
        path = pack(tmp_path / "x.bin", "{}", member)
        assert not TorchReader().claims(ModelSource("x", path=path))


def refused_or_read(path):
    started, line = time.process_time(), ""
    try:
        read(path)
    except ModelFileError as error:
        line = str(error)
    assert "\n" not in line
    assert len(line) < 500
    assert time.process_time() - started < 2
    return line


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "not valid JSON"),
        ("[]", "not a JSON object"),
        ("{}", "no graph_module"),
        ('{"graph_module": {}}', "'graph' is missing"),
        ('{"graph_module": {"graph": {}, "signature": {}}}', "'tensor_values' is missing"),
        ('{"graph_module": {"graph": {"tensor_values": {}}, "signature": {}}}', "does any work"),
        ("[" * 100_000, "not valid JSON"),
        ("[" + "[]," * 2_000_000 + "0]", "too many values"),
    ],
)
def test_one_line_that_says_what_is_wrong(tmp_path, text, words):
    assert words in refused_or_read(pack(tmp_path / "m.pt2", text, compression=zipfile.ZIP_DEFLATED))


def test_bombs_and_lying_tables(tmp_path):
    path = tmp_path / "m.pt2"
    pack(path, b"[" + b" " * (60 << 20), compression=zipfile.ZIP_DEFLATED)
    assert "at most" in refused_or_read(path)
    raw = bytearray(pack(path, program("products")).read_bytes())
    raw[-10:-6] = (0x7FFFFFFF).to_bytes(4, "little")
    path.write_bytes(raw)
    assert "table of contents" in refused_or_read(path)
    path.write_bytes(raw[:-30])
    assert "table of contents" in refused_or_read(path)


@QUICK
@given(st.data())
def test_damaged_programs(tmp_path, data):
    raw = bytearray(program(data.draw(st.sampled_from(["products", "residual", "recurrent"]))))
    for _ in range(data.draw(st.integers(1, 6))):
        position = data.draw(st.integers(0, len(raw) - 1))
        piece = data.draw(
            st.sampled_from([b"0", b"9", b"-", b"null", b'"x"', b"[]", b"{}", b"\xff", b"1e9", b"as_ints"])
        )
        raw[position : position + len(piece)] = piece
    refused_or_read(pack(tmp_path / "m.pt2", bytes(raw)))


JUNK = st.one_of(
    st.none(),
    st.integers(-9, 1 << 62),
    st.text(max_size=4),
    st.lists(st.integers(), max_size=2),
    st.dictionaries(st.text(max_size=3), st.integers(), max_size=2),
)


@QUICK
@given(st.data())
def test_values_of_the_wrong_kind(tmp_path, data):
    document = json.loads(program(data.draw(st.sampled_from(["products", "residual", "recurrent", "language"]))))
    for _ in range(data.draw(st.integers(1, 4))):
        place = document
        while isinstance(place, (dict, list)) and place:
            key = data.draw(st.sampled_from(sorted(place) if isinstance(place, dict) else range(len(place))))
            if not isinstance(place[key], (dict, list)) or not place[key] or data.draw(st.integers(0, 9)) == 0:
                place[key] = data.draw(JUNK)
                break
            place = place[key]
    refused_or_read(pack(tmp_path / "m.pt2", json.dumps(document)))
