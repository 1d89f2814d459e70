"""The language in which the rules of a task are stated, apart from its circuit, for a proof on the weights.

A row has its token, its place in the sequence, and numbers in named fields. In each layer it first looks at other rows, and then says what
follows from all that it has. A statement is plain Python on arrays of cases, so it can be held against weights in all cases at once
(`lockstep.proofs_check.tasks.all_rows`), and run by itself on a sequence.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import or_

import numpy as np
from numpy.typing import NDArray

from lockstep.compiler.linear import Bit

Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

TOKEN_BITS = "token.bits"


def any_of(flags: Iterable[Flags]) -> Flags:
    """Whether one of these holds, in each case."""
    return reduce(or_, flags, np.zeros(1, np.bool_))


class Rows:
    """Rows in many cases: arrays of one shape, or of shapes that broadcast.

    values: by field and bit. places: what is known of a position, by name. said: what gates of this layer say, if that is to be looked at.
    """

    def __init__(self, widths: Mapping[str, int], values: Mapping[Bit, Ints], places: Mapping[str, Ints],
                 said: Mapping[Bit, Callable[[Rows], Ints | Flags]] | None = None) -> None:  # fmt: skip
        self.widths, self.values, self.places, self.said = widths, values, places, said or {}

    def bit(self, field: str, number: int = 0) -> Ints:
        """What one column of a field holds."""
        if (field, number) in self.said:
            return np.asarray(self.said[field, number](self)).astype(np.int64)
        return self.values[field, number]

    def part(self, field: str, first: int, width: int) -> Ints:
        """The word of some bits of a field."""
        return np.asarray(sum((self.bit(field, first + j) << j for j in range(width)), np.int64(0)))

    def number(self, field: str) -> Ints:
        """The number in a field; of a field with several bits, their word."""
        return self.bit(field) if self.widths[field] == 1 else self.part(field, 0, self.widths[field])

    def flag(self, field: str, bit: int = 0) -> Flags:
        """Whether a field holds 1."""
        return np.asarray(self.bit(field, bit) == 1)

    def is_a(self, *kinds: str) -> Flags:
        """Whether the row's token has one of these kinds."""
        return any_of(self.flag(f"token.{kind}") for kind in kinds)

    def value(self, first: int, width: int) -> Ints:
        """The word of some bits of the row's token."""
        return self.part(TOKEN_BITS, first, width)

    def at(self, place: str) -> Ints:
        """What is known of the row's position."""
        return self.places[place]

    def stands(self, *places: str) -> Flags:
        """Whether the row's position is one of these."""
        return any_of(self.at(place) == 1 for place in places)


class Read(Rows):
    """Notes what a statement looks at. Statements have no branches, so one call shows all."""

    def __init__(self, widths: Mapping[str, int], said: Mapping[Bit, Callable[[Rows], Ints | Flags]] | None = None) -> None:
        super().__init__(widths, {}, {}, said)
        self.bits: set[Bit] = set()
        self.known: set[str] = set()

    def bit(self, field: str, number: int = 0) -> Ints:
        if (field, number) in self.said:
            return super().bit(field, number)
        assert number < self.widths[field], f"{field} has no bit {number}"
        self.bits.add((field, number))
        return np.zeros(1, np.int64)

    def at(self, place: str) -> Ints:
        self.known.add(place)
        return np.zeros(1, np.int64)


#: What a row says of itself, and what holds between a row that looks and a row that it looks at.
Says = Callable[[Rows], Ints | Flags]
Between = Callable[[Rows, Rows], Ints | Flags]


def always(row: Rows) -> Ints:
    """1."""
    return np.ones(1, np.int64)


@dataclass(frozen=True)
class Sole:
    """Why no two rows that meet have one order: they have one place, all rows of a place find the same, and what they find, which is in a
    field, tells them apart.
    """

    field: str
    place: str


@dataclass(frozen=True)
class Finds:
    """What rows find.

    asks: which rows look; others get 0. meets: which rows each may find (asking row, found row). order: of several, the one with the
    greatest is found. gives: what the found row gives, by field; 0 if none is found. alone: why no two rows that meet have one order,
    if positions do not show it: in words, or to be checked.
    """

    asks: Says
    meets: Between
    gives: Mapping[str, Says]
    order: Says = always
    alone: str | Sole = ""


@dataclass(frozen=True)
class Layer:
    """What rows find, by the name of the head; then what they say, by field and bit."""

    finds: Mapping[str, Finds]
    says: Mapping[Bit, Says]


