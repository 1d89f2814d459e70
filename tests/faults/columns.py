"""Which columns of which rows no obligation holds: one column gets one more or one less, and whoever reads it sees it.

A row that executes may keep to itself how it computes: what counts is what others see of it, the readout, edit bits and
the lookups of later layers that may find the row. Of all other rows every column counts.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from unittest.mock import patch

import numpy as np

from lockstep.compiler.compile import Compiled
from lockstep.proofs_check.proofs import operations
from lockstep.proofs_check.proofs.instructions import InstructionProver
from lockstep.proofs_check.proofs.interface import BOS, Form, Interface, RowKind
from lockstep.proofs_check.proofs.prove import interface_of
from lockstep.proofs_check.proofs.reduction import Reduced, Row, reduce_gates
from lockstep.proofs_check.proofs.rows import Failed, RowProver
from lockstep.proofs_check.proofs.solver import Lemmas
from lockstep.proofs_check.proofs.weights import Gates, Network, read_weights

LAYERS = (1, 2, 3)


@dataclass(frozen=True)
class Stray:
    """What a layer's gates add to a column beside what they should; undone by the next layer if not for good."""

    layer: int
    column: int
    amount: int
    for_good: bool = True

    def added(self, layer: int) -> int:
        undone = not self.for_good and layer == self.layer + 1
        return self.amount if layer == self.layer else -self.amount if undone else 0


def strayed(found: Reduced, stray: Stray, layer: int) -> Reduced:
    constant = found.constant.copy()
    constant[stray.column] += stray.added(layer)
    return Reduced(constant, found.varying)


@dataclass
class Stage:
    """The proof of rows of one model, into which strays are put; `rows` are those before each layer of the last walk."""

    network: Network
    interface: Interface
    instruction_prover: InstructionProver
    reduced: dict[tuple[int, bytes], Reduced] = field(default_factory=dict)

    @staticmethod
    def of(compiled: Compiled) -> Stage:
        network = read_weights(compiled.model, compiled.circuit)
        interface = interface_of(compiled)
        row_prover = RowProver(network, interface, Lemmas())
        return Stage(network, interface, InstructionProver(row_prover, compiled.code, compiled.widths.word))

    def kinds(self) -> tuple[RowKind, ...]:
        return (BOS, *self.interface.rows())

    def fails(self, kind: RowKind, stray: Stray) -> bool:
        """Whether an obligation fails with the stray."""

        def gates(layer: int, row: Row) -> Reduced:
            key = layer, row.key
            if key not in self.reduced:
                self.reduced[key] = reduce_gates(self.network.layers[layer - 1].gates, row)
            return strayed(self.reduced[key], stray, layer)

        def last(weights: Gates, row: Row) -> Reduced:
            assert weights is self.network.layers[2].gates
            return gates(3, row)

        row_prover = self.instruction_prover.row_prover
        with patch.object(row_prover, "gates", gates), patch.object(operations, "reduce_gates", last):
            try:
                self.instruction_prover.prove(kind) if kind.executes else row_prover.prove(kind)
            except Failed:
                return True
        return False

    # -- who sees what ---------------------------------------------------------------------------

    def before(self, kind: RowKind) -> list[Row]:
        """The bounds of a row before each layer's heads, columns that the gates may change being free in their range."""
        rows, row = [], self.instruction_prover.row_prover.start(kind)
        for layer in LAYERS:
            rows.append(row)
            found = reduce_gates(self.network.layers[layer - 1].gates, row)
            moved = {*np.flatnonzero(found.constant).tolist(), *found.varying}
            row = row.changed({c: (0, max(int(row.high[c]), int(self.network.highs[c]))) for c in moved})
            row = self.instruction_prover.row_prover.after_heads(kind, row, layer) if layer < 3 else row
        return rows

    def seen(self, kind: RowKind, stray: Stray, rows: list[Row]) -> bool:
        """Whether the readout, an edit bit or a lookup after the stray's layer may see the column of this row."""
        name, bit = self.network.names[stray.column]
        if kind.executes is None:
            return True
        if stray.for_good and (name.startswith(("emit.", "control.")) or name == "out"):
            return True
        lookups = range(stray.layer + 1, 4) if stray.for_good else (stray.layer + 1,)
        return any(self._found(head, name, bit, rows[layer - 1]) for layer in lookups for head in self._heads(layer))

    def _heads(self, layer: int) -> Iterator[str]:
        yield from self.network.layers[layer - 1].copies

    def _found(self, head: str, name: str, bit: int, row: Row) -> bool:
        """Whether a lookup can see a bit of this row: as a query, or as a key if it may find the row."""
        lookup, copy = self.interface.lookups[head], self.interface.heads[head]
        among = [read for condition in lookup.candidates for read in _read(condition)]
        if name in {field for field, _ in among}:
            return True
        if not all(self._may_hold(condition, row) for condition in lookup.candidates):
            return False
        alike = [read for equal in lookup.same for read in _read(equal.key)]
        copied = [(field, None) for form in copy.to.values() for field in form.fields]
        latest = [(field, None) for field in lookup.latest]
        return any(field == name and (width is None or bit < width) for field, width in (*alike, *copied, *latest))

    def _may_hold(self, condition: Form, row: Row) -> bool:
        fields = self.network.fields
        plus = [row.high[fields[part.field][0]] for part in condition.parts if part.sign > 0]
        minus = [row.low[fields[part.field][0]] for part in condition.parts if part.sign < 0]
        return sum(plus) - sum(minus) > 0


def _read(form: Form) -> list[tuple[str, int | None]]:
    """(field, how many bits) of a sum of fields."""
    return [(part.field, part.bits) for part in form.parts]


def strays(stage: Stage, kind: RowKind) -> Iterator[Stray]:
    """One more for each column; on rows that execute also one less, and what the next layer undoes."""
    for layer in LAYERS:
        for column in range(len(stage.network.names)):
            yield Stray(layer, column, 1)
            if kind.executes:
                yield Stray(layer, column, -1)
                if layer < len(LAYERS):
                    yield from (Stray(layer, column, amount, for_good=False) for amount in (1, -1))


def uncovered(compiled: Compiled, executing: bool) -> Iterator[str]:
    """(kind of row, stray) of all that is seen and fails no obligation, in words: of rows that execute, or of all others."""
    stage = Stage.of(compiled)
    for kind in stage.kinds():
        if executing != (kind.executes is not None):
            continue
        rows = stage.before(kind)
        for stray in strays(stage, kind):
            if stage.seen(kind, stray, rows) and not stage.fails(kind, stray):
                what = f"layer {stray.layer}, {stage.network.text(stray.column)} {stray.amount:+d}"
                yield f"{kind.name}: {what}{'' if stray.for_good else ', then undone'}"
