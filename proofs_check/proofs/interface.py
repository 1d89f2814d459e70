"""What a construction must tell so that its weights can be proved: which rows there are, and what each is for.

A *kind of row* names the fields that are known on it; all others take any value of their range. Rows that execute say which
column of the machine's step they compute. For whatever else gates write, `adds` says in integer terms what each
layer's gates must add, so that no hidden unit can fire on any kind of row without an obligation that speaks of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol, Union

import z3

from compiler.circuit import Bit
from compiler.processor import Code, Size

#: A term over the fields of a row: an integer, or a Z3 term.
Term = Union[int, z3.ArithRef]


class Value(Protocol):
    """The fields of a row before the gates of a layer: each bit is known, or a variable in its range."""

    def __call__(self, name: str, bit: int = 0) -> Term: ...

    def known(self, name: str) -> int | None:
        """The only bit of a field, None if it is not known."""

    def width(self, name: str) -> int: ...

    def most(self, name: str) -> int:
        """The largest value of the only bit of a field."""


#: (layer 1..3, fields) -> what that layer's gates must add, to each bit that is not 0.
Adds = Callable[[int, Value], Mapping[Bit, Term]]

#: The column of the machine's step that a row computes; "counter" is `next` beside the address and value of a store.
Computes = Literal["value", "destination", "next", "counter"]


def when(*conditions: bool | z3.BoolRef) -> Term:
    """1 if all conditions hold, else 0."""
    if any(condition is False for condition in conditions):
        return 0
    terms = [condition for condition in conditions if condition is not True]
    return z3.If(z3.And(*terms), z3.IntVal(1), z3.IntVal(0)) if terms else 1


@dataclass(frozen=True)
class Executes:
    """A row that computes a column of the instruction at this program counter."""

    number: int
    computes: Computes


@dataclass(frozen=True)
class RowKind:
    """known: field -> its value; `one` is 1; flags of tokens and roles are 0 unless named here or in `free`.

    adds: (layer 1..3, value of a field) -> what that layer's gates must add, to each bit that is not 0; on rows that
    execute, beside what their instruction does.
    """

    name: str
    known: Mapping[str, int]
    adds: Adds
    free: frozenset[str] = frozenset()
    executes: Executes | None = None


@dataclass(frozen=True)
class Copy:
    """What a head adds to a row from the row that it reads, if one of the fields `asks` is 1 here.

    to: field -> fields whose bits are added to it, bit by bit, `width` of them; "#f" is f's integer, "1" a constant.
    """

    asks: tuple[str, ...]
    to: Mapping[str, tuple[str, ...]]
    width: int


@dataclass(frozen=True)
class Interface:
    """One construction.

    heads: of all layers, by name. rows: every kind of row, BOS apart, which reads nothing.
    slots: operand slots; a slot s is asked for by s.asks, s.parameter, s.pid and s.index.
    owned: fields written by gates that are not the processor's: by which fields those gates may be driven.
    always: what holds on every row but BOS, as conditions on fields; idle: on rows that execute, what holds while the
            machine runs: no edit bit is set then.
    published: fields that rows which execute show to lookups of layer 3, beside `sum` and `out`.
    """

    heads: Mapping[str, Copy]
    rows: Callable[[], Iterator[RowKind]]
    slots: tuple[str, ...]
    owned: tuple[tuple[int, frozenset[str], frozenset[str]], ...] = ()
    always: Callable[[Value], list[z3.BoolRef]] = field(default=lambda value: [])
    idle: Callable[[Value], list[z3.BoolRef]] = field(default=lambda value: [])
    published: frozenset[str] = frozenset()


#: What every construction's processor has: what a row that executes is computed in.
EMITTED = "emit."
COUNTER, OUT, SUM, FETCH = "pc", "out", "sum", "fetch"
JUMPS = ("jump.up", "jump.down")
SELECTORS = ("asks", "parameter", "pid", "index")


def operand_copies(slots: tuple[str, ...], size: Size, *sources: str) -> dict[str, Copy]:
    """The heads that bring operands."""
    return {slot: Copy((f"{slot}.asks",), {slot: sources}, size.word) for slot in slots}


#: From the code and bit widths to the interface.
Tell = Callable[[Code, Size], Interface]
