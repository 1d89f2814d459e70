"""Autoregression: the same blocks as in masked diffusion, written one token after the other by a causal decoder.

There is no MASK. Row i sees the tokens 0 .. i and predicts token i + 1. So a row has two roles. Its *own* role says
what its token is a key for. Its *next* role says what it predicts, and so what it asks. Position encodings hold both.

The order of tokens in a block hides what a step must not see. All V and C of a block stand before its first A, so they
read registers and memory as they were before the step. The row that predicts A_p sees A tokens of its own block, but
of other processors alone, and it reads registers of its own.

Halting needs no search: C(t - 1, p) is HALT for a processor that has halted.

A pid is read off the row *before* V_p of block 1: the row that predicts V_p cannot see V_p. Processor 0 finds nothing
there, and nothing reads as 0. So a key has an `owner` beside its own pid.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lockstep.compiler.blocks import BLOCK_ROLES, BlockBuilder, BlockLayout, Widths
from lockstep.compiler.circuit import At, Circuit, Match, Pool
from lockstep.compiler.combining import complement_reads
from lockstep.compiler.construction import Construction
from lockstep.compiler.linear import Linear, total
from lockstep.compiler.names import ARM
from lockstep.compiler.position_fields import PositionFields
from lockstep.compiler.processor import Code, Roles
from lockstep.models.positions import Positions

#: The roles of a token, and those of the token after it.
OWN_ROLES = (*BLOCK_ROLES, "parameter", "input")
NEXT_ROLES = (*BLOCK_ROLES, "output")
#: What position encodings say of the next token. On the BOS row, too, if blocks start right behind it.
NEXT_FIELDS = frozenset([f"next.{role}" for role in NEXT_ROLES] + ["time.previous", "pid.next", "sum"])
#: The fields that position encodings write. The `sum` of a row before an output is the address of that output's cell.
POSITION_FIELDS = NEXT_FIELDS | frozenset(
    [f"role.{role}" for role in OWN_ROLES]
    + ["one", "last", "first", "time", "step", "pid", "owner", "address", "value"]
    + ["priority", "rank"]  # one of them
)


def build(code: Code, widths: Widths) -> Circuit:
    """Return the circuit that generates all runs of this code by autoregression."""
    return ArmBuilder(code, widths).circuit()


class ArmBuilder(BlockBuilder):
    """Declares the fields, then adds lookups and gates layer by layer.

    own_roles, next_roles: the roles of a token, and of the token after it. fetching: the next roles that read a program counter.
    given: the own roles whose words are values. ends: the next role that asks whether a processor has not halted.
    """

    own_roles: tuple[str, ...] = OWN_ROLES
    next_roles: tuple[str, ...] = NEXT_ROLES
    fetching: tuple[str, ...] = BLOCK_ROLES
    given: tuple[str, ...] = ("parameter", "input")
    ends = "output"

    def __init__(self, code: Code, widths: Widths) -> None:
        super().__init__(code, widths)
        builder = self.builder
        self.kinds = {kind: builder.field(f"token.{kind}") for kind in ("BOS", "HALT", "REG", "WORD")}
        self.bits = builder.field("token.bits", self.size.token)
        # Written by positions; `one` carries the constants of queries and keys.
        self.one = builder.field("one")
        self.role = {role: builder.field(f"role.{role}") for role in self.own_roles}
        self.next = {role: builder.field(f"next.{role}") for role in self.next_roles}
        self._time_fields()
        self.owner, self.next_pid = (builder.field(name, widths.pid) for name in ("owner", "pid.next"))
        self._value_fields()
        self.halted, self.unfinished = (builder.field(name) for name in ("halted", "unfinished"))
        self._key_fields()

    def circuit(self) -> Circuit:
        self._first_lookups()
        self._emit_halted()
        self._emit_outputs()
        self._keys_and_values()
        running = 1 - self.halted.flag
        v, c, a = ((self.next[name].flag, running) for name in BLOCK_ROLES)
        self.processor.add_rom(Roles(value=v, next=c, destination=a))
        self.processor.add_operands(self._operand_keys(self.owner), [*self.next_pid])
        self.processor.add_operations()
        self._read_cells(self.bits)
        return self._finish()

    def _finish(self) -> Circuit:
        positions = POSITION_FIELDS.intersection(self.builder.fields)
        return self.processor.circuit(self.kinds, self.bits, self.one, positions, asking=NEXT_FIELDS)

    # -- layer 1 -------------------------------------------------------------------------------

    def _first_lookups(self) -> None:
        look_up, halt = self.builder.look_up, self.kinds["HALT"].flag
        before = [Match(q, k) for q, k in zip(self.previous, self.time)]
        now = [Match(q, k) for q, k in zip(self.time, self.time)]
        next_pid = [Match(q, k) for q, k in zip(self.next_pid, self.pid)]
        same_pid = [Match(q, k) for q, k in zip(self.pid, self.pid)]
        counter = [(self.bits[j], self.processor.counter.bit(j)) for j in range(self.size.counter)]
        asks = total(self.next[name].flag for name in self.fetching)
        look_up(At.ROM, "fetch", asks, [*before, *next_pid], (self.role["C"].flag,), [*counter, (halt, self.halted.bit())])
        word = [*self.bits][: self.size.word]
        gathered = [(bit, self.value.bit(j)) for j, bit in enumerate(word)]
        gathered += complement_reads(word, self.complement)
        look_up(At.ROM, "gather", self.role["A"].flag, [*now, *same_pid], (self.role["V"].flag,), gathered)
        found = [(Linear(constant=1), self.unfinished.bit())]
        latest = self.priority.flag, max(self.priority.highs)  # of one block, so all differ
        look_up(At.ROM, "unfinished", self.next[self.ends].flag, [Match(Linear(), halt)], (self.last.flag,), found, *latest)

    def _emit_halted(self) -> None:
        """Fill the rows of halted processors."""
        for role, kind in zip(BLOCK_ROLES, ("WORD", "HALT", "NONE")):
            self.builder.when(At.ROM, [self.next[role].flag, self.halted.flag], {self.processor.emit[kind].bit(): 1})

    def _emit_outputs(self) -> None:
        """Make outputs ask for their cell when all processors have halted."""
        when, emit = self.builder.when, self.processor.emit
        finished = 1 - self.unfinished.flag
        when(At.ROM, [self.next["output"].flag, finished], {emit["WORD"].bit(): 1, self.reading.bit(): 1})

    def _keys_and_values(self) -> None:
        """Make writes keys, with their destination. Make the words of parameters and inputs values."""
        when, published = self.builder.when, self.role["A"].flag
        when(At.ROM, [published, self.kinds["REG"].flag], {self.is_register.bit(): 1})
        when(At.ROM, [published, self.kinds["WORD"].flag], {self.is_cell.bit(): 1})
        self._read_rules(self.bits, [published, self.kinds["WORD"].flag])
        for j in range(self.size.token):
            if j < self.address.width:
                when(At.ROM, [published, self.bits[j]], {self.address.bit(j): 1})
            if j < self.size.word:
                given = total(self.role[name].flag for name in self.given)
                when(At.ROM, [given, self.bits[j]], {self.value.bit(j): 1})


class Layout(BlockLayout):
    """The positions of all tokens in the sequence of one job, with `time` blocks. Decoding starts with those that are given."""

    def tokens(self) -> NDArray[np.int64]:
        """The start sequence x_0, int64 [1 + h + n]: BOS, parameters, inputs."""
        return self.given()

    def positions(self) -> Positions:
        """The position encoding of `length` positions."""
        fields = PositionFields(self.circuit, self.length)
        self._given_positions(fields)
        self._block_positions(fields)
        outputs, cells = slice(self.first_output - 1, self.length - 1), self.job.outputs
        fields.set("next.output", outputs, 1)
        fields.set_bits("sum", outputs, np.arange(cells.start, cells.stop))
        return fields.positions

    def _block_positions(self, fields: PositionFields) -> None:
        """Write what positions say of the rows of blocks, and of the rows before them, which predict them."""
        processors = self.job.processors
        step, role, pid = self._trace_positions(fields, self._precedence())
        blocks, before = (slice(self.first_block - back, self.first_output - back) for back in (0, 1))
        for number, name in enumerate(BLOCK_ROLES):
            fields.set(f"next.{name}", before, role == number)
        fields.set_bits("time.previous", before, step - 1)
        fields.set_bits("pid.next", before, pid)
        source = (step == 1) & (role == BLOCK_ROLES.index("V")) & (pid < processors - 1)
        fields.set("first", blocks, source)
        fields.set_bits("value", blocks, np.where(source, pid + 1, 0))
        fields.set_bits("owner", blocks, np.where(source, pid + 1, np.where(role == BLOCK_ROLES.index("A"), pid, 0)))

    def _precedence(self) -> NDArray[np.int64]:
        """The place of each processor in the order of who wins, [P]. The last of several writes that are combined sees all others."""
        processors = self.job.processors
        if any(isinstance(lookup, Pool) for lookup in self.circuit.layers[At.OPERANDS].lookups):
            return np.arange(processors)[::-1]
        return self.job.winner.precedence(processors)


CONSTRUCTION = Construction(ARM, Widths, Widths.cover, build, Layout)
