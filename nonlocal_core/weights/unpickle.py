"""Reading of a pickle as inert data, without looking up a class or calling a function.

A pickle is a program for a small stack machine. This module interprets that program itself and builds plain containers.
A call of the program becomes a `Call` record, which is never executed. The readers of the formats (`caffe2_file`,
`torch_file`) interpret the few calls that they know. The standard library's `pickletools`, which imports nothing
either, decodes the opcodes.
"""

import pickletools
from collections.abc import Callable
from dataclasses import dataclass, field
from io import BufferedIOBase
from typing import IO, cast

from nonlocal_core.errors import WeightsError
from nonlocal_core.weights.kept_beside import DICTIONARIES, RECORDS

MAX_OPCODES = 1_000_000
"""Maximum number of opcodes of a pickle. A ResNet-101 with its optimiser state has about 40,000."""

_GETATTR = frozenset({"__builtin__.getattr", "builtins.getattr"})
"""Global by which protocol 2 names a method. Only methods of a class in ``RECORDS`` are admitted; they become names."""

_BESIDE = DICTIONARIES | RECORDS | _GETATTR

_MAX_LINE_BYTES = 4096

_MAX_INTEGER = 1 << 60
"""Limit of the integers that are keys and places in the memo. Larger ones can be made to collide: their hash is the
remainder by 2**61 - 1."""

