"""Autoregression with erasing: the `arm` in a context that does not grow with the run. It erases every L steps.

    C = [BOS] [h parameters]      snapshot = [S cells, outputs first] [P program counters] [P k registers],   z = S + P (k + 1) words
    C [CALL] snapshot [L blocks] [SEP] [CALL] snapshot' [RETURN]   =>   C [CALL] snapshot'
    C [CALL] snapshot [L blocks] [SEP] [CALL] outputs [END]        when all processors have halted

The rule is PENCIL's (`lockstep.models.erasing`). It moves the new snapshot to the positions of the old one. So one cycle's position
encodings serve all cycles: `time` counts the L steps of a cycle. Weights and positions fit runs of any length.

Tokens of a snapshot are keys of step 0: cells as inputs are, registers as parameters are, but with an owner, and program counters
as C tokens. To write the next snapshot, a row asks what the arm's rows ask: a cell as an output does, a register as an operand does,
and a program counter as the first row of a step does.

The first snapshot is only partly given. The model writes what is missing: zeros for cells and registers, PC 0 for program counters.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from lockstep.compiler import arm, blocks
from lockstep.compiler.blocks import BLOCK_ROLES
from lockstep.compiler.circuit import At, Circuit
from lockstep.compiler.clocks import Clock, CycleClock
from lockstep.compiler.construction import Construction
from lockstep.compiler.linear import Linear
from lockstep.compiler.names import ERASING
from lockstep.compiler.position_fields import PositionFields
from lockstep.compiler.processor import EMITTED_KINDS, Code
from lockstep.models.erasing import CALL, END, MARKS, RETURN, SEP
from lockstep.models.positions import Positions
from lockstep.pram.job import Job

OWN_ROLES = (*arm.OWN_ROLES, "register")
#: What the next token is: of a block; of the next snapshot; of the first snapshot; a mark. `stop` is the token after the outputs.
NEXT_ROLES = (*BLOCK_ROLES, "cell", "counter", "register", "zero", "start", "stop", CALL, SEP, RETURN)
#: The fields that position encodings write. The `x.index` of a row before a register of the next snapshot is that register.
POSITION_FIELDS = frozenset(
    [f"role.{role}" for role in OWN_ROLES]
    + [f"next.{role}" for role in NEXT_ROLES]
    + ["one", "last", "first", "time", "time.previous", "step", "pid", "pid.next", "owner", "address", "value", "sum", "x.index"]
    + ["priority", "rank"]  # one of them
)


@dataclass(frozen=True)
class Widths(blocks.Widths):
    """Bits of a word, of a step number within a cycle (1 .. L), and of a pid."""

    @staticmethod
    def cover(job: Job, time: int) -> Widths:
        """The least widths for a job that erases every `time` steps."""
        found = blocks.Widths.cover(job, time)
        return Widths(found.word, found.time, found.pid)

    @property
    def extent(self) -> tuple[str, int]:
        return "L * P", self.time + self.pid


def build(code: Code, widths: Widths) -> Circuit:
    """Return the circuit that generates all runs of this code by autoregression with erasing."""
    return _ErasingBuilder(code, widths).circuit()


class _ErasingBuilder(arm.ArmBuilder):
    own_roles, next_roles, emitted = OWN_ROLES, NEXT_ROLES, (*EMITTED_KINDS, *MARKS)
    fetching, given, ends = (*BLOCK_ROLES, "counter"), ("parameter", "input", "register"), "stop"

    def _is_register(self) -> Linear:
        return self.is_register.flag + self.role["register"].flag

    def _emit_outputs(self) -> None:
        """Write the next snapshot: cells, which the outputs are among, then program counters, then registers. END stops it."""
        when, emit, following = self.builder.when, self.processor.emit, {role: f.flag for role, f in self.next.items()}
        when(At.ROM, [following["stop"], 1 - self.unfinished.flag], {emit[END].bit(): 1})
        goes_on = 1 - following["stop"] + self.unfinished.flag
        when(At.ROM, [following["cell"], goes_on], {emit["WORD"].bit(): 1, self.reading.bit(): 1})
        self._emit_counters([following["counter"], goes_on])
        when(At.ROM, [following["register"]], {emit["WORD"].bit(): 1, self.processor.asks["x"].bit(): 1})
        for j, bit in enumerate(self.processor.operands["x"]):
            when(At.OPERANDS, [following["register"], bit], {self.processor.out.bit(j): 1})
        for role, kind in (("zero", "WORD"), ("start", "PC"), (CALL, CALL), (SEP, SEP), (RETURN, RETURN)):
            when(At.ROM, [following[role]], {emit[kind].bit(): 1})

    def _emit_counters(self, here: list[Linear]) -> None:
        """Write the program counter that was found, or HALT."""
        when, emit, halted = self.builder.when, self.processor.emit, self.halted.flag
        when(At.ROM, [*here, halted], {emit["HALT"].bit(): 1})
        when(At.ROM, [*here, 1 - halted], {emit["PC"].bit(): 1})
        for j, bit in enumerate(self.processor.counter):
            when(At.ROM, [*here, bit], {self.processor.out.bit(j): 1})

    def _finish(self) -> Circuit:
        """BOS predicts nothing: CALL is always given."""
        positions = POSITION_FIELDS.intersection(self.builder.fields)
        return self.processor.circuit(self.kinds, self.bits, self.one, positions, asking=frozenset())


def snapshot_words(job: Job) -> int:
    """The words of a snapshot, z."""
    return job.space + job.processors * (job.registers + 1)


def blocks_of(job: Job, time: int, every: int | None) -> int:
    """How many steps a cycle has, L. By default its blocks have about as many tokens as a snapshot has."""
    return every or -(-snapshot_words(job) // (3 * job.processors))


@dataclass(frozen=True)
class Layout(arm.Layout):
    """The positions of one cycle, with `time` blocks, up to RETURN. Decoding starts with the cells that are given."""

    @property
    def first_snapshot(self) -> int:
        """The position of the first cell: behind BOS, parameters and CALL."""
        return 2 + len(self.job.parameters)

    @property
    def first_block(self) -> int:
        return self.first_snapshot + snapshot_words(self.job)

    @property
    def next_snapshot(self) -> int:
        """The position of the first cell of the next snapshot: behind SEP and CALL."""
        return self.first_output + 2

    @property
    def length(self) -> int:
        """The positions of a cycle: 5 + h + 2 z + 3 P L."""
        return self.next_snapshot + snapshot_words(self.job) + 1

    @cached_property
    def cells(self) -> NDArray[np.int64]:
        """The addresses of a snapshot's cells, in their order, [S]: first the outputs."""
        addresses, outputs = np.arange(self.job.space), self.job.outputs
        rest = (addresses < outputs.start) | (addresses >= outputs.stop)
        return np.concatenate([addresses[outputs.start : outputs.stop], addresses[rest]])

    @property
    def given_cells(self) -> int:
        """How many cells of the first snapshot are given: those of outputs and inputs. Outputs that are no inputs are 0."""
        return len(set(self.job.outputs) | set(range(self.job.inputs)))

    def parts(self, start: int) -> tuple[slice, slice, slice]:
        """The rows of the cells, program counters and registers of the snapshot that starts at this position."""
        counters = start + self.job.space
        registers = counters + self.job.processors
        return slice(start, counters), slice(counters, registers), slice(registers, start + snapshot_words(self.job))

    def tokens(self) -> NDArray[np.int64]:
        """The start sequence x_0: BOS, parameters, CALL, and the cells that are given."""
        vocabulary, job = self.circuit.vocabulary, self.job
        cells = self.cells[: self.given_cells]
        words = np.where(cells < job.inputs, job.memory[cells], 0)
        start = self.given()[: self.first_snapshot - 1]
        return np.concatenate([start, [vocabulary.token(CALL)], vocabulary.token("WORD") + words])

    def positions(self) -> Positions:
        """The position encoding of one cycle. All cycles have the same."""
        fields = PositionFields(self.circuit, self.length)
        parameters = len(self.job.parameters)
        fields.set("one", slice(None), 1)
        fields.set("role.parameter", slice(1, 1 + parameters), 1)
        fields.set_bits("address", slice(1, 1 + parameters), np.arange(parameters))
        self._snapshot_positions(fields)
        self._block_positions(fields)
        self._next_snapshot_positions(fields)
        for mark, at in ((SEP, self.first_output), (CALL, self.first_output + 1), (RETURN, self.length - 1)):
            fields.set(f"next.{mark}", slice(at - 1, at), 1)
        return fields.positions

    @property
    def _owners(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The pid and the number of each register of a snapshot, [P k]."""
        pid, register = np.mgrid[0 : self.job.processors, 0 : self.job.registers]
        return pid.ravel(), register.ravel()

    def _snapshot_positions(self, fields: PositionFields) -> None:
        cells, counters, registers = self.parts(self.first_snapshot)
        pid, register = self._owners
        fields.set("role.input", cells, 1)
        fields.set_bits("address", cells, self.cells)
        fields.set("role.C", counters, 1)
        fields.set_bits("pid", counters, np.arange(self.job.processors))
        fields.set("role.register", registers, 1)
        fields.set_bits("address", registers, register)
        fields.set_bits("owner", registers, pid)
        for rows, name in ((cells, "zero"), (counters, "start"), (registers, "zero")):
            fields.set(f"next.{name}", _before(rows), 1)

    def _next_snapshot_positions(self, fields: PositionFields) -> None:
        cells, counters, registers = map(_before, self.parts(self.next_snapshot))
        pid, register = self._owners
        for rows, name in ((cells, "cell"), (counters, "counter"), (registers, "register")):
            fields.set(f"next.{name}", rows, 1)
        fields.set_bits("sum", cells, self.cells)
        fields.set_bits("pid.next", counters, np.arange(self.job.processors))
        fields.set_bits("time.previous", counters, np.full(self.job.processors, self.time))
        fields.set_bits("pid.next", registers, pid)
        fields.set_bits("x.index", registers, register)
        stop = cells.start + len(self.job.outputs)
        fields.set("next.stop", slice(stop, stop + 1), 1)

    # -- a run of the machine, as tokens -------------------------------------------------------

    def locate(self, position: int) -> tuple[str, int, int]:
        """As of blocks. For cells ("cell", 0, address), program counters and registers ("counter", 0, p) and ("register", 0, p)."""
        if self.first_block <= position < self.first_output:
            return super().locate(position)
        start = self.first_snapshot if position < self.first_block else self.next_snapshot
        for name, rows in zip(("cell", "counter", "register"), self.parts(start)):
            if rows.start <= position < rows.stop:
                numbers = {"cell": self.cells, "counter": np.arange(self.job.processors), "register": self._owners[0]}
                return name, 0, int(numbers[name][position - rows.start])
        return "start", 0, position

    def clock(self, time: int) -> Clock:
        """Says which step of a run of `time` steps a decoding step belongs to."""
        return CycleClock(self.first_block, 3 * self.job.processors, self.time, time)

    def halted(self, tokens: NDArray[np.int64]) -> bool:
        """Whether the decode has come to its end."""
        return int(tokens[-1]) == self.circuit.vocabulary.token(END)

    def final_position(self, cell: int) -> int:
        """The position of an output cell in the final sequence."""
        return self.next_snapshot + cell - self.job.outputs.start

    def output_words(self, tokens: NDArray[np.int64]) -> NDArray[np.int64]:
        """The words of the output cells, in the order of their addresses."""
        first = self.next_snapshot
        return tokens[first : first + len(self.job.outputs)] - self.circuit.vocabulary.token("WORD")


def _before(rows: slice) -> slice:
    """The rows that predict these."""
    return slice(rows.start - 1, rows.stop - 1)


CONSTRUCTION = Construction(ERASING, Widths, Widths.cover, build, Layout, blocks_of)
