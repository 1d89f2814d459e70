"""Masked diffusion: one sequence holds the whole computation. Its masks are replaced block by block.

    [BOS] [h parameters] [n input words] [block 1] ... [block T] [m outputs]
    block t = V_0 .. V_{P-1}  C_0 .. C_{P-1}  A_0 .. A_{P-1}

V is the value that a processor writes in step t, C its next program counter or HALT, A the destination (NONE,
REG r, or an address). The A token *publishes* the write: later rows find it, and its position has gathered V.
Row (t, p) is ready when no token of block t - 1 is masked, so each decoding step fills one block. All remaining
rows of a processor that has halted are filled at once.

Two conditions make any decoding order right, even one token at a time. The row of step t takes its program
counter from C(t - 1, p), not from the latest C. And an A token is a key only when its own block holds no mask.
Outputs wait until every C of the last block is HALT. Then every processor has halted. Each one halted when all
blocks before its HALT were complete, so no block that holds a write has a mask.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lockstep.compiler.blocks import BLOCK_ROLES, BlockBuilder, BlockLayout, Widths
from lockstep.compiler.circuit import At, Circuit, Match
from lockstep.compiler.combining import complement_reads
from lockstep.compiler.construction import Construction
from lockstep.compiler.linear import Bit, Linear
from lockstep.compiler.names import MDM
from lockstep.compiler.position_fields import PositionFields
from lockstep.compiler.processor import Code, Roles
from lockstep.models.positions import Positions
from lockstep.models.tokens import MASK

#: The fields that position encodings write: roles, time, processor, address. The `sum` of an output row is its cell's address.
POSITION_FIELDS = frozenset(
    [f"role.{role}" for role in (*BLOCK_ROLES, "parameter", "input", "output")]
    + ["one", "last", "first", "time", "time.previous", "step", "pid", "place", "address", "value", "sum"]
    + ["priority", "rank"]  # one of them
)


def build(code: Code, widths: Widths) -> Circuit:
    """Return the circuit that generates all runs of this code by masked diffusion."""
    return _MdmBuilder(code, widths).circuit()


class _MdmBuilder(BlockBuilder):
    """Declares the fields, then adds lookups and gates layer by layer."""

    def __init__(self, code: Code, widths: Widths) -> None:
        super().__init__(code, widths)
        builder = self.builder
        self.kinds = {kind: builder.field(f"token.{kind}") for kind in ("BOS", MASK, "HALT", "REG", "WORD")}
        self.bits = builder.field("token.bits", self.size.token)
        # Written by positions; `one` carries the constants of queries and keys.
        self.one = builder.field("one")
        self.role = {role: builder.field(f"role.{role}") for role in (*BLOCK_ROLES, "parameter", "input", "output")}
        self._time_fields()
        self.place = builder.field("place", 1, 3 << widths.pid)
        self._value_fields()
        self.state = {name: builder.field(name) for name in ("masked.own", "masked.previous", "halted", "unfinished")}
        self._key_fields()

    def circuit(self) -> Circuit:
        self._first_lookups()
        self._halted_and_outputs()
        self._keys_and_values()
        self.processor.add_rom(self._roles())
        self.processor.add_operands(self._operand_keys(self.pid), [*self.pid])
        self.processor.add_operations()
        self._read_cells(self.bits)
        return self.processor.circuit(self.kinds, self.bits, self.one, POSITION_FIELDS.intersection(self.builder.fields))

    # -- layer 1 -------------------------------------------------------------------------------

    def _first_lookups(self) -> None:
        masked, role = self.kinds[MASK].flag, {name: f.flag for name, f in self.role.items()}
        trace = role["V"] + role["C"] + role["A"]
        at_time = [Match(q, k) for q, k in zip(self.time, self.time)]
        at_previous = [Match(q, k) for q, k in zip(self.previous, self.time)]
        same_pid = [Match(q, k) for q, k in zip(self.pid, self.pid)]
        counter = tuple((self.bits[j], self.processor.counter.bit(j)) for j in range(self.size.counter))
        self.builder.look_up(At.ROM, "fetch", masked, [*at_previous, *same_pid], (role["C"],), counter)
        word = [*self.bits][: self.size.word]
        gathered = [(bit, self.value.bit(j)) for j, bit in enumerate(word)]
        gathered += complement_reads(word, self.complement)
        self.builder.look_up(At.ROM, "gather", role["A"], [*at_time, *same_pid], (role["V"],), gathered)
        # The place in a block, 1 .. 3 * 2^pid_bits, is a unique recency, so no lookup ties.
        place = (self.place.flag, 3 << self.widths.pid)
        self.builder.look_up(At.ROM, "masked.own", role["A"], at_time, (masked, trace), self._one("masked.own"), *place)
        self.builder.look_up(
            At.ROM, "masked.previous", masked, at_previous, (masked, trace), self._one("masked.previous"), *place
        )
        halt = self.kinds["HALT"].flag
        self.builder.look_up(
            At.ROM, "halted", masked, same_pid, (halt,), self._one("halted"), self.step.flag, 1 << self.widths.time
        )
        not_halt = [Match(Linear(), halt)]
        self.builder.look_up(At.ROM, "unfinished", role["output"], not_halt, (self.last.flag,), self._one("unfinished"), *place)

    def _one(self, state: str) -> tuple[tuple[Linear, Bit], ...]:
        """The reads of a lookup that adds 1 to a state flag if any row is found."""
        return ((Linear(constant=1), self.state[state].bit()),)

    def _roles(self) -> Roles:
        ready = (self.kinds[MASK].flag, 1 - self.state["masked.previous"].flag, 1 - self.state["halted"].flag)
        v, c, a = ((self.role[name].flag, *ready) for name in BLOCK_ROLES)
        return Roles(value=v, next=c, destination=a)

    def _halted_and_outputs(self) -> None:
        """Fill the rows of halted processors. Make outputs ask for their cell when all processors have halted."""
        masked, halted, emit = self.kinds[MASK].flag, self.state["halted"].flag, self.processor.emit
        for role, kind in zip(BLOCK_ROLES, ("WORD", "HALT", "NONE")):
            self.builder.when(At.ROM, [self.role[role].flag, masked, halted], {emit[kind].bit(): 1})
        finished = 1 - self.state["unfinished"].flag
        done = {emit["WORD"].bit(): 1, self.reading.bit(): 1}
        self.builder.when(At.ROM, [self.role["output"].flag, masked, finished], done)

    def _keys_and_values(self) -> None:
        """Make published writes keys, with their destination. Make the words of parameters and inputs values."""
        visible = [self.role["A"].flag, 1 - self.state["masked.own"].flag]
        self.builder.when(At.ROM, [*visible, self.kinds["REG"].flag], {self.is_register.bit(): 1})
        self.builder.when(At.ROM, [*visible, self.kinds["WORD"].flag], {self.is_cell.bit(): 1})
        self._read_rules(self.bits, [*visible, self.kinds["WORD"].flag])
        for j in range(self.size.token):
            if j < self.address.width:
                self.builder.when(At.ROM, [self.role["A"].flag, self.bits[j]], {self.address.bit(j): 1})
            if j < self.size.word:
                given = self.role["parameter"].flag + self.role["input"].flag
                self.builder.when(At.ROM, [given, self.bits[j]], {self.value.bit(j): 1})


class Layout(BlockLayout):
    """The positions of all tokens in the sequence of one job, with `time` blocks."""

    def tokens(self) -> NDArray[np.int64]:
        """The start sequence x_0, int64 [length]: BOS, parameters, inputs, and MASK everywhere else."""
        tokens = np.full(self.length, self.circuit.vocabulary.mask, np.int64)
        tokens[: self.first_block] = self.given()
        return tokens

    def positions(self) -> Positions:
        """The position encoding of `length` positions."""
        fields = PositionFields(self.circuit, self.length)
        job, blocks = self.job, slice(self.first_block, self.first_output)
        self._given_positions(fields)
        outputs = slice(self.first_output, self.length)
        fields.set("role.output", outputs, 1)
        fields.set_bits("sum", outputs, np.arange(job.outputs.start, job.outputs.stop))
        step, role, pid = self._trace_positions(fields, job.winner.precedence(job.processors))
        fields.set_bits("time.previous", blocks, step - 1)
        fields.set("place", blocks, 3 * pid + role + 1)
        source = (step == 1) & (role == BLOCK_ROLES.index("V"))
        fields.set("first", blocks, source)
        fields.set_bits("value", blocks, np.where(source, pid, 0))
        return fields.positions


CONSTRUCTION = Construction(MDM, Widths, Widths.cover, build, Layout)
