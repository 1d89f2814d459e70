"""A model that repairs itself: revision in which several copies of every item vote, before anything else reads them.

    [BOS] then, so many times: [h parameters] [shared memory, inputs first] [for each processor: PC, R_0 .. R_{k-1}]

A layer ahead of the machine's step has one head for each copy. A head finds its copy of a row's own item by positions alone, and adds
up the votes of the heads bit by bit; one gate takes the majority of a bit. Nothing else reads a token. The machine's step is that of
`lockstep.compiler.revision` from there on. All rows compute it, and lookups find rows of the first copy. Every row says what it holds
next, written or not. Positions mark BOS, so it says BOS again, whatever token stands there.

So if a minority of the copies of every item changes between two decoding steps, the next step gives the sequence that it would have
given without the changes: `lockstep.proofs_check.proofs.repairing` shows it on the weights.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from lockstep.compiler import revision
from lockstep.compiler.circuit import At, Circuit, Field, Match, Threshold
from lockstep.compiler.construction import Construction
from lockstep.compiler.linear import Bit, Linear
from lockstep.compiler.names import FIVE_COPIES, THREE_COPIES
from lockstep.compiler.position_fields import PositionFields
from lockstep.compiler.processor import Code
from lockstep.compiler.revision import Widths
from lockstep.compiler.state import ROLES
from lockstep.models.positions import Positions
from lockstep.models.tokens import MASK
from lockstep.pram.job import Job


def build(code: Code, widths: Widths, copies: int) -> Circuit:
    """Return the circuit that generates all runs of this code with so many copies, an odd number."""
    return CopiesBuilder(code, widths, copies).circuit()


class CopiesBuilder(revision.RevisionBuilder):
    """Adds a layer of votes, and lets every row say what it holds next."""

    AHEAD = 1
    KINDS = (MASK, "PC")
    EMITTED = ("WORD", "PC", "HALT", "BOS")

    def __init__(self, code: Code, widths: Widths, copies: int) -> None:
        self.copies = copies
        super().__init__(code, widths)
        self.name = f"revision with {copies} copies"
        self.positions.add(self.sink.name)
        builder, size = self.builder, self.size
        self.votes = builder.field("votes", size.token, copies)
        self.votes_to_run = builder.field("votes.runs", 1, copies)
        self.own_counter, self.own_runs = builder.field("own.pc", size.counter), builder.field("own.runs")

    def declare_places(self) -> None:
        self.copy = [self.builder.field(f"copy.{number}") for number in range(self.copies)]
        self.alone = (self.copy[0].flag,)

    @property
    def sink(self) -> Field:
        """Positions write it, as the kind of token that BOS predicts."""
        return self.processor.emit["BOS"]

    def know(self) -> None:
        """The heads of all copies add their votes into the same bits. A gate for each bit takes the majority."""
        role, kind, pc = *self.flags(), self.role["PC"].flag
        item = [Match(f, f) for f in (*(role[name] for name in ROLES), *self.address, *self.pid)]
        reads = [(bit, self.votes.bit(j)) for j, bit in enumerate(self.bits)]
        reads.append((kind["PC"] + kind[MASK], self.votes_to_run.bit()))
        for number, copy in enumerate(self.copy):
            self.builder.look_up(At.AHEAD, f"copy.{number}", 1 - self.sink.flag, item, (copy.flag,), reads)
        for j in range(self.size.word):
            self._elect(self.votes[j], pc + self.sink.flag, self.value.bit(j))
        for j in range(self.size.counter):
            self._elect(self.votes[j], 1 - pc, self.own_counter.bit(j))
        self._elect(self.votes_to_run.flag, 1 - pc, self.own_runs.bit())

    def _elect(self, votes: Linear, unless: Linear, bit: Bit) -> None:
        """Add a gate that sets a bit if most copies vote for it, unless a form is 1."""
        most = self.copies // 2 + 1
        self.builder.gate(At.AHEAD, Threshold(votes - most - unless * (self.copies + 1), {bit: 1}))

    def held_counter(self) -> tuple[Sequence[Linear], Linear]:
        return [*self.own_counter], self.own_runs.flag

    def held_word(self) -> Sequence[Linear]:
        return [*self.value]

    def fill(self) -> None:
        """What nothing is written to says its majority again, and a PC that does not run says HALT."""
        when, role, word, out = self.builder.when, self.flags()[0], self.processor.emit["WORD"], self.processor.out
        missed = [role["register"] + role["parameter"], 1 - word.flag]
        when(At.OPERANDS, missed, {word.bit(): 1})
        when(At.ROM, [role["cell"]], {word.bit(): 1})
        when(At.ROM, [role["PC"], 1 - self.runs.flag], {self.processor.emit["HALT"].bit(): 1})
        for j, bit in enumerate(self.value):
            when(At.OPERANDS, [*missed, bit], {out.bit(j): 1})
            when(At.MEMORY, [role["cell"], 1 - self.hit.flag, bit], {out.bit(j): 1})


@dataclass(frozen=True)
class Layout(revision.Layout):
    """N = 1 + c (h + S + P (k + 1)) for c copies: copy i, from 0, of item j is at 1 + i (N - 1) / c + j.

    COPIES: c.
    """

    COPIES: ClassVar[int]

    @classmethod
    def full_length(cls, job: Job) -> int:
        return 1 + cls.COPIES * (revision.Layout.full_length(job) - 1)

    @property
    def items(self) -> int:
        """The tokens of one copy."""
        return (self.length - 1) // self.COPIES

    @property
    def single(self) -> revision.Layout:
        """The layout of BOS and the first copy."""
        return revision.Layout(self.job, self.circuit, self.widths, self.time)

    def repeated(self, rows: NDArray[np.generic]) -> NDArray[np.generic]:
        """What belongs to BOS and one copy, [1 + items, ..], for all copies."""
        return np.concatenate([rows[:1], *[rows[1:]] * self.COPIES])

    def locate(self, position: int) -> tuple[str, int, int]:
        """As of the first copy."""
        return super().locate((position - 1) % self.items + 1 if position else 0)

    def tokens(self) -> NDArray[np.int64]:
        return np.asarray(self.repeated(self.single.tokens()), np.int64)

    def positions(self) -> Positions:
        fields, one = PositionFields(self.circuit, self.length), self.single.positions()
        fields.positions.bits[:] = self.repeated(one.bits)
        fields.positions.numbers[:] = self.repeated(one.numbers)
        fields.set("emit.BOS", slice(0, 1), 1)
        for number in range(self.COPIES):
            fields.set(f"copy.{number}", slice(1 + number * self.items, 1 + (number + 1) * self.items), 1)
        return fields.positions

    def halted(self, tokens: NDArray[np.int64]) -> bool:
        """Whether most copies say so."""
        copies = tokens[1:].reshape(self.COPIES, self.items)
        counters = copies[:, self.first_processor - 1 :: self.rows_per_processor(self.job)]
        halted = (counters == self.circuit.vocabulary.token("HALT")).sum(axis=0)
        return bool((halted > self.COPIES // 2).all())

    def output_words(self, tokens: NDArray[np.int64]) -> NDArray[np.int64]:
        """The majority of the copies, bit by bit. A token that is no word counts as 0."""
        cells = tokens[1:].reshape(self.COPIES, self.items)[:, self.first_cell - 1 :][:, self.job.outputs]
        words = cells - self.circuit.vocabulary.token("WORD")
        bits = np.where(words < 0, 0, words)[:, :, None] >> np.arange(self.widths.word) & 1
        most = bits.sum(axis=0) > self.COPIES // 2
        return np.asarray(most @ (1 << np.arange(self.widths.word)), np.int64)


class ThreeCopies(Layout):
    COPIES = 3


class FiveCopies(Layout):
    COPIES = 5


#: By the number of copies.
CONSTRUCTION = {
    3: Construction(THREE_COPIES, Widths, Widths.cover, partial(build, copies=3), ThreeCopies),
    5: Construction(FIVE_COPIES, Widths, Widths.cover, partial(build, copies=5), FiveCopies),
}
