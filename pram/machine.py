"""The exact lock-step machine: in each step, every processor executes one instruction.

Loads see the memory from before the step. Stores take effect at its end. The machine runs all processors that are at the
same instruction together, in NumPy. After each step it checks for access conflicts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from lockstep.pram import access, checks
from lockstep.pram.access import MODES, Accesses
from lockstep.pram.checks import Group
from lockstep.pram.contests import Arbiter, Contest
from lockstep.pram.errors import PramError, Span, fail
from lockstep.pram.inputs import show_value
from lockstep.pram.instructions import Apply, Cell, Fetch, Instruction, Next, Operand, Row, Trap
from lockstep.pram.job import Job
from lockstep.pram.loops import Rounds
from lockstep.pram.reached import FOLLOWED, JUMPED, RAN, Reached
from lockstep.pram.unwritten import Unwritten, Warn
from lockstep.pram.winner import at_random
from lockstep.pram.word import WORD_OPERATIONS, WordOperation, exact, to_signed, trap_reason, wrap

Words = NDArray[np.int64]

#: Special values in a step: in `destination` and in the program counters.
NO_DESTINATION, HALTED = -1, -1

DEFAULT_MAX_STEPS = 1_000_000


class NoHalt(PramError):
    """The run did not halt within its limit of steps."""


def register_destination(register: int) -> int:
    """Return the code of a register in `Step.destination`. The code of a cell is its address."""
    return -2 - register


Codes = TypeVar("Codes", int, Words)


def register_of(destination: Codes) -> Codes:
    """Return the register, or array of registers, for codes of `register_destination`."""
    return -2 - destination


@dataclass(frozen=True)
class Step:
    """What every processor did in one step. Arrays are int64 [processors].

    number:      of the step, counted from 1.
    counter:     the program counter before the step; HALTED for processors that had halted.
    value:       the value written; 0 if nothing is written.
    destination: an address, `register_destination(r)`, or NO_DESTINATION.
    next:        the program counter after the step, or HALTED.
    """

    number: int
    counter: Words
    value: Words
    destination: Words
    next: Words


@dataclass
class Costs:
    """What a run has cost so far: time counts steps, work counts instructions other than nop."""

    time: int = 0
    work: int = 0
    shared_accesses: int = 0


@dataclass(frozen=True)
class Space:
    """Space of a run: words of memory allocated, cells that were accessed, and registers with the program counters."""

    allocated: int
    touched: int
    registers: int


@dataclass(frozen=True)
class Run:
    """A finished run. `reached`: which instructions it executed, and which way its branches went."""

    job: Job
    memory: Words
    costs: Costs
    space: Space
    trace: tuple[Step, ...]
    reached: Reached

    @property
    def time(self) -> int:
        return self.costs.time

    @property
    def outputs(self) -> dict[str, int | list[int] | list[list[int]]]:
        """The value of every output and inout: a number, a list, or a list of rows."""
        arrays = [a for a in self.job.arrays if a.is_output]
        return {a.name: a.read(self.memory) for a in arrays}

    def __repr__(self) -> str:
        """Short, for printing; the fields have the details."""
        sizes = f"time {self.time}, work {self.costs.work}, {self.job.processors} processors, {self.job.mode}"
        return f"<Run: {sizes}, outputs {show_value(self.outputs)}>"


class Machine:
    """The state of a run: registers int64 [k, P], memory int64 [space], counter int64 [P].

    Args: warn: called with a warning for reads of cells that nothing has written; None: no such check.
          contests: a list that receives every contested write; None: they are not recorded.
    """

    def __init__(self, job: Job, warn: Warn | None = None, contests: list[Contest] | None = None) -> None:
        self.job = job
        self.arbiter = Arbiter(job, contests)
        self.memory = job.memory.copy()
        self.registers = np.zeros((job.registers, job.processors), np.int64)
        self.counter = np.zeros(job.processors, np.int64)
        self.running = job.processors
        self.kept: dict[int, Words] = {}  # the exact integers of parts of sums, by register
        self.costs = Costs()
        self.touched = np.zeros(job.space, bool)
        self.rounds = Rounds(job.code)
        self.unwritten = Unwritten(job, warn) if warn else None
        self._marks = bytearray(len(job.code))
        self._pids = np.arange(job.processors)
        self._scratch = np.zeros(job.space, np.int64)
        self._owners = access.Owners(job.space) if MODES[job.mode].owned else None
        self._everyone = slice(0, job.processors)
        self._rows = [instruction.row for instruction in job.code]
        self._rules = self._write_rules()
        self._halted = np.full(job.processors, HALTED, np.int64)
        self._nowhere = np.full(job.processors, NO_DESTINATION, np.int64)
        self._together: int | None = None  # the program counter of all processors, if a step left them all at one

    def step(self) -> Step:
        """Run one step.

        Raises: PramError: a trap or an access conflict; the message names step, processors, cell and values.
        """
        before = self.counter
        self.counter, destination = self._halted.copy(), self._nowhere.copy()
        value = np.zeros(self.job.processors, np.int64)
        self.costs.time += 1
        reads: list[tuple[Group, Words]] = []
        updates: list[tuple[int, Group, Words]] = []
        stores = False
        for index, group in self._groups(before):
            instruction, row = self.job.code[index], self._rows[index]
            self._marks[index] |= RAN
            if instruction.trap or instruction.checks:
                checks.check_before(self, instruction, group)
            if row.value is not None:
                value[group] = self._value(instruction, row, group, reads)
            if instruction.checks:
                checks.check_after(self, instruction, group, value[group])
            following = self._next(index, instruction, row, group)
            self.counter[group] = following
            if row.destination == "register" and instruction.rd is not None:
                updates.append((instruction.rd, group, value[group]))
                destination[group] = register_destination(instruction.rd)
            elif isinstance(row.destination, Cell):
                destination[group] = self._address(instruction, row.destination.address, group)
                stores = True
            everyone = group is self._everyone
            self._together = following if everyone and isinstance(following, int) else None
            size = self.job.processors if everyone else len(self._pids[group])
            self.costs.work += size if row.name != "nop" else 0
            self.running -= size if row.next is Next.STOP else 0
        for register, group, written in updates:
            self.registers[register][group] = written
        if reads or stores:
            self._commit(before, reads, value, destination if stores else None)
        return Step(self.costs.time, before, value, destination, self.counter)

    def steps(self, max_steps: int = DEFAULT_MAX_STEPS) -> Iterator[Step]:
        """Run until all processors have halted.

        Raises: PramError: as `step`. NoHalt: the processors have not halted after `max_steps`.
        """
        while self.running:
            if self.costs.time >= max_steps:
                raise NoHalt(self._no_halt_error(max_steps).diagnostics)
            yield self.step()
        self.arbiter.check_end(self.costs.time)

    @property
    def space(self) -> Space:
        job = self.job
        return Space(job.space, int(self.touched.sum()), job.processors * (job.registers + 1))

    @property
    def reached(self) -> Reached:
        """Which instructions have run so far, and which way branches went."""
        return Reached(bytes(self._marks))

    def finished(self, trace: tuple[Step, ...] = ()) -> Run:
        """Return the finished run; all processors must have halted."""
        return Run(self.job, self.memory, self.costs, self.space, trace, self.reached)

    def look_ahead(self, first: int, last: int, pids: Words) -> Words:
        """Return the words that operand x of instruction `last` would have, if these processors went on from `first`.

        The instructions compute an expression. They change registers, which are put back, and nothing else.
        """
        kept, marks = self.registers.copy(), bytes(self._marks)
        counter = np.full(len(pids), first)
        while (counter != last).any():
            index = int(counter[counter != last][0])
            here, instruction = counter == index, self.job.code[index]
            group, row = pids[here], instruction.row
            if instruction.trap or instruction.checks:
                checks.check_before(self, instruction, group)
            if row.value is not None and instruction.rd is not None:
                value = np.broadcast_to(self._value(instruction, row, group, []), group.shape)
                checks.check_after(self, instruction, group, value)
                self.registers[instruction.rd][group] = value
            counter[here] = self._next(index, instruction, row, group)
        found = np.broadcast_to(self.operand(self.job.code[last].operand("x"), pids), pids.shape).copy()
        self.registers, self._marks = kept, bytearray(marks)
        return found

    # -- one group -----------------------------------------------------------------------------

    def _groups(self, counter: Words) -> Iterator[tuple[int, Group]]:
        """Yield each instruction that some processors are at, with those processors."""
        first = int(counter[0])
        if first != HALTED and (self._together == first or (counter == first).all()):
            yield first, self._everyone
            return
        left = np.flatnonzero(counter != HALTED)
        while len(left):
            index = int(counter[left[0]])
            here = counter[left] == index
            yield index, left[here]
            left = left[~here]

    def operand(self, operand: Operand, group: Group) -> Words:
        """Return the words of an operand, one for each processor of a group."""
        if operand.kind == "register":
            return np.asarray(self.registers[operand.number][group])
        if operand.kind == "pid":
            return np.asarray(self._pids[group])
        return np.asarray(self.job.word_of(operand))  # NumPy broadcasts it

    def pids(self, group: Group) -> Words:
        return np.asarray(self._pids[group])

    def _value(self, instruction: Instruction, row: Row, group: Group, reads: list[tuple[Group, Words]]) -> Words:
        match row.value:
            case Apply(name, operands):
                x = self.operand(instruction.operand(operands[0]), group)
                y = self.operand(instruction.operand(operands[-1]), group)
                return self._apply(WORD_OPERATIONS[name], instruction, x, y, group)
            case Fetch(address):
                cells = self._address(instruction, address, group)
                reads.append((group, cells))
                return np.asarray(self.memory[cells])
        raise AssertionError("instruction without a value")

    def _apply(self, operation: WordOperation, instruction: Instruction, x: Words, y: Words, group: Group) -> Words:
        bits, signed = self.job.word_bits, operation.signed or instruction.trap is Trap.SIGNED
        integers = exact(operation, x, y, bits, signed)
        words = wrap(integers, bits)
        if operation.undefined is not None and instruction.trap is not Trap.NOTHING:
            none = operation.undefined(to_signed(x, bits) if signed or self.job.signed else x, y)
            if np.count_nonzero(none):
                self._trap(operation, instruction, x, y, group, none)
        if instruction.trap >= Trap.ARITHMETIC:
            bad = integers != (to_signed(words, bits) if signed else words)
            if operation.is_shift:
                bad = bad | (y >= bits)
            if np.count_nonzero(bad):
                self._trap(operation, instruction, x, y, group, bad)
        return words

    def _trap(self, operation: WordOperation, instruction: Instruction, x: Words, y: Words, group: Group,
              bad: NDArray[np.bool_]) -> None:  # fmt: skip
        pids = self._pids[group]
        at = int(np.argmax(np.broadcast_to(bad, pids.shape)))
        xs, ys = (np.broadcast_to(v, pids.shape) for v in (x, y))
        reason = trap_reason(
            operation, int(xs[at]), int(ys[at]), self.job.word_bits, instruction.trap is Trap.SIGNED or self.job.signed
        )
        raise self.error(f"processor {pids[at]}: {reason}", instruction.at)

    def _address(self, instruction: Instruction, names: tuple[str, str], group: Group) -> Words:
        x, y = (self.operand(getattr(instruction, name), group) for name in names)
        cells = wrap(x + y, self.job.word_bits)
        if np.ndim(cells) == 0:
            cells = np.broadcast_to(cells, np.shape(self._pids[group]))
        checks.check_cells(self, instruction, group, cells)
        return cells

    def _next(self, index: int, instruction: Instruction, row: Row, group: Group) -> Words | int:
        match row.next:
            case Next.FOLLOWING:
                return index + 1
            case Next.JUMP:
                if instruction.jumps_to <= index:
                    self.rounds.jump_back(index)
                return instruction.jumps_to
            case Next.BRANCH:
                taken = self.operand(instruction.operand("x"), group) == 0
                jumps = bool(taken.any())
                self._marks[index] |= (JUMPED if jumps else 0) | (0 if taken.all() else FOLLOWED)
                if instruction.jumps_to <= index and jumps:
                    self.rounds.jump_back(index)
                return np.where(taken, instruction.jumps_to, index + 1)
            case Next.STOP:
                return HALTED

    # -- the end of the step -------------------------------------------------------------------

    def _commit(self, before: Words, reads: list[tuple[Group, Words]], value: Words, destination: Words | None) -> None:
        read = access.NO_ACCESSES
        if reads:
            read = Accesses(_joined([self._pids[g] for g, _ in reads]), _joined([cells for _, cells in reads]))
        written = access.NO_ACCESSES
        if destination is not None:
            pids = np.flatnonzero(destination >= 0)
            written = Accesses(pids, destination[pids], value[pids])
        stored = self._allowed(read, written, before)
        if self.unwritten is not None:
            self.unwritten.watch(self.costs.time, read, written, before)
        self.costs.shared_accesses += len(read) + len(written)
        self.touched[read.cells] = True
        if len(stored) and stored.values is not None:
            self.touched[stored.cells] = True
            order = self.arbiter.order(self.costs.time, written, before)
            self.memory[stored.cells[order]] = stored.values[order]

    def _allowed(self, read: Accesses, written: Accesses, before: Words) -> Accesses:
        """Return the writes of a step. Where the mode combines writes, they have what is left in their cells.

        Raises: PramError: the mode forbids an access, two rules meet in a cell, or a sum is no word.
        """
        mode, stored = MODES[self.job.mode], written
        conflict = access.find_conflict(mode, read, written, self._scratch)
        if conflict is None and self._owners is not None:
            conflict = self._owners.claim(written)
        if conflict is None and self._rules is not None and len(written):
            stored, conflict = access.combine(written, self._rules[before[written.pids]], self.job.word_bits)
        if conflict is not None:
            raise self.error(*checks.describe_conflict(self.job, conflict, before))
        return stored

    def _write_rules(self) -> Words | None:
        """Return the rule of each instruction, if the mode combines writes."""
        combining = MODES[self.job.mode].combining
        if combining == "order":
            return None
        return np.array([access.NUMBERS[instruction.rule_in(combining)] for instruction in self.job.code], np.int64)

    def _no_halt_error(self, max_steps: int) -> PramError:
        """Return the error for a run that reached its limit of steps; it names the loops that the run was in."""
        index = int(self.counter[self.counter != HALTED][0])
        rounds, at = self.rounds.describe(index, self.job.source)
        return self.error(f"no halt within {max_steps} steps (--max-steps sets the limit){rounds}", at or self.job.code[index].at)

    def error(self, message: str, at: Span | None = None) -> PramError:
        """Return a run-time error of this step."""
        return fail(f"step {self.costs.time}: {message}", self.job.source, at)


#: Called with the machine and the step that it has run.
Watch = Callable[[Machine, "Step | None"], None]


def _joined(parts: list[Words]) -> Words:
    return parts[0] if len(parts) == 1 else np.concatenate(parts)


def run(job: Job, *, max_steps: int = DEFAULT_MAX_STEPS, seed: int | None = None, trace: bool = False,
        warn: Warn | None = None, watch: Watch | None = None) -> Run:  # fmt: skip
    """Run a job to its end.

    Args:   seed: chooses the winner `random:SEED`; ignored if the mode leaves no winner open.
            trace: keep every step (memory grows by five words for each processor and step).
            warn: as for Machine; `lockstep.pram.unwritten.refuse` makes every warning an error.
            watch: called before the first step with None, and after each step with it; as `lockstep.pram.showing.Printer`.
    Raises: PramError: a trap, an access conflict, a winner whose choices do not fit the run, or no halt within `max_steps`.
    """
    if seed is not None and MODES[job.mode].winner_open:
        job = replace(job, winner=at_random(seed))
    machine = Machine(job, warn)
    steps = []
    if watch is not None:
        watch(machine, None)
    for step in machine.steps(max_steps):
        if trace:
            steps.append(step)
        if watch is not None:
            watch(machine, step)
    return machine.finished(tuple(steps))
