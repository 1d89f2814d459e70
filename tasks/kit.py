"""What circuits of tasks share: tokens, the edits of AP-MDM, and rows that know their index and their neighbours.

Row 0 holds BOS, the sink of every head. All other rows may ask. A neighbour is found by its index, so it is always the row that
stands there now: an insertion or a deletion moves what it holds.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from lockstep.compiler.assemble import assemble
from lockstep.compiler.circuit import NO_RECENCY, Builder, Circuit, Control, Field, Match, Readout, Threshold, Writes
from lockstep.compiler.invariants import check_circuit
from lockstep.compiler.linear import Linear, total
from lockstep.compiler.position_fields import PositionFields
from lockstep.compiler.processor import SHARPNESS
from lockstep.models.positions import Positions
from lockstep.models.tokens import MASK, Vocabulary
from lockstep.models.transformer import DTYPES, Transformer

BOS = "BOS"
#: What a neighbour's index is to a row's.
RIGHT, LEFT = "right", "left"
#: What a lookup reads to say that it has found a row.
YES = Linear(constant=1)
#: What a lookup reads, by name: a number, or bits.
Values = Mapping[str, Linear | Sequence[Linear]]


class TaskModel(Protocol):
    """What solves a task: a `Task`, or a learned model."""

    def model(self, dtype: str) -> Transformer:
        """The weights."""

    def positions(self, length: int) -> Positions:
        """The encodings of positions 0 .. length - 1."""


@dataclass(frozen=True)
class Task:
    """A circuit for sequences of up to 2^index_bits rows, and its roles: flags of rows that their position sets."""

    circuit: Circuit
    index_bits: int
    roles: Mapping[str, Sequence[int] | slice]

    def model(self, dtype: str = "float64") -> Transformer:
        """Return the weights."""
        return assemble(self.circuit, DTYPES[dtype])

    def tokens(self, kinds: Iterable[str]) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
        """Return a sequence of tokens without bits, with BOS before it."""
        return np.array([self.circuit.vocabulary.token(kind, 0) for kind in (BOS, *kinds)], np.int64)

    def kinds(self, tokens: Iterable[int]) -> list[str]:
        """Return the kinds of the tokens behind BOS."""
        return [self.circuit.vocabulary.split(int(token))[0] for token in tokens][1:]

    def positions(self, length: int) -> Positions:
        """Return the encodings of positions 0 .. length - 1.

        Raises: ValueError: the circuit has no index for so many.
        """
        if length > 1 << self.index_bits:
            raise ValueError(f"{length} positions do not fit {self.index_bits} index bits")
        fields, every, index = PositionFields(self.circuit, length), slice(None), np.arange(length, dtype=np.int64)
        last = (1 << self.index_bits) - 1
        fields.set("one", every, 1)
        fields.set("rank", every, index)
        for name, values in (("index", index), (RIGHT, np.minimum(index + 1, last)), (LEFT, np.maximum(index - 1, 0))):
            if name in fields.fields:
                fields.set_bits(name, slice(1, None), values[1:])
        for name, rows in self.roles.items():
            flags = np.zeros(length, np.int64)
            flags[rows if isinstance(rows, slice) else [row for row in rows if row < length]] = 1
            fields.set(name, slice(1, None), flags[1:])
        return fields.positions


class EditBuilder(Builder):
    """Collects the fields and layers of a circuit that edits a sequence.

    Args: kinds: the kinds of tokens after BOS and MASK, with their bits. rows: the most that a sequence has. depth: layers.
    """

    def __init__(self, kinds: Mapping[str, int], rows: int, depth: int = 1) -> None:
        super().__init__(depth)
        self.vocabulary = Vocabulary(((BOS, 0), (MASK, 0), *kinds.items()))
        self.kinds = {kind: self.field(f"token.{kind}") for kind, _ in self.vocabulary.kinds}
        self.token_bits = self.field("token.bits", max(1, self.vocabulary.most_bits))
        self.encoded: set[str] = set()
        self.one, self.rank = self.place("one"), self.place("rank", 1, rows - 1)
        self.edits = {name: self.field(f"control.{name}") for name in ("remask", "insert", "delete")}
        self.taken: dict[str, Field] = {}
        self._bits_taken: Field | None = None
        self.body = 1 - self.kinds[BOS].flag

    @property
    def out(self) -> Field:
        """The bits of what rows take. They are a field if something that is taken has bits."""
        self._bits_taken = self._bits_taken or self.field("out", self.vocabulary.most_bits)
        return self._bits_taken

    def place(self, name: str, width: int = 1, high: int = 1) -> Field:
        """Add a field that position encodings write."""
        self.encoded.add(name)
        return self.field(name, width, high)

    def is_kind(self, kind: str) -> Linear:
        """1 on the rows whose token has this kind."""
        return self.kinds[kind].flag

    def most(self, form: Linear) -> int:
        """The largest value of a form, if all fields are in range."""
        return form.constant + sum(c * self.fields[name].highs[j] for (name, j), c in form.terms.items() if c > 0)

    def read(self, at: int, name: str, asks: Linear, matches: Iterable[Match], conditions: tuple[Linear, ...],
             values: Values, recency: Linear = NO_RECENCY) -> dict[str, Field]:  # fmt: skip
        """Add a lookup; return new fields for what it reads, by name. A form is read as a number, a sequence as bits."""
        read, fields = [], {}
        for key, value in values.items():
            forms = [value] if isinstance(value, Linear) else value
            fields[key] = self.field(f"{name}: {key}", len(forms), tuple(map(self.most, forms)))
            read += [(form, fields[key].bit(j)) for j, form in enumerate(forms)]
        self.look_up(at, name, asks, matches, conditions, read, recency, self.most(recency))
        return fields

    def exists(self, at: int, name: str, asks: Linear, matches: Iterable[Match], conditions: tuple[Linear, ...]) -> Linear:
        """Add a lookup; return whether it finds a row: the last one that matches."""
        return self.read(at, name, asks, matches, conditions, {"found": YES}, self.rank.flag)["found"].flag

    def at_least(self, at: int, form: Linear, literals: Sequence[Linear], writes: Writes) -> None:
        """Add a gate that writes where the form is at least 0 and all literals are 1."""
        self.gate(at, Threshold(form - (len(literals) - total(literals)) * (self.most(form) + 1), writes))

    def edit(self, name: str, literals: Iterable[Linear], at: int = 0) -> None:
        """Add a gate: rows on which all literals are 1 are remasked, deleted, or have a mask inserted after them."""
        self.when(at, literals, {self.edits[name].bit(): 1})

    def take(self, kind: str, literals: Sequence[Linear], bits: Iterable[tuple[int, Linear]] = (), at: int = 0) -> None:
        """Rows on which all literals are 1 take a token of a kind; bit j of its number is 1 where the form beside j is 1.

        All masks must be remasked, else others take a token, too: these rows are the exception.
        """
        if kind not in self.taken:
            self.taken[kind] = self.field(f"take.{kind}")
        self.when(at, literals, {self.taken[kind].bit(): 1, self.edits["remask"].bit(): -1})
        for j, form in bits:
            self.when(at, [*literals, form], {self.out.bit(j): 1})

    def made(self, readout: Readout | None = None) -> Circuit:
        """Return the circuit of all that was added. readout: in place of what rows take.

        Raises: CircuitError: an invariant does not hold.
        """
        control = Control(*(self.edits[name].flag for name in ("remask", "insert", "delete")))
        made = Circuit(
            self.vocabulary, self.fields, self.kinds, self.token_bits, self.is_kind(BOS), self.one.flag, self.layers,
            readout or self._readout(), frozenset(self.encoded), control,
        )  # fmt: skip
        check_circuit(made)
        return made

    def _readout(self) -> Readout:
        """The kind outweighs the bits, of which kinds have different numbers. A row that takes nothing scores all tokens equally."""
        any_kind = total(field.flag for field in self.taken.values())
        out = [*self._bits_taken] if self._bits_taken else [Linear()] * self.vocabulary.most_bits
        kinds = {kind: field.flag * (SHARPNESS * (len(out) + 2)) for kind, field in self.taken.items()}
        return Readout(kinds, tuple(bit * SHARPNESS for bit in out), tuple((any_kind - bit) * SHARPNESS for bit in out))


class TaskBuilder(EditBuilder):
    """Collects a circuit of one layer whose rows know their neighbours.

    Args: kinds: the kinds of tokens after BOS and MASK. roles: flags of rows, with the rows that have them.
          bits: of the kinds of tokens that have some.
    """

    def __init__(self, kinds: Sequence[str], index_bits: int, roles: Mapping[str, Sequence[int] | slice],
                 bits: Mapping[str, int] | None = None) -> None:  # fmt: skip
        super().__init__(dict.fromkeys(kinds, 0) | dict(bits or {}), 1 << index_bits)
        self.index_bits, self.roles = index_bits, roles
        self.places = {name: self.place(name, index_bits) for name in ("index", RIGHT, LEFT)}
        self.flags = {name: self.place(name) for name in roles}

    def any_row(self, kind: str) -> Linear:
        """Return whether some row has this kind: a head that finds the last one."""
        return self.exists(0, f"any {kind}", self.body, (), (self.is_kind(kind),))

    def neighbour(self, side: str, kind: str, asks: Linear) -> Linear:
        """Return whether the neighbour on a side has this kind; 0 on rows that do not ask."""
        here, there = self.places["index"], self.places[side]
        matches = [Match(there[j], here[j]) for j in range(self.index_bits)]
        return self.read(0, f"{side} {kind}", asks, matches, (self.body,), {"kind": self.is_kind(kind)})["kind"].flag

    def neighbours(self, side: str, kinds: Sequence[str], asks: Linear) -> tuple[dict[str, Linear], Linear]:
        """Return whether the neighbour on a side has each kind, and the lowest bit of its token, by one head."""
        here, there = self.places["index"], self.places[side]
        matches = [Match(there[j], here[j]) for j in range(self.index_bits)]
        found = self.read(
            0, side, asks, matches, (self.body,), {kind: self.is_kind(kind) for kind in kinds} | {"bit": self.token_bits[0]}
        )
        return {kind: found[kind].flag for kind in kinds}, found["bit"].flag

    def at(self, role: str, kinds: Sequence[str]) -> dict[str, Linear]:
        """Return, on every row, whether the only row with a role has each kind, by one head; 0 if there is no such row."""
        found = self.read(0, f"at {role}", self.body, (), (self.flags[role].flag,), {kind: self.is_kind(kind) for kind in kinds})
        return {kind: field.flag for kind, field in found.items()}

    def task(self, readout: Readout | None = None) -> Task:
        """Return the task. readout: where rows draw tokens; without it they take none.

        Raises: CircuitError: an invariant does not hold.
        """
        return Task(self.made(readout), self.index_bits, self.roles)
