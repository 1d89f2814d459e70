"""An ARM that writes two-sided Dyck-1 from left to right, as far as one averaging head can count.

A decoder of one layer. Each row predicts the next token: a letter or its inverse, and END as likely as each of them where as many letters
as inverses stand so far. One head adds up: it brings twice the number of letters, a share within 1/4 of it if the row has few enough
rows before it. Two gates compare that with the row's number. A share is S / (1 + n e^-x) for a sum S over n rows and the head's
exponent x, so some length is too much for any exponent.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lockstep.compiler.assemble import assemble
from lockstep.compiler.circuit import Circuit, Field, Layer, Pool, Readout, Threshold
from lockstep.compiler.invariants import check_circuit
from lockstep.compiler.linear import Bit, Linear
from lockstep.compiler.position_fields import PositionFields
from lockstep.models.positions import Positions
from lockstep.models.tokens import MASK, Vocabulary
from lockstep.models.transformer import DTYPES, Transformer
from lockstep.tasks.dyck import HOT
from lockstep.tasks.kit import BOS

LETTER, END = "L0", "END"
VOCABULARY = Vocabulary(((BOS, 0), (MASK, 0), (LETTER, 1), (END, 0)))


@dataclass(frozen=True)
class CountingArm:
    """exponent: that of its head. letters: how many letters the circuit is made for."""

    circuit: Circuit
    exponent: int
    letters: int

    def model(self, dtype: str = "float64") -> Transformer:
        """Return the weights."""
        return assemble(self.circuit, DTYPES[dtype])


def counting_arm(exponent: int, letters: int) -> CountingArm:
    """An ARM whose head has this exponent, for words of up to so many letters.

    Raises: CircuitError: an invariant does not hold.
    """
    names = {"token.BOS": 1, "token.L0": 1, "token.bits": 1, "one": 1, "number": letters, "twice": 2 * letters, "ends": 1}
    fields = {name: Field(name, 1, (high,)) for name, high in names.items()}
    bos, letter, inverse, one, number, twice, ends = (fields[name].flag for name in names)
    up = letter - inverse
    count = Pool("letters", one, (), (letter,), ((2 * up, fields["twice"].bit()),), exponent=exponent, most=letters)
    gates = [_at_least(twice, number, fields["ends"].bit(), 1), _at_least(twice, number + 1, fields["ends"].bit(), -1)]
    circuit = Circuit(
        VOCABULARY, fields, {BOS: fields["token.BOS"], LETTER: fields["token.L0"]}, fields["token.bits"], bos, one,
        [Layer([count], [*gates])], Readout({LETTER: one * HOT, END: ends * (2 * HOT)}, (one * HOT,), (one * HOT,)),
        frozenset({"one", "number"}), causal=True,
    )  # fmt: skip
    check_circuit(circuit)
    return CountingArm(circuit, exponent, letters)


def _at_least(share: Linear, integer: Linear, bit: Bit, factor: int) -> Threshold:
    """[share >= integer], where the share is within 1/4 of its sum."""
    return Threshold(4 * share - 4 * integer + 1, {bit: factor})


def numbered(arm: CountingArm, rows: int) -> Positions:
    """Positions of any number of rows: each has its number, beyond the letters that the circuit is made for as well."""
    longer = counting_arm(arm.exponent, max(rows, arm.letters))
    fields = PositionFields(longer.circuit, rows)
    fields.set("one", slice(None), 1)
    fields.set("number", slice(None), np.arange(rows))
    return fields.positions
