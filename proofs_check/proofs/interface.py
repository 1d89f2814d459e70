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

from lockstep.compiler.circuit import Bit
from lockstep.compiler.compile import Widths
from lockstep.compiler.processor import Code, Size

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


#: What gates must add, to each bit that is not 0.
Terms = Mapping[Bit, Term]

#: (layer 1..3, fields) -> what that layer's gates must add.
Adds = Callable[[int, Value], Terms]

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
    layer: whose head it is.
    """

    asks: tuple[str, ...]
    to: Mapping[str, tuple[str, ...]]
    width: int
    layer: int = 1


@dataclass(frozen=True)
class Equal:
    """Bits that the row which asks and the row which is found have alike; each side is a sum of fields, bit by bit.

    query: "" stands for 0. A field `f:3` counts with its first 3 bits. bits: compare so many. careless: rows where this
    field is 1 match whatever is asked.
    """

    query: str
    key: str
    bits: int | None = None
    careless: str = ""


@dataclass(frozen=True)
class Finds:
    """Which row a head reads: of those that are alike and meet all of `among`, the latest; none if the row does not ask.

    asks, among: sums of fields that are 0 or 1, as "role.V + role.C" or "one - token.BOS"; BOS meets none of `among`.
    latest: fields; the row with the most in the first, of those with the most in the second, and so on.
    """

    asks: str
    same: tuple[Equal, ...]
    among: tuple[str, ...]
    latest: tuple[str, ...] = ()


@dataclass(frozen=True)
class Unit:
    """Hidden units of one circuit: the layer, fields that they may read, and fields that they may write."""

    layer: int
    reads: frozenset[str]
    writes: frozenset[str]

    @staticmethod
    def of(layer: int, *, reads: str, writes: str) -> Unit:
        """From names of fields with commas between them; names may have spaces."""
        return Unit(layer, frozenset(reads.split(", ")), frozenset(writes.split(", ")))


#: Field -> how many columns it has, and the most that each of them holds.
FieldTable = dict[str, tuple[int, int]]


@dataclass(frozen=True)
class Interface:
    """One construction.

    fields, positions: every field but those of operations that only some programs use; those that position encodings write.
    heads, finds: what heads of all layers copy, and from which row, by name. rows: every kind of row, BOS apart, which reads nothing.
    slots: operand slots; a slot s is asked for by s.asks, s.parameter, s.pid and s.index.
    owned: gates that are not the processor's: by which fields they may be driven, and which they write.
    drives: fields that may drive the processor's gates of layer 1, beside the program counter and roles.
    always: what holds on every row but BOS, as conditions on fields; idle: on rows that execute, what holds while the
            machine runs: no edit bit is set then.
    published: fields that rows which execute show to lookups of layer 3, beside `sum` and `out`.
    """

    fields: FieldTable
    positions: frozenset[str]
    heads: Mapping[str, Copy]
    finds: Mapping[str, Finds]
    rows: Callable[[], Iterator[RowKind]]
    slots: tuple[str, ...]
    owned: tuple[Unit, ...]
    drives: frozenset[str]
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
    return {slot: Copy((f"{slot}.asks",), {slot: sources}, size.word, layer=2) for slot in slots}


def operand_finds(slots: tuple[str, ...], own: str, among: tuple[str, ...], latest: tuple[str, ...] = ()) -> dict[str, Finds]:
    """Of those heads: a register of the own pid, a parameter whosever it is, or the row that says the pid, where `own` is 1."""
    return {
        slot: Finds(
            f"{slot}.asks",
            (
                Equal(f"{slot}.parameter", "role.parameter"), Equal(f"{slot}.pid", own), Equal(f"{slot}.index", "address"),
                Equal("pid", "pid", careless="role.parameter"),
            ),
            among,
            latest,
        )
        for slot in slots
    }  # fmt: skip


#: From the code and bit widths to the interface.
InterfaceOf = Callable[[Code, Size, Widths], Interface]
