"""All cases of a row: every position of a role, every token that may stand there, and every value of the fields that matter.

What matters is what the weights read and what the statement looks at; nothing else is in a case, so there are few enough to go through.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from lockstep.compiler.linear import Bit
from lockstep.proofs_check.proofs.weights import Exact, Network
from lockstep.proofs_check.tasks.rules import TOKEN_BITS, Fact, Finds, Flags, Ints, Read, Role, Rows, Rules, Says

#: Cases that are looked at together.
TOGETHER = 1 << 20


class RowDiffers(Exception):
    """The weights do not do what the rules say, or the rules do not imply what they should. The message says where, and in which case."""


@dataclass(frozen=True)
class Needed:
    """What matters: columns, by field and bit, and what is known of positions."""

    bits: frozenset[Bit] = frozenset()
    places: frozenset[str] = frozenset()

    def __or__(self, other: Needed) -> Needed:
        return Needed(self.bits | other.bits, self.places | other.places)


@dataclass(frozen=True)
class Cases:
    """Cases of one row. values: of columns, [cases] each. places: of what is known of positions, [cases] each."""

    values: Mapping[Bit, Ints]
    places: Mapping[str, Ints]
    count: int

    def columns(self, network: Network, columns: Sequence[int]) -> Exact:
        """The residual rows, [cases, columns]."""
        found = np.zeros((self.count, len(columns)))
        for j, column in enumerate(columns):
            if column != network.columns["token.BOS", 0]:
                found[:, j] = self.values[network.names[column]]
        return found

    def rows(self, widths: Mapping[str, int], shape: tuple[int, ...] = (-1,), said: Mapping[Bit, Says] | None = None) -> Rows:
        """The cases for a statement, as arrays of a shape."""
        return Rows(
            widths,
            {b: v.reshape(shape) for b, v in self.values.items()},
            {p: v.reshape(shape) for p, v in self.places.items()},
            said,
        )

    def where(self, which: Flags) -> Cases:
        """Some of the cases."""
        if which.all():
            return self
        kept = {bit: value[which] for bit, value in self.values.items()}
        return Cases(kept, {place: value[which] for place, value in self.places.items()}, int(which.sum()))

    def text(self, number: int) -> str:
        """One case, as people read it: what is not 0."""
        known = [f"{place} {value[number]}" for place, value in self.places.items() if value[number]]
        said = [
            f"{name}[{bit}] = {value[number]}"
            for (name, bit), value in sorted(self.values.items())
            if value[number] and name != "one"
        ]
        return ", ".join([*known, *said]) or "all 0"


@dataclass
class AllCases:
    """Goes through all cases.

    encodings: the position encodings, [N, d]. given: of columns that a head writes, what the head finds: the columns of one head come from
    one row, or are 0 together; and they are 0 on rows that do not look.
    """

    network: Network
    rules: Rules
    encodings: Exact
    given: dict[Bit, Finds] = field(default_factory=dict)
    count: int = 0

    def __post_init__(self) -> None:
        self.widths = {name: len(columns) for name, columns in self.network.fields.items()}
        self.of_positions = {bit for bit in self.network.names if bit[0] in self.network.positions}
        self.of_tokens = {bit for bit in self.network.names if bit[0].startswith("token.")}
        self.facts = [(fact, self.read(fact.holds)) for fact in self.rules.all_facts()]
        self.images: dict[tuple[Bit, ...], Ints] = {}
        self.looking: dict[tuple[int, int], bool] = {}

    def read(self, says: Callable[..., object], rows: int = 1, said: Mapping[Bit, Says] | None = None, which: int = 0) -> Needed:
        """What a statement looks at, of one of the rows that it is given."""
        given = [Read(self.widths, said) for _ in range(rows)]
        says(*given)
        return Needed(frozenset(given[which].bits), frozenset(given[which].known))

    def columns_of(self, matter: Any) -> tuple[list[int], Needed]:
        """The columns that are not 0 in a mask over columns, and the same as what matters."""
        columns = np.flatnonzero(matter).tolist()
        return columns, Needed(frozenset(self.network.names[c] for c in columns) - {("token.BOS", 0)})

    def all(self, needed: Needed, roles: Sequence[str] | None = None, by_position: bool = False,
            without: Fact | None = None) -> Iterator[Cases]:  # fmt: skip
        """Yield all cases, role by role. by_position: also tell positions apart that do not differ in what matters. without: a fact that
        is not made use of.
        """
        needed |= Needed(places=frozenset({"number"} if by_position else ()))
        asks = [(bit, self.given[bit].asks) for bit in needed.bits & self.given.keys()]
        silent = [(bit, says) for bit, says in asks if self.read(says).bits - self.of_tokens <= needed.bits]
        for _, says in silent:
            needed |= self.read(says)
        for name in roles or self.rules.roles:
            facts = [each for each in self.facts if each[0].role in ("", name) and self._bears_on(each[1], needed)]
            facts = [(fact, read) for fact, read in facts if fact is not without]
            with_facts = needed
            for _, read in facts:
                with_facts |= read
            for cases in self._of_role(self.rules.roles[name], with_facts):
                rows = cases.rows(self.widths)
                keep = np.ones(cases.count, bool)
                for fact, _ in facts:
                    keep &= np.asarray(fact.holds(rows)) != 0
                for bit, says in silent:
                    keep &= (np.asarray(says(rows)) != 0) | (cases.values[bit] == 0)
                kept = cases.where(keep)
                self.count += kept.count
                if kept.count:
                    yield kept

    def _bears_on(self, fact: Needed, needed: Needed) -> bool:
        """Whether a fact is about what matters: all of its columns do, but for those of tokens, which are joined to them."""
        free = fact.bits - self.of_tokens
        return bool(fact.bits & needed.bits) and free <= needed.bits

    def _of_role(self, role: Role, needed: Needed) -> Iterator[Cases]:
        numbers = np.arange(self.rules.length)[role.rows]
        if not len(numbers):
            return
        positions = sorted(needed.bits & self.of_positions)
        places = sorted(needed.places)
        known = [self.encodings[numbers, self.network.columns[bit]] for bit in positions]
        patterns = np.unique(
            np.stack([np.zeros(len(numbers)), *known, *(self.rules.places[p][numbers] for p in places)], axis=1), axis=0
        ).astype(np.int64)[:, 1:]
        parts = [(sorted(needed.bits & self.of_tokens), self._tokens(role, needed)), *self._free(needed, role)]
        sizes = [len(patterns), *(len(values) for _, values in parts)]
        total = int(np.prod(np.array(sizes, dtype=object)))
        for first in range(0, total, TOGETHER):
            index = np.unravel_index(np.arange(first, min(total, first + TOGETHER)), sizes)
            values = dict(zip(positions, patterns[index[0]].T))
            for (bits, those), at in zip(parts, index[1:]):
                values |= dict(zip(bits, those[at].T))
            yield Cases(values, dict(zip(places, patterns[index[0]].T[len(positions) :])), len(index[0]))

    def _free(self, needed: Needed, role: Role) -> Iterator[tuple[tuple[Bit, ...], Ints]]:
        """Columns that are no positions and no tokens, those of one head together, with all values that they may have."""
        of_heads: dict[int, list[Bit]] = {}
        for bit in sorted(needed.bits - self.of_positions - self.of_tokens):
            if bit in self.given:
                of_heads.setdefault(id(self.given[bit]), []).append(bit)
            else:
                yield (bit,), np.arange(int(self.network.highs[self.network.columns[bit]]) + 1)[:, None]
        for bits in of_heads.values():
            some = self._image(tuple(bits))
            yield tuple(bits), some if self._may_look(self.given[bits[0]], role) else np.zeros_like(some[:1])

    def _may_look(self, finds: Finds, role: Role) -> bool:
        """Whether some row of a role looks, as far as positions and tokens say it."""
        key = id(finds), role.rows.start
        if key not in self.looking:
            asks = self.read(finds.asks)
            (name,) = [name for name, each in self.rules.roles.items() if each is role]
            known = asks.bits <= self.of_tokens
            self.looking[key] = not known or any(
                np.any(np.asarray(finds.asks(cases.rows(self.widths))) != 0) for cases in self.all(asks, [name])
            )
        return self.looking[key]

    def _image(self, bits: tuple[Bit, ...]) -> Ints:
        """All that one row may give to some columns of one head, and 0 for none, [values, columns]."""
        if bits not in self.images:
            finds, found = self.given[bits[0]], [np.zeros((1, len(bits)), np.int64)]
            needed = Needed()
            for name, _ in bits:
                needed |= self.read(finds.gives[name])
            for cases in self.all(needed):
                rows = cases.rows(self.widths)
                gives = [bit_of(finds.gives[name](rows), j, self.widths[name] > 1) for name, j in bits]
                found.append(np.unique(np.stack([np.broadcast_to(each, cases.count) for each in gives], axis=1), axis=0))
            self.images[bits] = np.unique(np.concatenate(found), axis=0)
        return self.images[bits]

    def _tokens(self, role: Role, needed: Needed) -> Ints:
        """All that may stand in the columns of tokens that matter, [tokens, columns]."""
        columns = sorted(needed.bits & self.of_tokens)
        found: set[tuple[int, ...]] = set()
        for kind in role.kinds:
            bits = dict(self.rules.tokens)[kind]
            free = [j for name, j in columns if name == TOKEN_BITS and j < bits]
            for value in range(1 << len(free)):
                chosen = {j for place, j in enumerate(free) if value >> place & 1}
                found.add(tuple(int(j in chosen if name == TOKEN_BITS else name == f"token.{kind}") for name, j in columns))
        return np.array(sorted(found), np.int64).reshape(len(found), len(columns))


def bit_of(number: object, bit: int, word: bool) -> Ints:
    """A bit of a word; of a field with one column, the number itself."""
    return np.asarray(number).astype(np.int64) >> bit & 1 if word else np.asarray(number).astype(np.int64)


def flags(said: object, shape: tuple[int, ...]) -> Flags:
    """What a statement says, in all cases."""
    return np.broadcast_to(np.asarray(said) != 0, shape)


def numbers(said: object, shape: tuple[int, ...]) -> Ints:
    """The same, as numbers."""
    return np.broadcast_to(np.asarray(said).astype(np.int64), shape)
