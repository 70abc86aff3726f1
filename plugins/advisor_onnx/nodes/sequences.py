"""Sequences and optional values."""

from __future__ import annotations

import math

from advisor_onnx.call import Call
from advisor_onnx.errors import shown
from advisor_onnx.kinds import BOOL, FLOAT, INT64, STRING
from advisor_onnx.nodes import node
from advisor_onnx.values import Value, known

MOST_ITEMS = 10_000


def sequence(items: list[Value]) -> Value:
    """A sequence of values."""
    first = items[0] if items else Value(())
    return Value(first.shape, first.dtype, items=items, constant=all(item.constant for item in items))


def _items(call: Call) -> list[Value]:
    found = call.value(0)
    return [found] if found.items is None else found.items


@node("SequenceConstruct")
def construct(call: Call) -> list[Value]:
    """The inputs as a sequence."""
    return [sequence(call.present)]


@node("SequenceEmpty")
def empty(call: Call) -> list[Value]:
    """No items yet."""
    return [Value((0,), call.integer("dtype", FLOAT), items=[], constant=True)]


@node("SequenceInsert")
def insert(call: Call) -> list[Value]:
    """One more item, last where no position is given."""
    items = list(_items(call))
    if len(items) >= MOST_ITEMS:
        raise call.fail(f"its sequence has more than {MOST_ITEMS} items")
    places = call.data(2)
    place = places[0] if places else len(items)
    items.insert(place if place >= 0 else len(items) + place, call.value(1))
    return [sequence(items)]


@node("SequenceErase")
def erase(call: Call) -> list[Value]:
    """One item fewer."""
    items = list(_items(call))
    places = call.data(1)
    if items:
        items.pop(places[0] if places and -len(items) <= places[0] < len(items) else -1)
    return [sequence(items)]


@node("SequenceAt")
def at(call: Call) -> list[Value]:
    """One item; where its position depends on data, the first."""
    items, places = _items(call), call.data(1)
    if not items:
        raise call.fail("its sequence is empty")
    place = places[0] if places else 0
    if not -len(items) <= place < len(items):
        raise call.fail(f"takes item {place} of {len(items)}")
    return [items[place]]


@node("SequenceLength")
def length(call: Call) -> list[Value]:
    """Number of items."""
    return [known(len(_items(call)))]


@node("SplitToSequence")
def split(call: Call) -> list[Value]:
    """Parts along an axis; one entry each, without that axis, where no sizes are given."""
    data = call.value(0)
    axis = call.axis(call.integer("axis", 0), data.rank)
    size = data.shape[axis]
    sizes = call.data(1)
    keep = bool(call.integer("keepdims", 1)) or sizes is not None
    if sizes is None:
        parts = [1] * min(size, MOST_ITEMS + 1)
    elif call.value(1).rank == 0:
        each = max(sizes[0], 1) if sizes else 1
        parts = (
            [min(each, size - start) for start in range(0, size, each)]
            if -(-size // each) <= MOST_ITEMS
            else [0] * (MOST_ITEMS + 1)
        )
    else:
        parts = sizes
    if len(parts) > MOST_ITEMS or any(part < 0 for part in parts):
        raise call.fail(f"cuts shape {shown(data.shape)} into {len(parts)} parts; at most {MOST_ITEMS} are followed")
    middle = [(part,) if keep else () for part in parts]
    items = [call.result((*data.shape[:axis], *part, *data.shape[axis + 1 :])) for part in middle]
    call.move(items)
    return [sequence(items)]


@node("ConcatFromSequence")
def join(call: Call) -> list[Value]:
    """Items one after the other, or along an axis of their own."""
    items = _items(call)
    if not items:
        raise call.fail("its sequence is empty")
    shape = items[0].shape
    if call.integer("new_axis", 0):
        axis = call.axis(call.integer("axis"), len(shape) + 1)
        sizes = (*shape[:axis], len(items), *shape[axis:])
    else:
        axis = call.axis(call.integer("axis"), len(shape))
        if any(len(item.shape) != len(shape) for item in items):
            raise call.fail("joins items of different rank")
        sizes = (*shape[:axis], sum(item.shape[axis] for item in items), *shape[axis + 1 :])
    output = call.result(sizes)
    call.move([output])
    return [output]


@node("Optional", "OptionalGetElement")
def pass_on(call: Call) -> list[Value]:
    """The value itself."""
    return [call.present[0] if call.present else Value(())]


@node("OptionalHasElement")
def has(call: Call) -> list[Value]:
    """Whether there is one."""
    return [Value((), BOOL)]


@node("StringNormalizer", "StringSplit")
def strings(call: Call) -> list[Value]:
    """Text in another form; the pieces of a split are taken to be one each."""
    data = call.value(0)
    if call.node.op_type == "StringNormalizer":
        return [Value(data.shape, STRING)]
    return [Value((*data.shape, 1), STRING), Value(data.shape, INT64)]


@node("TfIdfVectorizer")
def term_frequency(call: Call) -> list[Value]:
    """A count for each known run of words."""
    shape = call.value(0).shape
    indexes = call.integers("ngram_indexes", least=0)
    output = call.result((*shape[:-1], max(indexes, default=-1) + 1), FLOAT)
    call.move([output], read=math.prod(shape))
    return [output]
