"""Proves the sums that gates add on each kind of row, through the three layers, for all values of unknown fields.

On every kind of row, each column must get exactly the sum that the interface requires. So every hidden unit that fires is
covered. On rows that execute, `lockstep.proofs_check.proofs.instructions` proves the processor's columns.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import z3
from numpy.typing import NDArray

from lockstep.proofs_check.proofs.interface import EMITTED, FETCH, JUMPS, OUT, SELECTORS, SUM, Interface, RowKind, Term
from lockstep.proofs_check.proofs.operations import INTERMEDIATE
from lockstep.proofs_check.proofs.reduction import Polyline, Reduced, Row, reduce_gates
from lockstep.proofs_check.proofs.solver import (
    Lemmas,
    Refutation,
    RequiredTerms,
    RowCache,
    Unequal,
    integer_value,
    prove_integers,
)
from lockstep.proofs_check.proofs.specification import OPERATIONS
from lockstep.proofs_check.proofs.weights import Network

#: Flags of tokens that have no bits.
BARE = ("token.MASK", "token.HALT", "token.BOS")
FLAGS = ("token.", "role.", "next.")


@dataclass(frozen=True)
class Fault:
    """The place where an obligation fails: a kind of row, a layer, and values of columns that refute it.

    row: bounds of all columns before the gates. refuted: values of some columns; the others may be any in their bounds.
    """

    kind: RowKind
    layer: int
    row: Row
    refuted: Refutation


class Failed(Exception):
    """An obligation fails, or was not decided."""

    def __init__(self, fault: Fault) -> None:
        self.fault = fault
        super().__init__(fault.refuted.what)


def is_processor(field: str, interface: Interface) -> bool:
    """Whether a field belongs to the processor, so that instructions set it in layer 1."""
    slots = {*interface.slots, *(f"{s}.{part}" for s in interface.slots for part in SELECTORS)}
    flags = {*OPERATIONS, "sums", "sum.emit", FETCH, *JUMPS, OUT, SUM}
    return field in slots | flags | interface.published or field.startswith(EMITTED)


class Fields:
    """The fields of a row as terms: a `lockstep.proofs_check.proofs.interface.Value`. It records which columns were read."""

    def __init__(self, network: Network, row: Row) -> None:
        self.network, self.row = network, row
        self.used: dict[int, z3.ArithRef] = {}
        self.looked_at: set[int] = set()

    def __call__(self, name: str, bit: int = 0) -> Term:
        column = self.network.fields[name][bit]
        self.looked_at.add(column)
        known = self.row.known(column)
        return self.variable(column) if known is None else known

    def variable(self, column: int) -> z3.ArithRef:
        if column not in self.used:
            self.used[column] = z3.Int(self.network.text(column))
        return self.used[column]

    def known(self, name: str) -> int | None:
        self.looked_at.add(self.network.fields[name][0])
        return self.row.known(self.network.fields[name][0])

    def width(self, name: str) -> int:
        return len(self.network.fields[name])

    def most(self, name: str) -> int:
        return int(self.network.highs[self.network.fields[name][0]])


@dataclass(frozen=True)
class Sum:
    """The sum that a column gets, and the term that it must equal. The kind of row and the column determine the term."""

    column: int
    constant: int
    lines: tuple[Polyline, ...]
    term: Term = dataclasses.field(compare=False)

    @cached_property
    def reads(self) -> tuple[int, ...]:
        """The columns on which it depends."""
        return tuple(sorted({column for line in self.lines for column, _ in line.form}))


def _choice(term: Term) -> list[tuple[int, int]]:
    """The bounds of a term that is a number, or a choice between two numbers; none of any other term."""
    if isinstance(term, int):
        return [(term, term)]
    numbers = term.children()[1:] if z3.is_app_of(term, z3.Z3_OP_ITE) else []
    if not numbers or not all(map(z3.is_int_value, numbers)):
        return []
    values = [number.as_long() for number in numbers]
    return [(min(values), max(values))]


class RowProver:
    """Proves kinds of rows, layer by layer."""

    def __init__(self, network: Network, interface: Interface, lemmas: Lemmas) -> None:
        self.network, self.interface, self.lemmas = network, interface, lemmas
        self.by_instructions = frozenset(c for f, cs in network.fields.items() if is_processor(f, interface) for c in cs)
        intermediate = frozenset(c for f in (OUT, *INTERMEDIATE) for c in network.fields.get(f, ()))
        self.exempt = {1: self.by_instructions, 2: intermediate, 3: frozenset(network.fields[OUT])}
        self.reduced = [lemmas.reduced(layer.gates.digest) for layer in network.layers]
        layout = network.names, network.highs.tobytes(), interface.invariants, interface.while_running
        self.cache = lemmas.row_caches.setdefault(layout, RowCache())

    @cached_property
    def _given(self) -> NDArray[np.bool_]:
        """The columns that positions and tokens may set on any row but BOS, unless its kind says their value."""
        free = [c for f, cs in self.network.fields.items() if f in self.network.positions and not f.startswith(FLAGS) for c in cs]
        given = np.zeros(len(self.network.names), bool)
        given[free + list(self.network.fields["token.bits"])] = True
        return given

    def start(self, kind: RowKind) -> Row:
        """The row before the gates of layer 1, as embedding, positions and heads of layer 1 have written it."""
        network, low = self.network, np.zeros(len(self.network.names))
        high = low.copy() if kind is self.interface.bos else np.where(self._given, network.highs, 0)
        for field in kind.free:
            for column in network.fields.get(field, ()):
                high[column] = network.highs[column]
        if any(kind.known.get(flag) for flag in BARE):
            high[list(network.fields["token.bits"])] = 0
        for field, value in {**kind.known, "one": 1}.items():
            columns = network.fields.get(field, ())
            for j, column in enumerate(columns):
                low[column] = high[column] = value >> j & 1 if len(columns) > 1 else value
        return self.after_heads(kind, Row(low, high), 0)

    def after_heads(self, kind: RowKind, row: Row, layer: int) -> Row:
        """The row after the heads of a layer (from 0). A head that is not asked reads 0; slots count as asked."""
        bounds: dict[int, tuple[int, int]] = {}
        for name in self.network.layers[layer].copies:
            copy = self.interface.heads[name]
            asks = any(row.high[self.network.fields[field][0]] for field in copy.asks if field in self.network.fields)
            if kind is self.interface.bos or not (asks or name in self.interface.slots):
                continue
            for field in copy.to:
                if field not in kind.known:
                    bounds |= {c: (0, int(self.network.highs[c])) for c in self.network.fields[field]}
        return row.changed(bounds)

    def gates(self, layer: int, row: Row) -> Reduced:
        """The sums that the gates of a layer of the machine's step, from 1, or of one ahead of it add."""
        number = layer - 1 + self.interface.ahead
        known, key = self.reduced[number], row.key
        if key not in known:
            known[key] = reduce_gates(self.network.layers[number].gates, row)
        return known[key]

    def check(self, kind: RowKind, layer: int, row: Row, added: Reduced) -> Row:
        """Compare the sums of gates with the interface. Returns: the row after the gates, as bounds.

        Raises: Failed: a column gets another sum.
        """
        wanted = self._wanted(kind, layer, row)
        exempt = self.exempt.get(layer, frozenset()) if kind.executes else frozenset()
        constants, low, high = added.constant.tolist(), row.low.tolist(), row.high.tolist()
        touched = set(np.flatnonzero(added.constant).tolist()) | added.varying.keys() | wanted.terms.keys()
        open_, bounds = [], {}
        for column in sorted(touched):
            if column in exempt and layer > 1:
                continue
            constant, lines = int(constants[column]), added.varying.get(column, ())
            # InstructionProver checks the value of an exempt column; here it must only be constant
            term = constant if column in exempt else wanted.terms.get(column, 0)
            if lines or not isinstance(term, int):
                open_.append(Sum(column, constant, lines, term))
            elif constant != term:
                what = f"layer {layer + self.interface.ahead} adds {constant} to {self.network.text(column)}, not {term}"
                raise Failed(Fault(kind, layer, row, Refutation({}, what)))
            # Lines and constant may cancel. If the sum is one of two numbers, the next layers see these numbers.
            known = [(term, term)] if isinstance(term, int) else wanted.choices[column]
            moved = known or [(constant, constant), *(line.bounds for line in lines)]
            bounds[column] = (int(low[column]) + sum(a for a, _ in moved), int(high[column]) + sum(b for _, b in moved))
        if open_:
            self._prove(kind, layer, row, wanted, open_)
        return row.changed(bounds)

    def _wanted(self, kind: RowKind, layer: int, row: Row) -> RequiredTerms:
        """The sums that the interface requires; made once for all rows that agree on the columns that it reads."""
        seen = self.cache.wanted.setdefault((kind.adds, layer), {})
        for columns, found in seen.items():
            if known := found.get(row.part(columns)):
                return known
        fields = Fields(self.network, row)
        terms = {self.network.columns[bit]: term for bit, term in kind.adds(layer, fields).items()}
        self.interface.invariants(fields), self.interface.while_running(fields)
        columns = tuple(sorted(fields.looked_at))
        choices = {column: _choice(term) for column, term in terms.items()}
        wanted = RequiredTerms(terms, columns, (kind.adds, layer, columns, row.part(columns)), choices)
        seen.setdefault(columns, {})[row.part(columns)] = wanted
        return wanted

    def _prove(self, kind: RowKind, layer: int, row: Row, wanted: RequiredTerms, sums: list[Sum]) -> None:
        """Prove sums that are not constant, but for those that were proved before."""
        alike = wanted.key, bool(kind.executes), kind is self.interface.bos
        keys = {(*alike, s, row.part(s.reads)): s for s in sums}
        sums = [s for key, s in keys.items() if key not in self.cache.proved]
        if not sums:
            return
        fields = Fields(self.network, row)
        ranges = [] if kind is self.interface.bos else self.interface.invariants(fields)
        ranges += self.interface.while_running(fields) if kind.executes else []
        claims = [(self.network.text(s.column), s.constant + integer_value(s.lines, fields.variable), s.term) for s in sums]
        free = {c: fields.variable(c) for c in {*wanted.columns, *(c for s in sums for c in s.reads)} if row.known(c) is None}
        ranges += [z3.And(v >= int(row.low[c]), v <= int(row.high[c])) for c, v in free.items()]
        try:
            prove_integers(self.lemmas, claims, ranges, free)
        except Unequal as unequal:
            what = f"layer {layer + self.interface.ahead}: {unequal.refuted.what}"
            raise Failed(Fault(kind, layer, row, Refutation(unequal.refuted.values, what))) from None
        self.cache.proved.update(keys)

    def before_step(self, kind: RowKind) -> Row:
        """The row before the gates of the first layer of the machine's step. Raises: Failed: as `prove`."""
        row, ahead = self.start(kind), self.interface.ahead
        for number in range(1, ahead + 1):
            row = self.check(kind, number - ahead, row, self.gates(number - ahead, row))
            row = self.after_heads(kind, row, number)
        return row

    def prove(self, kind: RowKind) -> None:
        """Prove all layers of a row that does not execute.

        Raises: Failed: gates add another sum than the interface requires.
        """
        row = self.before_step(kind)
        for layer in (1, 2, 3):
            row = self.after_heads(kind, row, layer - 1 + self.interface.ahead) if layer > 1 else row
            row = self.check(kind, layer, row, self.gates(layer, row))
