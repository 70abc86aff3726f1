"""What a pickle would build, as inert data: opcodes are read, names stay names, nothing is imported or called.

``pickletools.genops`` splits the bytes; this follows the stack for the opcodes that a state dict is made
of, and refuses every other. A call stays a ``Call`` of a name with arguments.
"""

from __future__ import annotations

import pickletools
from dataclasses import dataclass
from typing import Any, BinaryIO

MOST_OPCODES = 800_000  # a tensor takes about 40


class PickleError(Exception):
    """The pickle is damaged, or holds more than a table of tensors."""


@dataclass(frozen=True, slots=True, eq=False)
class Name:
    """A global, such as ``torch.FloatStorage``: never looked up."""

    text: str


@dataclass(frozen=True, slots=True, eq=False)
class Call:
    """What would have been called with what."""

    function: Any
    arguments: Any


@dataclass(frozen=True, slots=True, eq=False)
class Persistent:
    """A persistent id: torch's reference to a storage."""

    value: Any


class _Mark:
    pass


_PLAIN = {"INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4", "STRING", "BINSTRING", "SHORT_BINSTRING",
          "UNICODE", "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8", "FLOAT", "BINFLOAT", "BINBYTES", "SHORT_BINBYTES",
          "BINBYTES8", "BYTEARRAY8"}  # fmt: skip
_CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}
_PUT = {"PUT", "BINPUT", "LONG_BINPUT"}
_GET = {"GET", "BINGET", "LONG_BINGET"}
_IGNORED = {"PROTO", "FRAME"}


def outline(stream: BinaryIO) -> Any:
    """Follow one pickle to its end and return its outline; raises ``PickleError``."""
    stack: list[Any] = []
    memo: dict[int, Any] = {}
    mark = _Mark()

    def to_mark() -> list[Any]:
        for place in range(len(stack) - 1, -1, -1):
            if stack[place] is mark:
                items = stack[place + 1 :]
                del stack[place:]
                return items
        raise PickleError("an opcode without its mark")

    try:
        for count, (opcode, argument, _) in enumerate(pickletools.genops(stream)):
            name = opcode.name
            if count > MOST_OPCODES:
                raise PickleError("more opcodes than any table of tensors needs")
            if name in _IGNORED:
                continue
            if name == "STOP":
                return stack.pop()
            if name in _PLAIN:
                stack.append(argument)
            elif name in _CONSTANTS:
                stack.append(_CONSTANTS[name])
            elif name == "MARK":
                stack.append(mark)
            elif name in _PUT:
                memo[int(argument or 0)] = stack[-1]
            elif name == "MEMOIZE":
                memo[len(memo)] = stack[-1]
            elif name in _GET:
                stack.append(memo[int(argument or 0)])
            else:
                _build(name, argument, stack, to_mark)
    except PickleError:
        raise
    except (IndexError, KeyError, TypeError, ValueError, AttributeError, OverflowError, RecursionError,
            MemoryError) as error:  # fmt: skip
        raise PickleError(f"{type(error).__name__}: {' '.join(str(error).split())[:80]}") from None
    raise PickleError("it is cut off")


def _build(name: str, argument: Any, stack: list[Any], to_mark: Any) -> None:
    if name in ("EMPTY_DICT", "EMPTY_LIST", "EMPTY_TUPLE", "EMPTY_SET"):
        stack.append({"EMPTY_DICT": dict, "EMPTY_LIST": list, "EMPTY_TUPLE": tuple, "EMPTY_SET": list}[name]())
    elif name in ("TUPLE1", "TUPLE2", "TUPLE3"):
        size = int(name[-1])
        items = tuple(stack[-size:])
        del stack[-size:]
        stack.append(items)
    elif name in ("TUPLE", "LIST", "FROZENSET"):
        items = to_mark()
        stack.append(items if name == "LIST" else tuple(items))
    elif name in ("APPENDS", "ADDITEMS"):
        items = to_mark()
        stack[-1].extend(items)
    elif name == "APPEND":
        item = stack.pop()
        stack[-1].append(item)
    elif name in ("SETITEM", "SETITEMS"):
        pairs = to_mark() if name == "SETITEMS" else [stack.pop(-2), stack.pop()]
        _set(stack[-1], pairs)
    elif name == "DICT":
        items = to_mark()
        stack.append({})
        _set(stack[-1], items)
    elif name == "GLOBAL":
        stack.append(Name(str(argument).replace(" ", ".", 1)))
    elif name == "STACK_GLOBAL":
        attribute, module = stack.pop(), stack.pop()
        if not isinstance(attribute, str) or not isinstance(module, str):
            raise PickleError("a name that is no text")
        stack.append(Name(f"{module}.{attribute}"))
    elif name in ("REDUCE", "NEWOBJ"):
        arguments, function = stack.pop(), stack.pop()
        # torch keeps state dicts as OrderedDict(): an empty one that is filled afterwards.
        empty = isinstance(function, Name) and function.text == "collections.OrderedDict"
        stack.append({} if empty else Call(function, arguments))
    elif name == "BUILD":
        stack.pop()  # the state of an object: not needed
    elif name in ("BINPERSID", "PERSID"):
        stack.append(Persistent(stack.pop() if name == "BINPERSID" else argument))
    elif name in ("POP", "POP_MARK"):
        to_mark() if name == "POP_MARK" else stack.pop()
    elif name == "DUP":
        stack.append(stack[-1])
    else:
        raise PickleError(f"the opcode {name}, which no table of tensors needs")


def _set(target: Any, pairs: list[Any]) -> None:
    if not isinstance(target, dict):  # an item of an object that is never made
        return
    for key, value in zip(pairs[::2], pairs[1::2], strict=True):
        if isinstance(key, (str, int, float, bytes)):
            target[key] = value
