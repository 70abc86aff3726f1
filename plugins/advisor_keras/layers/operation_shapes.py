"""Output shapes of plain operations, batch axis included (as size 1, because their axes count it).

Each function returns None where the file does not say enough.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from advisor_keras.config import Config, Shape, TensorArgument, is_integer, shown
from advisor_keras.result import elements

ShapeFunction = Callable[[Config, list[Shape]], "Shape | None"]


def option(config: Config, *names: str, position: int | None = None, default: Any = None) -> Any:
    """Return an argument of the operation by any of its names, or by position."""
    for name in names:
        for place in (config.keywords, config.values):
            if name in place and place[name] is not None:
                return place[name]
    if position is not None and position < len(config.arguments):
        value = config.arguments[position]
        return default if isinstance(value, TensorArgument) else value
    return default


def axis_position(config: Config, value: Any, rank: int) -> int:
    """Return an axis, counted from either end, as a position."""
    if not is_integer(value) or not -rank <= value < rank:
        raise config.fail(f"axis {shown(value)} is not an axis of a tensor of rank {rank}")
    return int(value) % rank


def _constant_shape(value: Any) -> Shape | None:
    """Return the shape of a constant among the arguments; None if it is no array."""
    if isinstance(value, Mapping):
        inner = value.get("config")
        value = inner.get("value") if isinstance(inner, Mapping) else None
    shape: list[int] = []
    while isinstance(value, (list, tuple)) and value and len(shape) < 8:
        shape.append(len(value))
        value = value[0]
    return tuple(shape) if isinstance(value, (int, float)) and shape else None


def broadcast_shape(config: Config, full: list[Shape]) -> Shape:
    """Return the shape that the inputs and constants broadcast to, as numpy does."""
    values = [*config.arguments, *config.keywords.values()]
    constants = [shape for shape in map(_constant_shape, values) if shape is not None]
    rank = max(map(len, (*full, *constants)))
    answer = []
    for axis in range(-rank, 0):
        sizes = {shape[axis] for shape in (*full, *constants) if len(shape) >= -axis} - {1}
        if len(sizes) > 1:
            raise config.fail(f"its inputs have shapes {', '.join(map(str, full[:4]))}, which do not fit together")
        answer.append(sizes.pop() if sizes else 1)
    return tuple(answer)


def reduced_shape(config: Config, full: list[Shape]) -> Shape | None:
    """Return the shape without the axes that a sum, mean or maximum is taken over."""
    shape = full[0]
    axis = option(config, "axis", "axes", position=1)
    if axis is None:
        return None
    axes = {axis_position(config, entry, len(shape)) for entry in (axis if isinstance(axis, (list, tuple)) else [axis])}
    keep = bool(option(config, "keepdims", "keep_dims", position=2, default=False))
    return tuple(1 if i in axes else size for i, size in enumerate(shape) if keep or i not in axes)


def _reshaped(config: Config, full: list[Shape]) -> Shape | None:
    target = option(config, "newshape", "shape", "new_shape", position=1)
    if not isinstance(target, (list, tuple)) or not all(s is None or is_integer(s) for s in target):
        return None
    sizes = [-1 if size is None else int(size) for size in target]
    if sizes and sizes[0] == -1:
        sizes[0] = 1  # the batch axis
    known = elements(tuple(size for size in sizes if size != -1))
    count = elements(full[0])
    if sizes.count(-1) == 1 and known > 0 and count % known == 0:
        sizes = [count // known if size == -1 else size for size in sizes]
    return tuple(sizes) if elements(tuple(sizes)) == count and min(sizes, default=1) > 0 else None


def _transposed(config: Config, full: list[Shape]) -> Shape | None:
    axes = option(config, "axes", "perm", position=1)
    shape = full[0]
    if not isinstance(axes, (list, tuple)) or sorted(axes, key=str) != sorted(range(len(shape)), key=str):
        return None
    return tuple(shape[axis] for axis in axes)


def _swapped(config: Config, full: list[Shape]) -> Shape:
    shape = list(full[0])
    one, two = (axis_position(config, option(config, f"axis{n}"), len(shape)) for n in (1, 2))
    shape[one], shape[two] = shape[two], shape[one]
    return tuple(shape)


def _expanded(config: Config, full: list[Shape]) -> Shape:
    axis = option(config, "axis", "dim", position=1)
    position = axis_position(config, axis, len(full[0]) + 1)
    return (*full[0][:position], 1, *full[0][position:])


def _squeezed(config: Config, full: list[Shape]) -> Shape:
    shape = full[0]
    axis = option(config, "axis", "squeeze_dims", position=1)
    if axis is None or axis == ():
        return (shape[0], *(size for size in shape[1:] if size != 1))
    axes = {axis_position(config, entry, len(shape)) for entry in (axis if isinstance(axis, (list, tuple)) else [axis])}
    return tuple(size for i, size in enumerate(shape) if i not in axes)


def _joined(config: Config, full: list[Shape]) -> Shape:
    shape = list(full[0])
    axis = axis_position(config, option(config, "axis", position=1, default=0), len(shape))
    shape[axis] = sum(other[axis] if len(other) > axis else 0 for other in full)
    return tuple(shape)


def _stacked(config: Config, full: list[Shape]) -> Shape:
    axis = axis_position(config, option(config, "axis", position=1, default=0), len(full[0]) + 1)
    return (*full[0][:axis], len(full), *full[0][axis:])


def _padded(config: Config, full: list[Shape]) -> Shape | None:
    width = option(config, "pad_width", "paddings", position=1)
    if not isinstance(width, (list, tuple)) or len(width) != len(full[0]):
        return None
    if not all(isinstance(pair, (list, tuple)) and len(pair) == 2 and all(map(is_integer, pair)) for pair in width):
        return None
    return tuple(size + int(pair[0]) + int(pair[1]) for size, pair in zip(full[0], width, strict=True))


def _repeated(config: Config, full: list[Shape]) -> Shape | None:
    times, axis = option(config, "repeats", position=1), option(config, "axis", position=2)
    if not is_integer(times) or axis is None:
        return None
    shape = list(full[0])
    shape[axis_position(config, axis, len(shape))] *= max(0, int(times))
    return tuple(shape)


def _tiled(config: Config, full: list[Shape]) -> Shape | None:
    times = option(config, "repeats", "multiples", position=1)
    if not isinstance(times, (list, tuple)) or len(times) != len(full[0]) or not all(map(is_integer, times)):
        return None
    return tuple(size * max(0, int(count)) for size, count in zip(full[0], times, strict=True))


def _one_hot(config: Config, full: list[Shape]) -> Shape | None:
    depth = option(config, "num_classes", "depth", position=1)
    return (*full[0], int(depth)) if is_integer(depth) and depth > 0 else None


def _resized(config: Config, full: list[Shape]) -> Shape | None:
    size, shape = option(config, "size", position=1), full[0]
    if len(shape) != 4 or not isinstance(size, (list, tuple)) or len(size) != 2 or not all(map(is_integer, size)):
        return None
    height, width = map(int, size)
    if option(config, "data_format") == "channels_first":
        return (shape[0], shape[1], height, width)
    return (shape[0], height, width, shape[3])


def _taken(config: Config, full: list[Shape]) -> Shape | None:
    indices, axis = option(config, "indices", position=1), option(config, "axis", position=2)
    picked = () if is_integer(indices) else _constant_shape(indices)
    if picked is None or axis is None:
        return None
    position = axis_position(config, axis, len(full[0]))
    return (*full[0][:position], *picked, *full[0][position + 1 :])


def _indexed(config: Config, full: list[Shape]) -> Shape | None:
    """Shape of ``x[key]`` with slices, numbers, new axes and one ellipsis."""
    key = option(config, "slice_spec", "key", position=1)
    entries = list(key) if isinstance(key, (list, tuple)) else [key]
    taken = sum(1 for entry in entries if entry is not None and not _is_class(entry, "__ellipsis__"))
    shape, answer = list(full[0]), []
    for entry in entries:
        if entry is None:
            answer.append(1)
        elif _is_class(entry, "__ellipsis__"):
            keep = max(0, len(full[0]) - taken)
            answer += shape[:keep]
            shape = shape[keep:]
        elif not shape:
            return None
        elif is_integer(entry):
            shape.pop(0)
        elif isinstance(entry, Mapping):
            bounds = entry.get("config") if _is_class(entry, "__slice__") else entry
            parts = [bounds.get(part) for part in ("start", "stop", "step")] if isinstance(bounds, Mapping) else [0.5]
            if not all(part is None or is_integer(part) for part in parts) or parts[2:] == [0]:
                return None
            limits = slice(*(None if part is None else int(part) for part in parts)).indices(shape.pop(0))
            answer.append(len(range(*limits)))
        else:
            return None
    return (*answer, *shape)


def _is_class(entry: Any, name: str) -> bool:
    return isinstance(entry, Mapping) and entry.get("class_name") == name



SHAPES: dict[str, ShapeFunction] = {
    "reshape": _reshaped, "transpose": _transposed, "swapaxes": _swapped, "expand_dims": _expanded,
    "squeeze": _squeezed, "concatenate": _joined, "concat": _joined, "stack": _stacked, "pad": _padded,
    "repeat": _repeated, "tile": _tiled, "one_hot": _one_hot, "resize": _resized, "take": _taken, "gather": _taken,
    "get_item": _indexed, "getitem": _indexed,
}  # fmt: skip
