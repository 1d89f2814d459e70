"""What a construction must tell so that its weights can be proved: which rows there are, and what each is for.

A *kind of row* names the fields that are known on it; all others take any value of their range. Rows that execute say which
column of the machine's step they compute. For whatever else gates write, `adds` says in integer terms what each
layer's gates must add, so that no hidden unit can fire on any kind of row without an obligation that speaks of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Set
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
class Part:
    """One field of a sum.

    sign: 1, or -1 where it is taken away. bits: how many of its bits count, lowest first; None for all.
    whole: its integer, of as many bits as a word, counts as bit 0 of the sum.
    """

    field: str
    sign: int = 1
    bits: int | None = None
    as_integer: bool = False

    @staticmethod
    def of(text: str) -> Part:
        name, _, bits = text.lstrip("-#").partition(":")
        return Part(name, -1 if text.startswith("-") else 1, int(bits) if bits else None, text.startswith("#"))


@dataclass(frozen=True)
class Form:
    """A sum of fields, bit by bit, written "a + b - c"; in it `f:3` is the first 3 bits of f, `#f` its integer. "" is 0."""

    parts: tuple[Part, ...]

    @staticmethod
    def of(text: str) -> Form:
        return Form(tuple(Part.of(part) for part in text.replace(" - ", " + -").split(" + ")) if text else ())

    @property
    def fields(self) -> set[str]:
        return {part.field for part in self.parts}


@dataclass(frozen=True)
class Copy:
    """What a head adds to a row from the row that it reads, if one of the fields `asks` is 1 here.

    to: field -> what is added to it, `width` bits of it. layer: whose head it is.
    """

    asks: tuple[str, ...]
    to: Mapping[str, Form]
    width: int
    layer: int = 1

    @staticmethod
    def of(asks: tuple[str, ...], to: Mapping[str, str], width: int, layer: int = 1) -> Copy:
        return Copy(asks, {field: Form.of(text) for field, text in to.items()}, width, layer)

    @property
    def fields(self) -> set[str]:
        """Whatever it speaks of."""
        return set(self.asks).union(self.to, *(form.fields for form in self.to.values()))


@dataclass(frozen=True)
class Equal:
    """Bits that the row which asks and the row which is found have alike.

    bits: compare so many. wildcard: rows where this is 1 match whatever is asked.
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
        """Whatever it speaks of."""
        return self.query.fields | self.key.fields | self.wildcard.fields


@dataclass(frozen=True)
class LookupRule:
    """Which row a head reads: of those that are alike and meet all of `among`, the latest; none if the row does not ask.

    asks, among: sums that are 0 or 1, as "role.V + role.C" or "one - token.BOS"; BOS meets none of `among`.
    latest: fields; the row with the most in the first, of those with the most in the second, and so on.
    """

    asks: Form
    same: tuple[Equal, ...]
    candidates: tuple[Form, ...]
    latest: tuple[str, ...] = ()

    @staticmethod
    def of(asks: str, same: tuple[Equal, ...], candidates: tuple[str, ...], latest: tuple[str, ...] = ()) -> LookupRule:
        return LookupRule(Form.of(asks), same, tuple(map(Form.of, candidates)), latest)

    @property
    def fields(self) -> set[str]:
        """Whatever it speaks of."""
        conditions = *(equal.fields for equal in self.same), *(form.fields for form in self.candidates)
        return self.asks.fields.union(self.latest, *conditions)


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
    own_units: gates that are not the processor's: by which fields they may be driven, and which they write.
    rom_inputs: fields that may drive the processor's gates of layer 1, beside the program counter and roles.
    invariants: what holds on every row but BOS, as conditions on fields; idle: on rows that execute, what holds while the
            machine runs: no edit bit is set then.
    published: fields that rows which execute show to lookups of layer 3, beside `sum` and `out`.
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

    def __post_init__(self) -> None:
        """Raises: ValueError: it speaks of a field that it does not have."""
        for what, names in self._spoken():
            if unknown := sorted(names - self.fields.keys()):
                raise ValueError(f"{what}: there is no field {unknown[0]}")

    def _spoken(self) -> Iterator[tuple[str, Set[str]]]:
        """What speaks of fields, and of which."""
        for name, copy in self.heads.items():
            yield f"head {name}", copy.fields
        for name, lookup in self.lookups.items():
            yield f"head {name}, what it finds", lookup.fields
        for unit in self.own_units:
            yield f"units of layer {unit.layer} that write {', '.join(sorted(unit.writes))}", unit.reads | unit.writes
        yield "what drives", self.rom_inputs
        yield "what is published", self.published


#: What every construction's processor has: what a row that executes is computed in.
EMITTED = "emit."
COUNTER, OUT, SUM, FETCH = "pc", "out", "sum", "fetch"
JUMPS = ("jump.up", "jump.down")
SELECTORS = ("asks", "parameter", "pid", "index")


def operand_copies(slots: tuple[str, ...], size: Size, source: str) -> dict[str, Copy]:
    """The heads that bring operands."""
    return {slot: Copy.of((f"{slot}.asks",), {slot: source}, size.word, layer=2) for slot in slots}


def operand_lookups(
    slots: tuple[str, ...], own: str, candidates: tuple[str, ...], latest: tuple[str, ...] = ()
) -> dict[str, LookupRule]:
    """Of those heads: a register of the own pid, a parameter whosever it is, or the row that says the pid, where `own` is 1."""
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


#: From the code and bit widths to the interface.
InterfaceOf = Callable[[Code, Size, Widths], Interface]