_VALUES = frozenset(
    {"INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "FLOAT", "BINFLOAT"}
    | {"STRING", "BINSTRING", "SHORT_BINSTRING"}
    | {"UNICODE", "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8"}
    | {"BINBYTES", "SHORT_BINBYTES", "BINBYTES8"}
)
_MAKERS: dict[str, Callable[[], object]] = {
    "NONE": lambda: None,
    "NEWTRUE": lambda: True,
    "NEWFALSE": lambda: False,
    "EMPTY_TUPLE": tuple,
    "EMPTY_LIST": list,
    "EMPTY_DICT": dict,
}


@dataclass(frozen=True, slots=True, eq=False)
class Global:
    """Name of a class or a function that a pickle asks for."""

    name: str


@dataclass(slots=True, eq=False)
class Call:
    """Call that a pickle asks for, with the state for its result. It is never executed."""

    function: str
    arguments: tuple[object, ...]
    state: object = None


@dataclass(frozen=True, slots=True, eq=False)
class StorageReference:
    """Reference to data outside the pickle."""

    identity: tuple[object, ...]


def read_inert(
    stream: BufferedIOBase, *, byte_count: int, admitted: frozenset[str], stored: list[StorageReference] | None = None
) -> object:
    """Return the content of one pickle: plain values and containers, `Call`, `Global` and `StorageReference` records.

    The stream is left right after the pickle. At most ``byte_count`` bytes are read, and as many values copied.
    ``admitted`` holds the globals that may be named, beside those that `kept_beside` lists. References to outside data
    are appended to ``stored``, and refused without such a list. Raises WeightsError that names a global or an opcode
    that no weights file needs.
    """
    machine = _Machine(admitted=admitted, stored=stored, left=byte_count)
    bounded = cast(IO[bytes], _Bounded(stream, byte_count))  # genops calls read and readline, nothing else
    try:
        for count, (opcode, argument, _) in enumerate(pickletools.genops(bounded)):
            if count >= MAX_OPCODES:
                raise WeightsError(f"it takes more than MAX_OPCODES = {MAX_OPCODES:,} steps")
            machine.step(opcode.name, argument)
        return machine.result()
    except WeightsError:
        raise
    except (ValueError, IndexError, KeyError, TypeError) as fault:
        # pickletools raises these on bytes that are not a pickle, the stack and the memo on a broken pickle.
        raise WeightsError("its pickle is damaged or incomplete") from fault


def shown(name: object) -> str:
    """Return a name from a foreign file, shortened and without control characters, for a message."""
    text = repr(name) if isinstance(name, (str, int, float, bytes)) else f"a {type(name).__name__}"
    return text if len(text) <= 100 else f"{text[:97]}..."


class _Bounded:
    """Stream that refuses a false declared length before memory is allocated for it."""

    def __init__(self, stream: BufferedIOBase, byte_count: int) -> None:
        self._stream = stream
        self._left = byte_count

    def read(self, count: int) -> bytes:
        if not 0 <= count <= self._left:
            raise WeightsError(f"it declares {count:,} bytes where {self._left:,} are left")
        self._left -= count
        return self._stream.read(count)

    def readline(self) -> bytes:
        line = self._stream.readline(min(_MAX_LINE_BYTES, self._left))
        self._left -= len(line)
        if b"\\" in line:  # pickletools would warn when decoding it, and no admitted name contains it
            raise ValueError("an escape sequence")
        return line


@dataclass(slots=True, kw_only=True, eq=False)
class _Machine:
    """Stack machine of a pickle, without the operations that could run code."""

    admitted: frozenset[str]
    stored: list[StorageReference] | None
    left: int
    """Number of values that may still be copied. No weights file copies one twice, and each takes at least a byte."""
    stack: list[object] = field(default_factory=list)
    outer: list[list[object]] = field(default_factory=list)
    """Stacks below the open marks."""
    memo: dict[int, object] = field(default_factory=dict)

    def step(self, opcode: str, argument: object) -> None:
        if opcode in _VALUES:
            self.stack.append(argument)
        elif opcode in _MAKERS:
            self.stack.append(_MAKERS[opcode]())
        elif opcode in ("GLOBAL", "INST"):
            self.stack.append(self._global(str(argument).replace(" ", ".")))
            if opcode == "INST":
                raise _unneeded(opcode)
        elif opcode in ("PUT", "BINPUT", "LONG_BINPUT"):
            self.memo[_integer(argument)] = self.stack[-1]
        elif opcode in ("GET", "BINGET", "LONG_BINGET"):
            self.stack.append(self.memo[_integer(argument)])
        elif opcode not in ("PROTO", "FRAME", "STOP"):
            operation = _OPERATIONS.get(opcode)
            if operation is None:
                raise _unneeded(opcode)
            operation(self)

    def result(self) -> object:
        if self.outer or len(self.stack) != 1:
            raise ValueError("values left over at the end")
        return self.stack[0]

    def mark(self) -> None:
        self.outer.append(self.stack)
        self.stack = []

    def memoize(self) -> None:
        self.memo[len(self.memo)] = self.stack[-1]

    def append(self) -> None:
        self._extend([self.stack.pop()])

    def appends(self) -> None:
        self._extend(self._since_mark())

    def set_item(self) -> None:
        value, key = self.stack.pop(), self.stack.pop()
        self._update([key, value])

    def set_items(self) -> None:
        self._update(self._since_mark())

    def make_list(self) -> None:
        items = self._since_mark()  # changes the current stack
        self.stack.append(items)

    def make_dict(self) -> None:
        items = self._since_mark()
        self.stack.append({})
        self._update(items)

    def make_tuple(self) -> None:
        items = self._since_mark()
        self.stack.append(tuple(items))

    def tuple_of(self, count: int) -> None:
        if len(self.stack) < count:
            raise IndexError("the stack is too short")
        self.stack[-count:] = [tuple(self.stack[-count:])]

    def stack_global(self) -> None:
        name, module = self.stack.pop(), self.stack.pop()
        self.stack.append(self._global(f"{module}.{name}" if isinstance(module, str) else shown(module)))

    def call(self) -> None:
        arguments, function = self.stack.pop(), self.stack.pop()
        if not isinstance(function, Global) or not isinstance(arguments, tuple):
            raise WeightsError("it calls something that is no named function")
        if function.name in DICTIONARIES:
            self._push_copy(_dictionary(arguments))
        elif function.name == "_codecs.encode":
            self._push_copy(_encoded(arguments))
        elif function.name in _GETATTR:
            self.stack.append(_method(function, arguments))
        else:
            self.stack.append(Call(function.name, arguments))

    def new_object(self) -> None:
        arguments, kind = self.stack.pop(), self.stack.pop()
        if not isinstance(kind, Global) or kind.name not in DICTIONARIES | RECORDS or not isinstance(arguments, tuple):
            raise _unneeded("NEWOBJ")
        self.stack.append({} if kind.name in DICTIONARIES else Call(kind.name, arguments))

    def set_state(self) -> None:
        state, target = self.stack.pop(), self.stack[-1]
        if isinstance(target, Call) and target.state is None:
            target.state = state
        elif not isinstance(target, dict):  # the attributes of an OrderedDict hold version numbers, which are dropped
            raise WeightsError(f"it sets the attributes of {shown(target)}")

    def refer(self) -> None:
        identity = self.stack.pop()
        if self.stored is None or not isinstance(identity, tuple):
            raise WeightsError("it refers to data outside of the pickle (a persistent id)")
        self.stored.append(StorageReference(identity))
        self.stack.append(self.stored[-1])

    def _global(self, name: str) -> Global:
        if name not in self.admitted | _BESIDE and name.rpartition(".")[0] not in RECORDS:
            raise _foreign(name)
        return Global(name)

    def _push_copy(self, made: dict[object, object] | bytes) -> None:
        self.left -= len(made)
        if self.left < 0:
            raise WeightsError("it copies more values than it has bytes")
        self.stack.append(made)

    def _since_mark(self) -> list[object]:
        items, self.stack = self.stack, self.outer.pop()
        return items

    def _extend(self, items: list[object]) -> None:
        target = self.stack[-1]
        if not isinstance(target, list):
            raise WeightsError(f"it appends to {shown(target)}")
        target.extend(items)

    def _update(self, items: list[object]) -> None:
        target = self.stack[-1]
        if not isinstance(target, dict):
            raise WeightsError(f"it sets an item of {shown(target)}")
        for key, value in zip(items[::2], items[1::2], strict=True):
            target[_key(key)] = value


_OPERATIONS: dict[str, Callable[[_Machine], None]] = {
    "MARK": _Machine.mark,
    "MEMOIZE": _Machine.memoize,
    "APPEND": _Machine.append,
    "APPENDS": _Machine.appends,
    "SETITEM": _Machine.set_item,
    "SETITEMS": _Machine.set_items,
    "LIST": _Machine.make_list,
    "DICT": _Machine.make_dict,
    "TUPLE": _Machine.make_tuple,
    "TUPLE1": lambda machine: machine.tuple_of(1),
    "TUPLE2": lambda machine: machine.tuple_of(2),
    "TUPLE3": lambda machine: machine.tuple_of(3),
    "STACK_GLOBAL": _Machine.stack_global,
    "REDUCE": _Machine.call,
    "NEWOBJ": _Machine.new_object,
    "EMPTY_SET": lambda machine: machine.stack.append([]),
    "ADDITEMS": _Machine.appends,
    "BUILD": _Machine.set_state,
    "BINPERSID": _Machine.refer,
}


def _unneeded(opcode: str) -> WeightsError:
    return WeightsError(f"it uses the pickle operation {opcode}, which no weights file needs")


def _foreign(name: str) -> WeightsError:
    return WeightsError(
        f"it asks for {shown(name)}, which no weights file needs; the weights alone are saved by "
        "torch.save(network.state_dict(), path)"
    )


def _method(getter: Global, arguments: tuple[object, ...]) -> Global:
    """Return the name of a method of a class of ``RECORDS``. Raises WeightsError for any other attribute."""
    match arguments:
        case (Global(name=kind), str(name)) if kind in RECORDS:
            return Global(f"{kind}.{name}")
        case _:
            raise _foreign(getter.name)


def _integer(argument: object) -> int:
    if not isinstance(argument, int) or not 0 <= argument < _MAX_INTEGER:
        raise TypeError("not a memo index")
    return argument


def _key(key: object) -> str | int:
    """Return a key of a dictionary. Raises WeightsError for other objects, so that deep tuples are never hashed."""
    if not isinstance(key, (str, int)) or (isinstance(key, int) and abs(key) >= _MAX_INTEGER):
        raise WeightsError(f"it uses {shown(key)} as a key")
    return key


def _dictionary(arguments: tuple[object, ...]) -> dict[object, object]:
    """Return the dictionary of ``OrderedDict()``, of Python 2's ``OrderedDict([[key, value], ...])``, or of others.

    The function that a ``defaultdict`` calls for missing keys is left out.
    """
    given = arguments[0] if arguments else []
    pairs = given.items() if isinstance(given, dict) else [] if isinstance(given, Global) else given
    if isinstance(given, tuple | str) or not hasattr(pairs, "__iter__"):
        raise TypeError("not a list of pairs")
    made: dict[object, object] = {}
    for key, value in pairs:
        made[_key(key)] = value
    return made


def _encoded(arguments: tuple[object, ...]) -> bytes:
    """Return the bytes that Python 3 stored as Latin-1 text to be readable by Python 2."""
    text, encoding = arguments
    if not isinstance(text, str) or encoding != "latin1":
        raise WeightsError("it encodes text in a way that no weights file needs")
    return text.encode("latin-1")