@dataclass(frozen=True)
class Fact:
    """What holds on every row of every sequence, or on those of one role. Cases in which it does not are left out.

    role: "" for all. layer: it follows from what rows say in this layer, counted from 0. fields: it follows from the other facts about
    these fields. Both are checked. Without them, `because` says why it holds.
    """

    holds: Says
    because: str
    role: str = ""
    layer: int | None = None
    fields: tuple[str, ...] = ()


@dataclass(frozen=True)
class Follows:
    """Where rows find something by the head `first`, they find something by the head `then`: whoever meets the one meets the other. Both
    have a field `found`.
    """

    first: str
    then: str


@dataclass(frozen=True)
class Itself:
    """The only row of a role finds itself by a head, if it looks: it meets no other row."""

    head: str
    role: str


@dataclass(frozen=True)
class Nearest:
    """Rows that meet themselves by a head find a row of their order, or of a greater one. order: that of what is found, by a field."""

    head: str
    field: str
    order: Callable[[Ints], Ints]


@dataclass(frozen=True)
class Role:
    """Positions, and the kinds of tokens that may stand there."""

    rows: slice
    kinds: Sequence[str]


@dataclass(frozen=True)
class Rules:
    """The rules of a task.

    tokens: the kinds of tokens, with their bits. length: the most rows. roles: of all rows but BOS, which never acts. places: arrays
    [length] of what is known of a position. `number` is its number. assumed: what must hold of whole sequences, besides facts.
    """

    tokens: tuple[tuple[str, int], ...]
    length: int
    roles: Mapping[str, Role]
    places: Mapping[str, Ints]
    layers: tuple[Layer, ...]
    facts: tuple[Fact, ...] = ()
    follows: tuple[Follows, ...] = ()
    itself: tuple[Itself, ...] = ()
    nearest: tuple[Nearest, ...] = ()
    assumed: tuple[str, ...] = ()

    @property
    def heads(self) -> dict[str, Finds]:
        """What is found in all layers, by head."""
        return {name: finds for layer in self.layers for name, finds in layer.finds.items()}

    def head_of(self, field: str) -> Finds:
        """What is found by the head that writes a field."""
        return next(finds for finds in self.heads.values() if field in finds.gives)

    @property
    def written(self) -> set[Bit]:
        """What heads and gates write, as far as the rules name it: of fields of several bits that heads write, the first."""
        given = {(field, 0) for finds in self.heads.values() for field in finds.gives}
        return given | {bit for layer in self.layers for bit in layer.says}

    @property
    def argued(self) -> list[str]:
        """What no check shows, since it is about whole sequences."""
        facts = [fact.because for fact in self.facts if fact.layer is None and not fact.fields]
        alone = [finds.alone for finds in self.heads.values() if isinstance(finds.alone, str) and finds.alone]
        return list(dict.fromkeys([*facts, *alone, *self.assumed]))

    def all_facts(self) -> list[Fact]:
        """The facts, with those that others imply: what follows, and what a row finds of itself."""
        found = [*self.facts, *map(_found_too, self.follows)]
        for each in self.itself:
            finds = self.heads[each.head]
            found += [_own(each, finds, field, says) for field, says in finds.gives.items()]
        return found + [_near(each, self.heads[each.head]) for each in self.nearest]


def _found_too(follows: Follows) -> Fact:
    return Fact(lambda row: ~row.flag(f"{follows.first}: found") | row.flag(f"{follows.then}: found"), "it finds both")


def _near(nearest: Nearest, finds: Finds) -> Fact:
    def holds(row: Rows) -> Flags:
        looks = (np.asarray(finds.asks(row)) != 0) & (np.asarray(finds.meets(row, row)) != 0)
        return np.asarray(~looks | (nearest.order(row.number(nearest.field)) >= np.asarray(finds.order(row))))

    return Fact(holds, f"{nearest.head}: it finds itself or what comes before it")


def _own(itself: Itself, finds: Finds, field: str, says: Says) -> Fact:
    """A row that finds itself has in a field what it gives itself; a row that does not look has 0."""

    def holds(row: Rows) -> Flags:
        gives = np.asarray(says(row)).astype(np.int64)
        return np.asarray((row.number(field) == gives) | (np.asarray(finds.asks(row)) == 0))

    return Fact(holds, "it finds itself", itself.role)


def flags_of(length: int, rows: slice) -> Ints:
    """1 at some positions, else 0, [length]."""
    found = np.zeros(length, np.int64)
    found[rows] = 1
    return found


def bits_of(field: str, width: int, said: Callable[[Rows, int], Ints | Flags]) -> dict[Bit, Says]:
    """A statement for each bit of a field."""
    return {(field, j): (lambda row, j=j: said(row, j)) for j in range(width)}  # type: ignore[misc]
