"""Layers that move values without computing: reshape, permute, crop, pad, repeat, upsample."""

from __future__ import annotations

from typing import Any

from advisor_keras.config import MOST_SIZE, Config, Shape, is_integer, shown
from advisor_keras.result import LAYERS, LayerFunction, Result, elements, layer, moved, only_input


def _copied(shape: Shape, output: Shape) -> Result:
    read = min(elements(shape), max(0, elements(output)))
    return Result(outputs=(output,), operators=(moved("copy", read, max(0, elements(output))),))


@layer("Flatten")
def flatten(config: Config, inputs: list[Shape]) -> Result:
    """All values of a sample as one axis."""
    return Result(outputs=((elements(only_input(config, inputs)),),), passes_input=True)


@layer("Reshape")
def reshape(config: Config, inputs: list[Shape]) -> Result:
    """The same values in another shape; one size may be -1 (what is left)."""
    shape = only_input(config, inputs)
    target = config.integers("target_shape", None, least=-1)
    return Result(outputs=(reshaped(config, shape, target),), passes_input=True)


def reshaped(config: Config, shape: Shape, target: Shape) -> Shape:
    """Return ``target`` with its one -1 worked out."""
    known = elements(tuple(size for size in target if size != -1))
    count = elements(shape)
    if target.count(-1) == 1 and known > 0 and count % known == 0:
        return tuple(count // known if size == -1 else size for size in target)
    if target.count(-1) > 0 or known != count:
        raise config.fail(f"cannot reshape {count} values of shape {shape} to {target}")
    return target


@layer("Permute")
def permute(config: Config, inputs: list[Shape]) -> Result:
    """Axes in another order; axis 1 is the first after the batch."""
    shape = only_input(config, inputs)
    order = config.integers("dims", None)
    if sorted(order) != list(range(1, len(shape) + 1)):
        raise config.fail(f"field 'dims' is {order}; expected an order of 1 to {len(shape)}")
    return _copied(shape, tuple(shape[axis - 1] for axis in order))


@layer("RepeatVector")
def repeat_vector(config: Config, inputs: list[Shape]) -> Result:
    """The input ``n`` times along a new first axis."""
    shape = only_input(config, inputs)
    return _copied(shape, (config.integer("n"), *shape))


def _upsampling(rank: int) -> LayerFunction:
    def read(config: Config, inputs: list[Shape]) -> Result:
        shape = only_input(config, inputs)
        spatial, channels = config.split_channels(shape, rank)
        factors = config.integers("length" if "length" in config.values else "size", rank, 2)
        larger = tuple(size * factor for size, factor in zip(spatial, factors, strict=True))
        return _copied(shape, config.join_channels(larger, channels))

    return read


def _borders(config: Config, key: str, rank: int) -> list[tuple[int, int]]:
    """Read what is added or cut before and after each axis: one number, one an axis, or two an axis."""
    value: Any = config.values.get(key)
    if value is None:
        value = 1 if key == "padding" else 0
    if is_integer(value):
        value = [[value, value]] * rank
    if isinstance(value, (list, tuple)) and rank == 1 and len(value) == 2 and all(is_integer(v) for v in value):
        value = [value]
    if not isinstance(value, (list, tuple)) or len(value) != rank:
        raise config.fail(f"field {key!r} is {shown(value)}; expected a number, or two for each of {rank} axes")
    pairs = [[entry, entry] if is_integer(entry) else entry for entry in value]
    for pair in pairs:
        if not isinstance(pair, (list, tuple)) or len(pair) != 2:
            raise config.fail(f"field {key!r} is {shown(value)}; expected two numbers for each axis")
        if not all(is_integer(entry) and 0 <= entry <= MOST_SIZE for entry in pair):
            raise config.fail(f"field {key!r} is {shown(value)}; expected numbers of at least 0")
    return [(int(before), int(after)) for before, after in pairs]


def _bordered(rank: int, key: str, sign: int) -> LayerFunction:
    def read(config: Config, inputs: list[Shape]) -> Result:
        shape = only_input(config, inputs)
        spatial, channels = config.split_channels(shape, rank)
        borders = _borders(config, key, rank)
        changed = tuple(
            size + sign * (before + after) for size, (before, after) in zip(spatial, borders, strict=True)
        )
        return _copied(shape, config.join_channels(changed, channels))

    return read


for _rank in (1, 2, 3):
    LAYERS[f"UpSampling{_rank}D"] = _upsampling(_rank)
    LAYERS[f"ZeroPadding{_rank}D"] = _bordered(_rank, "padding", 1)
    LAYERS[f"Cropping{_rank}D"] = _bordered(_rank, "cropping", -1)
