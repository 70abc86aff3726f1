"""The reader of ``torch.export`` archives."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from advisor.errors import ModelFileError
from advisor.interfaces import ModelReader, ModelSource
from advisor.models import Model


class TorchReader(ModelReader):
    """Reads the graph of a ``.pt2`` archive without torch. Nothing is unpickled, no weight is read.

    Option: ``dim`` (sizes of the program's symbols, by name).
    """

    name = "torch"
    doc = "torch.export archives: .pt2, without torch; --dim NAME=SIZE sets open dimensions"

    def claims(self, source: ModelSource) -> bool:
        """Say whether the file is an archive of ``torch.export``, by its table of contents."""
        from advisor_torch.archive import is_export

        path = source.path
        if path is None or not path.is_file():
            return False
        return is_export(path, source.head)

    def read(self, source: ModelSource) -> Model:
        """Read the model; raises ``ModelFileError`` in one line."""
        from advisor_torch.archive import ArchiveError, directory, program
        from advisor_torch.convert import to_model
        from advisor_torch.program import Program

        path, origin = source.path, str(source.path or source.name)
        if path is None:
            raise ModelFileError(f"{origin}: expected a file")
        try:
            with directory(path) as archive:
                document = program(archive)
            walk = Program(document, _dims(source.options))
            walk.walk()
            notes = [*_open(walk), *walk.notes]
            if not any(one.operators for one in walk.placed):
                raise ArchiveError("none of its nodes does any work")
            version = str(document.get("torch_version", ""))[:40]
            return to_model(walk.placed, walk.weights, path.stem, origin, walk.shapes, notes, torch_version=version,
                            trainable_parameters=sum(w.elements for w in walk.weights if w.trainable))  # fmt: skip
        except ArchiveError as error:
            raise ModelFileError(f"{origin}: {error}") from None
        except OSError as error:
            raise ModelFileError(f"{origin}: cannot be read ({error.strerror or error})") from None
        except RecursionError:
            raise ModelFileError(f"{origin}: its graph is nested too deeply") from None


def _dims(options: Mapping[str, Any]) -> dict[str, int]:
    from advisor_torch.archive import ArchiveError

    answer = {}
    for name, size in dict(options.get("dim") or {}).items():
        number = int(size) if isinstance(size, str) and size.isdecimal() and len(size) < 16 else size
        if isinstance(number, bool) or not isinstance(number, int) or not 0 <= number <= 1 << 32:
            raise ArchiveError(f"dimension {str(name)[:40]!r} is {str(size)[:40]!r}; expected a whole number")
        answer[str(name)] = number
    return answer


def _open(walk: Any) -> list[str]:
    """Say which sizes are open, and which names the user gave that the program lacks."""
    notes = []
    if walk.symbols:
        shown = ", ".join(f"{name}={walk.dims.get(name, size)}" for name, size in list(walk.symbols.items())[:8])
        notes.append(f"open dimensions taken as {shown}; set them with --dim NAME=SIZE")
    missing = sorted(walk.dims.keys() - walk.symbols.keys())
    if missing:
        notes.append(
            f"no dimension is named {', '.join(missing[:8])}; open ones are {', '.join(walk.symbols) or 'none'}"
        )
    return notes
