"""The exact lock-step machine: in each step, every processor executes one instruction.

Loads see the memory from before the step. Stores take effect at its end. The machine runs all processors that are at the
same instruction together, in NumPy. After each step it checks for access conflicts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from lockstep.pram import access, checks
from lockstep.pram.access import MODES, Accesses, Conflict
from lockstep.pram.checks import Group
from lockstep.pram.contests import Arbiter, Contest
from lockstep.pram.contracts.holding import Broken
from lockstep.pram.contracts.watching import Watcher
from lockstep.pram.errors import PramError, Span, fail
from lockstep.pram.instructions import Apply, Cell, Fetch, Instruction, Next, Operand, Row, Trap, rule_numbers
from lockstep.pram.job import Job
from lockstep.pram.loops import Rounds
from lockstep.pram.reached import FOLLOWED, JUMPED, RAN, Reached
from lockstep.pram.steps import (
    HALTED,
    NO_DESTINATION,
    NO_READ,
    NOBODY,
    Costs,
    Failure,
    Run,
    Space,
    Step,
    Words,
    register_destination,
    register_of,
)
from lockstep.pram.unwritten import Unwritten, Warn
from lockstep.pram.winner import at_random
from lockstep.pram.word import WORD_OPERATIONS, WordOperation, exact, to_signed, trap_reason, wrap

DEFAULT_MAX_STEPS = 1_000_000


class NoHalt(PramError):
    """The run did not halt within its limit of steps."""


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
        self.watcher = Watcher(job) if job.contracts else None
        self._marks = bytearray(len(job.code))
        self._pids = np.arange(job.processors)
        self._scratch = np.zeros(job.space, np.int64)
        self._owners = access.Owners(job.space) if MODES[job.mode].owned else None
        self._everyone = slice(0, job.processors)
        self._rows = [instruction.row for instruction in job.code]
        self._rules = rule_numbers(job.code, MODES[job.mode].combining)
        self._halted = np.full(job.processors, HALTED, np.int64)
        self._nowhere = np.full(job.processors, NO_DESTINATION, np.int64)
        self._unread = np.full(job.processors, NO_READ)
        self._together: int | None = None  # the program counter of all processors, if a step left them all at one
        self._before = self.counter  # the program counters before the step that is being made
        self._failing: tuple[str, Sequence[int], Conflict | None, Step | None] = "refused", (), None, None

    def step(self) -> Step:
        """Run one step, without the contracts around it.

        Raises: PramError: a trap or an access conflict; the message names step, processors, cell and values.
        """
        before = self._before = self.counter
        self.counter, destination = self._halted.copy(), self._nowhere.copy()
        value = np.zeros(self.job.processors, np.int64)
        self.costs.time += 1
        reads: list[tuple[Group, Words]] = []
        updates: list[tuple[int, Group, Words]] = []
        stores = False
        for index, group in self._groups(before):
            instruction, row = self.job.code[index], self._rows[index]
            ran_before = self._marks[index] & RAN
            self._marks[index] |= RAN
            if instruction.checks or instruction.trap and not ran_before:  # its constants stay as they are
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
        step = Step(self.costs.time, before, value, destination, self.counter, self._cells_read(reads))
        lost = self._commit(step, reads, stores) if reads or stores else NOBODY
        return replace(step, lost=lost) if len(lost) else step

    def steps(self, max_steps: int = DEFAULT_MAX_STEPS) -> Iterator[Step]:
        """Run until all processors have halted. Check the contracts at which processors stand, before and after each step.

        Raises: PramError: as `step`. Broken: a contract does not hold. NoHalt: the processors have not halted after `max_steps`.
        """
        if self.watcher is not None:
            self.watcher.check(self, None)
        while self.running:
            if self.costs.time >= max_steps:
                raise NoHalt(self._no_halt_error(max_steps).diagnostics)
            step = self.step()
            yield step
            if self.watcher is not None:
                self.watcher.check(self, step.counter)
        self.arbiter.check_end(self.costs.time)

    @property
    def space(self) -> Space:
        job = self.job
        return Space(job.space, int(self.touched.sum()), job.processors * (job.registers + 1))

    @property
    def reached(self) -> Reached:
        """Which instructions have run so far, which way branches went, and which contracts were put to the test."""
        return Reached(bytes(self._marks), frozenset(self.watcher.met) if self.watcher else frozenset())

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
        left = (counter != HALTED).nonzero()[0]
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
        raise self.error(f"processor {pids[at]}: {reason}", instruction.at, pids[at : at + 1])

    def _address(self, instruction: Instruction, names: tuple[str, str], group: Group) -> Words:
        x, y = (self.operand(getattr(instruction, name), group) for name in names)
        cells = wrap(x + y, self.job.word_bits)
        if np.ndim(cells) == 0:
            cells = np.full(len(self._pids[group]), cells)
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
                count = np.count_nonzero(taken)
                jumps, follows = count > 0, count < np.size(taken)
                self._marks[index] |= (JUMPED if jumps else 0) | (FOLLOWED if follows else 0)
                if instruction.jumps_to <= index and jumps:
                    self.rounds.jump_back(index)
                if jumps and follows:
                    return np.where(taken, instruction.jumps_to, index + 1)
                return instruction.jumps_to if jumps else index + 1
            case Next.STOP:
                return HALTED

    # -- the end of the step -------------------------------------------------------------------

    def _cells_read(self, reads: list[tuple[Group, Words]]) -> Words:
        """Return the cell that each processor reads, or NO_READ."""
        if not reads:
            return self._nowhere
        cells = self._unread.copy()
        for group, read in reads:
            cells[group] = read
        return cells

    def _commit(self, step: Step, reads: list[tuple[Group, Words]], stores: bool) -> Words:
        """Carry out the writes of a step. Return the pids whose writes are lost."""
        read = access.NO_ACCESSES
        if reads:
            read = Accesses(access.joined([self._pids[g] for g, _ in reads]), access.joined([cells for _, cells in reads]))
        written = access.NO_ACCESSES
        if stores:
            pids = (step.destination >= 0).nonzero()[0]
            written = Accesses(pids, step.destination[pids], step.value[pids])
        stored = self._allowed(read, written, step)
        if self.unwritten is not None:
            self.unwritten.watch(self.costs.time, read, written, step.counter)
        self.costs.shared_accesses += len(read) + len(written)
        self.touched[read.cells] = True
        if not stores:
            return NOBODY
        return self._store(written, stored, self.arbiter.order(step.number, written, step.counter), step)

    def _store(self, written: Accesses, stored: Accesses, order: Words, step: Step) -> Words:
        """Write to memory, the last of each cell last. Return the pids whose writes are lost."""
        assert stored.values is not None
        self.touched[stored.cells] = True
        self.memory[stored.cells[order]] = stored.values[order]
        if len(stored) < 2 or not MODES[self.job.mode].concurrent_writes:
            return NOBODY
        beaten = self._beaten(stored, order)
        if self._rules is not None:  # a sum has something of all values
            extreme = np.isin(self._rules[step.counter[written.pids]], access.EXTREMES)
            beaten = extreme & self._beaten(stored, np.flatnonzero(written.values == stored.values))
        return np.asarray(stored.pids[beaten])

    def _beaten(self, stored: Accesses, order: Words) -> Words:
        """Which writes are not the last of their cell, if they come in this order."""
        self._scratch[stored.cells[order]] = order
        return np.asarray(self._scratch[stored.cells] != np.arange(len(stored)))

    def _allowed(self, read: Accesses, written: Accesses, step: Step) -> Accesses:
        """Return the writes of a step. Where the mode combines writes, they have what is left in their cells.

        Raises: PramError: the mode forbids an access, two rules meet in a cell, or a sum is no word.
        """
        mode, stored = MODES[self.job.mode], written
        conflict = access.find_conflict(mode, read, written, self._scratch)
        if conflict is None and self._owners is not None:
            conflict = self._owners.claim(written)
        if conflict is None and self._rules is not None and len(written):
            stored, conflict = access.combine(written, self._rules[step.counter[written.pids]], self.job.word_bits)
        if conflict is not None:
            raise self.error(*checks.describe_conflict(self.job, conflict, step.counter), conflict.processors, conflict, step)
        return stored

    def _no_halt_error(self, max_steps: int) -> PramError:
        """Return the error for a run that reached its limit of steps; it names the loops that the run was in."""
        index = int(self.counter[self.counter != HALTED][0])
        rounds, at = self.rounds.describe(index, self.job.source)
        text = f"no halt within {max_steps} steps (--max-steps sets the limit){rounds}"
        return self.error(text, at or self.job.code[index].at, np.flatnonzero(self.counter != HALTED), kind="no halt")

    def error(self, message: str, at: Span | None = None, processors: Sequence[int] | Words = (), conflict: Conflict | None = None,
              step: Step | None = None, kind: str = "trap") -> PramError:  # fmt: skip
        """Return a run-time error of this step; `failure` says the same as data.

        Args: processors: those that the message names. conflict, step: the conflict, and what processors wanted to do in the step.
        """
        self._failing = conflict.kind if conflict else kind, [int(pid) for pid in processors], conflict, step
        return fail(f"step {self.costs.time}: {message}", self.job.source, at)

    def failure(self, error: PramError, trace: tuple[Step, ...] = ()) -> Failure:
        """Return where and why the run failed with this error. trace: the steps that were kept."""
        kind, processors, conflict, attempt = self._failing
        if isinstance(error, Broken):
            kind, processors = "contract", error.processors
        if attempt is None:
            between = kind in ("no halt", "contract")
            before = self.counter if between else self._before
            nothing = np.zeros(self.job.processors, np.int64)
            number = self.costs.time + between
            attempt = Step(number, before, nothing, self._nowhere, before, self._nowhere)
        return Failure(kind, tuple(processors), conflict.cell if conflict else None, attempt, self.finished(trace))


Watch = Callable[[Machine, "Step | None"], None]  # called with the machine and the step that it has run


def run(job: Job, *, max_steps: int = DEFAULT_MAX_STEPS, seed: int | None = None, trace: bool = False,
        warn: Warn | None = None, watch: Watch | None = None) -> Run:  # fmt: skip
    """Run a job to its end.

    Args:   seed: chooses the winner `random:SEED`; ignored if the mode leaves no winner open.
            trace: keep every step (memory grows by six words for each processor and step).
            warn: as for Machine; `lockstep.pram.unwritten.refuse` makes every warning an error.
            watch: called before the first step with None, and after each step with it; as `lockstep.pram.showing.Printer`.
    Raises: PramError: a trap, an access conflict, a winner whose choices do not fit the run, or no halt within `max_steps`. Its
            `failure` says where and why, and has what was done up to there.
    """
    if seed is not None and MODES[job.mode].winner_open:
        job = replace(job, winner=at_random(seed))
    machine = Machine(job, warn)
    steps = []
    if watch is not None:
        watch(machine, None)
    try:
        for step in machine.steps(max_steps):
            if trace:
                steps.append(step)
            if watch is not None:
                watch(machine, step)
    except PramError as error:
        error.failure = machine.failure(error, tuple(steps))
        raise
    return machine.finished(tuple(steps))


__all__ = ["DEFAULT_MAX_STEPS", "HALTED", "NO_DESTINATION", "NO_READ", "Costs", "Failure", "Machine", "NoHalt", "Run", "Space", "Step",
           "Watch", "Words", "register_destination", "register_of", "run"]  # fmt: skip
