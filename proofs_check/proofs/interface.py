"""The interface of a construction: its fields, heads and kinds of rows, which the proofs compare with the weights.

A *kind of row* gives values to the fields that are known on it; all others may have any value in their range. A row that
executes says which column of the machine's step it computes. For everything else that gates write, `adds` returns the sums
that the gates of each layer must add, as integer terms. So every hidden unit that fires is covered by some obligation.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Set
from dataclasses import dataclass, field
from typing import Literal, Protocol, Union

import z3

from lockstep.compiler.compile import Widths
from lockstep.compiler.linear import Bit
from lockstep.compiler.processor import Code, Size

#: A term over the fields of a row: an integer or a Z3 term.
Term = Union[int, z3.ArithRef]


class Value(Protocol):
    """The fields of a row before the gates of a layer: each bit is known, or a variable in its range."""

    def __call__(self, name: str, bit: int = 0) -> Term: ...

    def known(self, name: str) -> int | None:
        """The value of a one-bit field; None if it is not known."""

    def width(self, name: str) -> int: ...

    def most(self, name: str) -> int:
        """The largest value of a one-column field."""


#: The sums that gates must add, by bit; a bit that is missing gets 0.
Terms = Mapping[Bit, Term]

#: (layer 1..3, fields) -> the sums that the layer's gates must add.
Adds = Callable[[int, Value], Terms]

#: The column of the machine's step that a row computes; "counter" is `next`, with the address and value of a store.
Computes = Literal["value", "destination", "next", "counter"]


def when(*conditions: bool | z3.BoolRef) -> Term:
    """1 if all conditions hold, else 0."""
    if any(condition is False for condition in conditions):
        return 0
    terms = [condition for condition in conditions if condition is not True]
    return z3.If(z3.And(*terms), z3.IntVal(1), z3.IntVal(0)) if terms else 1


def bit_of(number: Term, bit: int) -> Term:
    """A bit of an integer from 0."""
    return number >> bit & 1 if isinstance(number, int) else number / (1 << bit) % 2


def clamped(number: Term, most: int) -> Term:
    """The number of 0 .. most that is nearest to it."""
    if isinstance(number, int):
        return max(0, min(number, most))
    return z3.If(number < 0, z3.IntVal(0), z3.If(number > most, z3.IntVal(most), number))


@dataclass(frozen=True)
class Executes:
    """A row that computes a column of the instruction at this program counter."""

    number: int
    computes: Computes


@dataclass(frozen=True)
class RowKind:
    """A kind of row.

    known: field -> its value. `one` is always 1. Flags of tokens and roles are 0 unless they are in `known` or `free`.
    adds: the sums that gates must add; on rows that execute, besides those of the instruction. executes: None if it does not.
    """

    name: str
    known: Mapping[str, int]
    adds: Adds
    free: frozenset[str] = frozenset()
    executes: Executes | None = None


#: The first row, which reads nothing.
BOS = RowKind("BOS", {"token.BOS": 1}, lambda layer, value: {})


@dataclass(frozen=True)
class Part:
    """One field of a sum.

    sign: 1 or -1. bits: use only so many of its bits, lowest first; None for all.
    as_integer: its integer, of as many bits as a word, times 2^shift is added to bit 0 of the sum. Otherwise `shift` moves its bits up.
    complement: 1 minus the bit, but 0 on BOS, in place of the bit.
    """

    field: str
    sign: int = 1
    bits: int | None = None
    as_integer: bool = False
    complement: bool = False
    shift: int = 0

    @staticmethod
    def of(text: str) -> Part:
        plain, sign = text.removeprefix("-"), -1 if text.startswith("-") else 1
        name, _, shift = plain.lstrip("#~").partition("<<")
        name, _, bits = name.partition(":")
        return Part(name, sign, int(bits) if bits else None, plain.startswith("#"), plain.startswith("~"), int(shift or 0))


@dataclass(frozen=True)
class Form:
    """A sum of fields, bit by bit, such as "a + b - c". `f:3` means the lowest 3 bits of f, `#f` its integer, "" means 0.

    `~f` means the complement of each bit, `f<<3` its bits moved up by 3, `#f<<3` 8 times the integer.
    """

    parts: tuple[Part, ...]

    @staticmethod
    def of(text: str) -> Form:
        return Form(tuple(Part.of(part) for part in text.replace(" - ", " + -").split(" + ")) if text else ())

    @property
    def fields(self) -> set[str]:
        return {part.field for part in self.parts}


@dataclass(frozen=True)
class Copy:
    """The copy that a head makes: it adds fields of the row that it reads to this row, if a field in `asks` is 1 here.

    to: field -> the sum that is added to it, `width` bits of it. layer: the layer of the head, counted as in `Interface.ahead`.
    first: the bits of fields in `to` that get bit 0 of their sum, where that is not bit 0.
    """

    asks: tuple[str, ...]
    to: Mapping[str, Form]
    width: int
    layer: int = 1
    first: Mapping[str, int] = field(default_factory=dict)

    @staticmethod
    def of(asks: tuple[str, ...], to: Mapping[str, str], width: int, layer: int = 1, **first: int) -> Copy:
        return Copy(asks, {field: Form.of(text) for field, text in to.items()}, width, layer, first)

    @property
    def fields(self) -> set[str]:
        """All fields that it uses."""
        return set(self.asks).union(self.to, *(form.fields for form in self.to.values()))


@dataclass(frozen=True)
class Equal:
    """Bits that must be equal in the row that asks (`query`) and the row that is found (`key`).

    bits: compare only so many. wildcard: a key row where this is 1 matches every query.
    """

    query: Form
    key: Form
    bits: int | None = None
    wildcard: Form = Form(())

    @staticmethod
    def of(query: str, key: str, bits: int | None = None, wildcard: str = "") -> Equal:
        return Equal(Form.of(query), Form.of(key), bits, Form.of(wildcard))

    @property
    def fields(self) -> set[str]:
        """All fields that it uses."""
        return self.query.fields | self.key.fields | self.wildcard.fields


@dataclass(frozen=True)
class LookupRule:
    """The row that a head reads: the latest of those that match; none if the row does not ask.

    A row matches if it has the `same` bits as this row and each of `candidates` is 1 on it.
    adds: it reads all rows that match and adds up what it copies, instead of reading the latest.
    asks, candidates: sums that are 0 or 1, such as "role.V + role.C" or "one - token.BOS"; on BOS, no candidate is 1.
    latest: fields; the latest row has the largest integer in the first field, on a tie in the second, and so on.
    """

    asks: Form
    same: tuple[Equal, ...]
    candidates: tuple[Form, ...]
    latest: tuple[str, ...] = ()
    adds: bool = False

    @staticmethod
    def of(asks: str, same: tuple[Equal, ...], candidates: tuple[str, ...], latest: tuple[str, ...] = (),
           adds: bool = False) -> LookupRule:  # fmt: skip
        return LookupRule(Form.of(asks), same, tuple(map(Form.of, candidates)), latest, adds)

    @property
    def fields(self) -> set[str]:
        """All fields that it uses."""
        conditions = *(equal.fields for equal in self.same), *(form.fields for form in self.candidates)
        return self.asks.fields.union(self.latest, *conditions)


@dataclass(frozen=True)
class Unit:
    """Hidden units of one circuit: their layer, the fields that they may read, and those that they may write."""

    layer: int
    reads: frozenset[str]
    writes: frozenset[str]

    @staticmethod
    def of(layer: int, *, reads: str, writes: str) -> Unit:
        """Make it from names of fields, separated by commas; names may contain spaces."""
        return Unit(layer, frozenset(reads.split(", ")), frozenset(writes.split(", ")))


#: Field -> its number of columns, and the largest value of each column.
FieldTable = dict[str, tuple[int, int]]


@dataclass(frozen=True)
class Interface:
    """Everything that a construction says about its weights.

    fields: all fields, except those of operations that only some programs use. positions: those that position encodings write.
    heads, lookups: for each head, by name, the copy that it makes and the row that it reads.
    rows: every kind of row but BOS, which reads nothing.
    slots: operand slots; the fields s.asks, s.parameter, s.pid and s.index select the operand of slot s.
    own_units: the fields that the construction's own gates read and write; all other gates are the processor's.
    rom_inputs: fields that the processor's gates of layer 1 read, besides the program counter and roles.
    invariants: conditions on fields that hold on every row but BOS. while_running: conditions that hold in addition on rows
    that execute, since the machine is running; no edit bit is set then.
    published: fields of rows that execute which lookups of layer 3 can see, besides `sum` and `out`.
    marks: further kinds of tokens, without bits.
    ahead: layers ahead of the machine's step, whose layers are 1, 2 and 3 here. The last one ahead is 0.
    bos: the first row.
    """

    fields: FieldTable
    positions: frozenset[str]
    heads: Mapping[str, Copy]
    lookups: Mapping[str, LookupRule]
    rows: Callable[[], Iterator[RowKind]]
    slots: tuple[str, ...]
    own_units: tuple[Unit, ...]
    rom_inputs: frozenset[str]
    invariants: Callable[[Value], list[z3.BoolRef]] = field(default=lambda value: [])
    while_running: Callable[[Value], list[z3.BoolRef]] = field(default=lambda value: [])
    published: frozenset[str] = frozenset()
    marks: tuple[str, ...] = ()
    ahead: int = 0
    bos: RowKind = BOS

    def __post_init__(self) -> None:
        """Raises: ValueError: it uses a field that is not in `fields`."""
        for what, names in self._spoken():
            if unknown := sorted(names - self.fields.keys()):
                raise ValueError(f"{what}: there is no field {unknown[0]}")

    def _spoken(self) -> Iterator[tuple[str, Set[str]]]:
        """Each part that uses fields, with these fields."""
        for name, copy in self.heads.items():
            yield f"head {name}", copy.fields
        for name, lookup in self.lookups.items():
            yield f"head {name}, lookup", lookup.fields
        for unit in self.own_units:
            yield f"units of layer {unit.layer} that write {', '.join(sorted(unit.writes))}", unit.reads | unit.writes
        yield "rom_inputs", self.rom_inputs
        yield "published", self.published


#: Fields of every processor, in which a row that executes is computed.
EMITTED = "emit."
COUNTER, OUT, SUM, FETCH = "pc", "out", "sum", "fetch"
JUMPS = ("jump.up", "jump.down")
SELECTORS = ("asks", "parameter", "pid", "index")


def operand_copies(slots: tuple[str, ...], size: Size, source: str) -> dict[str, Copy]:
    """The heads that copy operands into slots."""
    return {slot: Copy.of((f"{slot}.asks",), {slot: source}, size.word, layer=2) for slot in slots}


def operand_lookups(
    slots: tuple[str, ...], own: str, candidates: tuple[str, ...], latest: tuple[str, ...] = ()
) -> dict[str, LookupRule]:
    """Their lookups: a register with the own pid, a parameter, or the row in which `own` is 1, which says the pid."""
    return {
        slot: LookupRule.of(
            f"{slot}.asks",
            (
                Equal.of(f"{slot}.parameter", "role.parameter"), Equal.of(f"{slot}.pid", own),
                Equal.of(f"{slot}.index", "address"), Equal.of("pid", "pid", wildcard="role.parameter"),
            ),
            candidates,
            latest,
        )
        for slot in slots
    }  # fmt: skip


#: A function from the code and bit widths to the interface.
InterfaceOf = Callable[[Code, Size, Widths], Interface]
