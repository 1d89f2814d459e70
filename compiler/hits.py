"""Cells that find the store that hits them: a store is computed on the row of its PC, and each cell looks for one that has its address."""

from __future__ import annotations

from lockstep.compiler.circuit import At, Match
from lockstep.compiler.combining import add_complement
from lockstep.compiler.linear import Bit, Linear
from lockstep.compiler.mixing import Mixing
from lockstep.compiler.processor import Processor
from lockstep.compiler.state import StateBuilder
from lockstep.pram.instructions import Apply, Cell, Instruction, Next

#: Operand slots. The row of a PC reads a store's address from x and y, and its value from z.
OPERAND_SLOTS = ("x", "y", "z")


class HitBuilder(StateBuilder):
    """Adds the fields, lookups and gates of stores.

    name: of the construction, for messages. alone: 1 on the rows that lookups find, of several rows that hold the same.
    """

    name: str
    processor: Processor
    alone: tuple[Linear, ...] = ()

    def declare_stores(self) -> None:
        builder, code, size = self.builder, self.code, self.size
        self.stores, self.hit = builder.field("stores"), builder.field("hit")
        self.complement = add_complement(builder, code, size.word)
        if code.how == "mixed":
            self.mixing = Mixing(builder, code, size, self.pid_bits, At.MEMORY, self.alone)
            self.left = builder.field("left", size.word) if code.has_extremes else None

    def store(self, instruction: Instruction) -> dict[Bit, int]:
        """The writes of a store: its address goes into `sum`, its value into z.

        Raises: ValueError: it stores a computed value, or branches as well. That takes more depth, or more rows.
        """
        row = instruction.row
        if not isinstance(row.destination, Cell):
            return {}
        if not (isinstance(row.value, Apply) and row.value.operation == "copy") or row.next is Next.BRANCH:
            raise ValueError(
                f"{self.name} cannot compile `{row.name}`: its stores write operands only, and do not branch as well"
            )
        value = self.processor.select([instruction.operand(row.value.operands[0])], OPERAND_SLOTS[2:])
        rule = {self.mixing.by[instruction.rule_in(self.code.combining)].bit(): 1} if self.code.how == "mixed" else {}
        return {self.stores.bit(): 1} | rule | self.processor.address(instruction, row.destination) | value

    def look_up_hits(self) -> None:
        """Cells read in layer 3 whether a store hits them, and what it leaves."""
        out, size, word = self.processor.out, self.size.word, [*self.processor.operands["z"]]
        for j, bit in enumerate(word if self.complement is not None else ()):
            self.builder.when(At.OPERANDS, [self.stores.flag, 1 - bit], {("complement", j): 1})
        matches = tuple(Match(own, target) for own, target in zip(self.address, self.processor.sum))
        reads = [(self.stores.flag, self.hit.bit())]
        reads += [(value, out.bit(j)) for j, value in enumerate(self._of_winner(word))]
        recency = self.wins([*((self.mixing.bid if self.code.how == "mixed" else self.complement) or word)])
        conditions = self.stores.flag, *self.alone
        self.builder.look_up(At.MEMORY, "hit", self.role["cell"].flag, matches[:size], conditions, reads, *recency)
        if self.code.how == "mixed":
            self.mixing.add_counts(self.role["cell"].flag, matches[:size], word, [out.bit(j) for j in range(size)])

    def _of_winner(self, word: list[Linear]) -> list[Linear]:
        """What a cell reads of the store that it finds: its word, if that is left. Args: word: the word that is stored."""
        if self.code.how != "mixed":
            return word
        if self.left is None:
            return []
        self.mixing.add_bids(word, self.left)
        return [*self.left]
