"""What circuits of tasks share: tokens without bits, rows that know their index and their neighbours, and the edits of AP-MDM.

Row 0 holds BOS, the sink of every head. All other rows may ask. A neighbour is found by its index, so it is always the row that
stands there now: an insertion or a deletion moves what it holds.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from lockstep.compiler.assemble import assemble
from lockstep.compiler.circuit import At, Builder, Circuit, Control, Match, Readout
from lockstep.compiler.invariants import check_circuit
from lockstep.compiler.linear import Bit, Linear
from lockstep.compiler.position_fields import PositionFields
from lockstep.models.positions import Positions
from lockstep.models.tokens import MASK, Vocabulary
from lockstep.models.transformer import DTYPES, Transformer

BOS = "BOS"
#: What a neighbour's index is to a row's.
RIGHT, LEFT = "right", "left"


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
            fields.set_bits(name, slice(1, None), values[1:])
        for name, rows in self.roles.items():
            flags = np.zeros(length, np.int64)
            flags[rows if isinstance(rows, slice) else [row for row in rows if row < length]] = 1
            fields.set(name, slice(1, None), flags[1:])
        return fields.positions


class TaskBuilder(Builder):
    """Collects the fields and one layer of a circuit that edits a sequence.

    Args: kinds: the kinds of tokens after BOS and MASK. roles: flags of rows, with the rows that have them.
          bits: of the kinds of tokens that have some.
    """

    def __init__(self, kinds: Sequence[str], index_bits: int, roles: Mapping[str, Sequence[int] | slice],
                 bits: Mapping[str, int] | None = None) -> None:  # fmt: skip
        super().__init__()
        self.index_bits, self.roles = index_bits, roles
        self.vocabulary = Vocabulary(tuple((kind, (bits or {}).get(kind, 0)) for kind in (BOS, MASK, *kinds)))
        self.kinds = {kind: self.field(f"token.{kind}") for kind, _ in self.vocabulary.kinds}
        self.token_bits = self.field("token.bits", max(1, self.vocabulary.most_bits))
        self.one, self.rank = self.field("one"), self.field("rank", 1, (1 << index_bits) - 1)
        self.places = {name: self.field(name, index_bits) for name in ("index", RIGHT, LEFT)}
        self.flags = {name: self.field(name) for name in roles}
        self.edits = {name: self.field(f"control.{name}") for name in ("remask", "insert", "delete")}
        self.body = 1 - self.kinds[BOS].flag

    def is_kind(self, kind: str) -> Linear:
        """1 on the rows whose token has this kind."""
        return self.kinds[kind].flag

    def any_row(self, kind: str) -> Linear:
        """Return whether some row has this kind: a head that finds the last one."""
        found = self.field(f"any.{kind}")
        top = (1 << self.index_bits) - 1
        self.look_up(
            At.ROM, f"any {kind}", self.body, (), (self.is_kind(kind),), [(Linear(constant=1), found.bit())], self.rank.flag, top
        )
        return found.flag

    def neighbour(self, side: str, kind: str, asks: Linear) -> Linear:
        """Return whether the neighbour on a side has this kind; 0 on rows that do not ask."""
        found, here, there = self.field(f"{side}.{kind}"), self.places["index"], self.places[side]
        matches = [Match(there[j], here[j]) for j in range(self.index_bits)]
        self.look_up(At.ROM, f"{side} {kind}", asks, matches, (self.body,), [(self.is_kind(kind), found.bit())])
        return found.flag

    def neighbours(self, side: str, kinds: Sequence[str], asks: Linear) -> tuple[dict[str, Linear], Linear]:
        """Return whether the neighbour on a side has each kind, and the lowest bit of its token, by one head."""
        found, bit = {kind: self.field(f"{side}.{kind}") for kind in kinds}, self.field(f"{side}.bit")
        here, there = self.places["index"], self.places[side]
        reads = [(self.is_kind(kind), field.bit()) for kind, field in found.items()]
        matches = [Match(there[j], here[j]) for j in range(self.index_bits)]
        self.look_up(At.ROM, side, asks, matches, (self.body,), [*reads, (self.token_bits[0], bit.bit())])
        return {kind: field.flag for kind, field in found.items()}, bit.flag

    def at(self, role: str, kinds: Sequence[str]) -> dict[str, Linear]:
        """Return, on every row, whether the only row with a role has each kind, by one head; 0 if there is no such row."""
        found = {kind: self.field(f"{role}.{kind}") for kind in kinds}
        reads = [(self.is_kind(kind), field.bit()) for kind, field in found.items()]
        self.look_up(At.ROM, role, self.body, (), (self.flags[role].flag,), reads)
        return {kind: field.flag for kind, field in found.items()}

    def edit(self, name: str, literals: Iterable[Linear]) -> None:
        """Add a gate: rows on which all literals are 1 are remasked, deleted, or have a mask inserted after them."""
        writes: dict[Bit, int] = {self.edits[name].bit(): 1}
        self.when(At.ROM, literals, writes)

    def task(self, readout: Readout | None = None) -> Task:
        """Return the task. Without a readout nothing in it is ever unmasked.

        Raises: CircuitError: an invariant does not hold.
        """
        nothing = (Linear(),) * self.vocabulary.most_bits
        remask, insert, delete = (self.edits[name].flag for name in ("remask", "insert", "delete"))
        positions = {"one", "rank", *self.places, *self.flags}
        made = Circuit(
            self.vocabulary, self.fields, self.kinds, self.token_bits, self.is_kind(BOS), self.one.flag, self.layers[:1],
            readout or Readout({}, nothing, nothing), frozenset(positions), Control(remask, insert, delete),
        )  # fmt: skip
        check_circuit(made)
        return Task(made, self.index_bits, self.roles)
