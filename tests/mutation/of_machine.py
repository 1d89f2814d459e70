"""Mutants of the machine: words, access modes, conflicts, the order of commits, costs, checks."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from lockstep.pram import access, checks, machine, word
from lockstep.pram.access import MODES
from lockstep.pram.contests import Arbiter
from lockstep.pram.emitting import Emitter
from lockstep.pram.loops import Rounds
from lockstep.pram.machine import Machine
from lockstep.pram.unwritten import Unwritten
from lockstep.pram.word import WORD_OPERATIONS
from mutation.planting import Entry, Rewrite
from mutation.table import Mutant

WORDS, STEPS, ACCESS, REFUSALS = "word operations", "machine", "access modes", "refused runs"


def operation(name: str, exact: Any, change: str) -> Entry:
    return Entry(WORD_OPERATIONS, "lockstep.pram.word.WORD_OPERATIONS", name, replace(WORD_OPERATIONS[name], exact=exact), change)


def mode(name: str, **columns: Any) -> Entry:
    change = ", ".join(f"{column} = {value}" for column, value in columns.items())
    return Entry(MODES, "lockstep.pram.access.MODES", name, replace(MODES[name], **columns), change)


MUTANTS = (
    Mutant(WORDS, "sub takes x from y", operation("sub", lambda x, y: y - x, "y - x"), "word table"),
    Mutant(WORDS, "shr shifts by one less", operation("shr", lambda x, y: x >> np.maximum(y - 1, 0), "x >> y - 1"), "word table"),
    Mutant(
        WORDS,
        "lt holds where words are equal",
        operation("lt", lambda x, y: np.less_equal(x, y).astype(np.int64), "x <= y"),
        "instruction examples",
    ),
    Mutant(WORDS, "xor is or", operation("xor", lambda x, y: x | y, "x | y"), "word table"),
    Mutant(WORDS, "words wrap one bit too late", Rewrite(word.wrap, "(1 << bits) - 1", "(2 << bits) - 1"), "word table"),
    Mutant(
        WORDS,
        "shift amounts are not clipped",
        Rewrite(word.exact, "np.minimum(y, bits)", "y"),
        "every shift",
        "what is shifted by a word's size or more leaves the word either way; NumPy shifts by 64 and more to 0",
    ),
    Mutant(
        WORDS,
        "a shift by the word's size stays in it",
        Rewrite(word.exact, "np.minimum(y, bits)", "np.minimum(y, bits - 1)"),
        "every shift",
    ),
    Mutant(WORDS, "saturated sums wrap", Rewrite(word.exact, "if operation.saturates", "if False"), "word table"),
    Mutant(
        STEPS,
        "loads see stores of the same step",
        Rewrite(Machine.step, "stores = True", "stores = True; self.memory[destination[group]] = value[group]"),
        "conflicts",
    ),
    Mutant(
        STEPS,
        "registers are written before the other groups run",
        Rewrite(
            Machine.step,
            "updates.append((instruction.rd, group, value[group]))",
            "self.registers[instruction.rd][group] = value[group]",
        ),
        "scalar machine",
        "a register is read and written by its own processor alone, which is in one group",
    ),
    Mutant(
        STEPS,
        "halted processors execute halt again",
        Rewrite(Machine._groups, "left = (counter != HALTED).nonzero()[0]", "left = np.arange(len(counter))"),
        "scalar machine",
    ),
    Mutant(STEPS, "all processors run what processor 0 runs", Rewrite(Machine._groups, ".all()", ".any()"), "scalar machine"),
    Mutant(
        STEPS,
        "only the first two processors of a group run",
        Rewrite(Machine._groups, "yield index, left[here]", "yield index, left[here][:2]"),
        "scalar machine",
    ),
    Mutant(
        STEPS, "jz jumps where its operand is not 0", Rewrite(Machine._next, "group) == 0", "group) != 0"), "instruction examples"
    ),
    Mutant(
        STEPS, "jz looks at the lowest bit only", Rewrite(Machine._next, "group) == 0", "group) % 2 == 0"), "instruction examples"
    ),
    Mutant(
        STEPS,
        "jmp lands one instruction before its target",
        Rewrite(Machine._next, "return instruction.jumps_to\n", "return instruction.jumps_to - 1\n"),
        "instruction examples",
    ),
    Mutant(
        STEPS,
        "addresses do not wrap",
        Rewrite(Machine._address, "wrap(x + y, self.job.word_bits)", "x + y"),
        "instruction examples",
    ),
    Mutant(
        STEPS,
        "pid counts from 1",
        Rewrite(Machine.operand, "np.asarray(self._pids[group])", "np.asarray(self._pids[group]) + 1"),
        "scalar machine",
    ),
    Mutant(STEPS, "nop counts as work", Rewrite(Machine.step, 'size if row.name != "nop" else 0', "size"), "scalar machine"),
    Mutant(
        STEPS,
        "on one processor a step costs two",
        Rewrite(Machine.step, "self.costs.time += 1", "self.costs.time += 1 if len(self._pids) > 1 else 2"),
        "scalar machine",
    ),
    Mutant(
        STEPS,
        "shared accesses leave out reads",
        Rewrite(Machine._commit, "len(read) + len(written)", "len(written)"),
        "scalar machine",
    ),
    Mutant(
        STEPS,
        "cells that are read are not touched",
        Rewrite(Machine._commit, "self.touched[read.cells] = True", "pass"),
        "scalar machine",
    ),
    Mutant(
        STEPS, "program counters take no space", Rewrite(Machine.space, "job.registers + 1", "job.registers"), "scalar machine"
    ),
    Mutant(STEPS, "a run is given up one step late", Rewrite(Machine.steps, ">= max_steps", "> max_steps"), "endless loops"),
    Mutant(STEPS, "inner loops are not counted anew", Rewrite(Rounds.jump_back, "self.made[inner] = 0", "pass"), "endless loops"),
    Mutant(
        STEPS,
        "input cells count as unwritten",
        Rewrite(Unwritten.__init__, "self.cells[: job.inputs] = False", "pass"),
        "warnings",
    ),
    Mutant(
        STEPS, "writing a cell does not mark it", Rewrite(Unwritten.watch, "self.cells[writes.cells] = False", "pass"), "warnings"
    ),
    Mutant(
        STEPS,
        "a step does not say which cell the last group reads",
        Rewrite(Machine._cells_read, "for group, read in reads:", "for group, read in reads[:-1]:"),
        "scalar machine",
    ),
    Mutant(
        STEPS,
        "the write that is carried out first counts as the winner",
        Rewrite(
            Machine._beaten,
            "self._scratch[stored.cells[order]] = order",
            "self._scratch[stored.cells[order[::-1]]] = order[::-1]",
        ),
        "lost writes",
    ),
    Mutant(STEPS, "writes that are added up are lost", Rewrite(Machine._store, "extreme & self", "self"), "lost writes"),
    Mutant(
        STEPS,
        "a failed run loses its steps",
        Rewrite(machine.run, "machine.failure(error, tuple(steps))", "machine.failure(error)"),
        "failures",
    ),
    Mutant(
        STEPS,
        "a failed step has nothing that processors wanted",
        Rewrite(Machine.error, "conflict, step\n", "conflict, None\n"),
        "failures",
    ),
    Mutant(
        STEPS,
        "a failure names the first processor only",
        Rewrite(Machine.error, "for pid in processors]", "for pid in processors][:1]"),
        "failures",
    ),
    Mutant(
        STEPS,
        "the step in which a run is given up has the number of the one before",
        Rewrite(Machine.failure, "self.costs.time + between", "self.costs.time"),
        "failures",
    ),
    Mutant(
        STEPS,
        "locals keep their names after their block",
        Rewrite(Emitter.emit, "dict(self.locals))", "(self.names[-1] if self.names else {}) | self.locals)"),
        "register names",
    ),
    Mutant(
        ACCESS, "the highest pid wins", Rewrite(Arbiter._applied, "np.arange(count)[::-1]", "np.arange(count)"), "scalar machine"
    ),
    Mutant(
        ACCESS,
        "a seed does not choose the winner",
        Rewrite(Arbiter.__init__, 'if self.winner.kind == "random" else None', "if False else None"),
        "seeded writers",
    ),
    Mutant(ACCESS, "EREW lets several read a cell", mode("EREW", concurrent_reads=True), "conflicts"),
    Mutant(ACCESS, "CREW refuses concurrent reads", mode("CREW", concurrent_reads=False), "conflicts"),
    Mutant(ACCESS, "CREW lets several write a cell", mode("CREW", concurrent_writes=True), "conflicts"),
    Mutant(ACCESS, "CRCW common takes values that differ", mode("CRCW common", same_value=False), "conflicts"),
    Mutant(ACCESS, "CRCW priority asks for equal values", mode("CRCW priority", same_value=True), "conflicts"),
    Mutant(
        ACCESS, "two writers are not compared", Rewrite(access.find_conflict, "len(writes) > 1", "len(writes) > 2"), "conflicts"
    ),
    Mutant(
        ACCESS, "two readers are not compared", Rewrite(access.find_conflict, "len(reads) > 1", "len(reads) > 2"), "conflicts"
    ),
    Mutant(
        ACCESS,
        "a read and a write of one cell are no conflict",
        Rewrite(access.find_conflict, "len(reads) and len(writes)", "False and len(writes)"),
        "conflicts",
    ),
    Mutant(
        ACCESS,
        "marks of the previous step are not cleared where reads meet writes",
        Rewrite(access._meeting, "marks[reads.cells] = -1", "pass"),
        "conflicts",
    ),
    Mutant(
        REFUSALS,
        "overflow passes",
        Rewrite(Machine._apply, "integers != (to_signed(words, bits) if signed else words)", "integers < 0"),
        "traps",
    ),
    Mutant(
        REFUSALS,
        "underflow passes",
        Rewrite(Machine._apply, "integers != (to_signed(words, bits) if signed else words)", "integers > words"),
        "traps",
    ),
    Mutant(REFUSALS, "shifts by the word's size pass", Rewrite(Machine._apply, "bad = bad | (y >= bits)", "pass"), "traps"),
    Mutant(
        REFUSALS,
        "a shift by one less than the word's size does not pass",
        Rewrite(Machine._apply, "y >= bits", "y >= bits - 1"),
        "traps",
    ),
    Mutant(
        REFUSALS,
        "operand z may be no word",
        Rewrite(checks._check_operands, "(instruction.z,) if stores", "() if stores"),
        "traps",
    ),
    Mutant(
        REFUSALS,
        "negative operands pass",
        Rewrite(checks._check_operands, "not machine.job.is_word(value)", "value >= 16"),
        "traps",
    ),
    Mutant(
        REFUSALS,
        "an index may be the extent",
        Rewrite(checks._check_index, "values >= first + extent", "values > first + extent"),
        "evaluator",
    ),
    Mutant(
        REFUSALS,
        "processors must agree on the value of a condition, not on its truth",
        Rewrite(checks._check_agreement, "(values != 0) != (values[0] != 0)", "values != values[0]"),
        "evaluator",
    ),
    Mutant(
        REFUSALS,
        "processors need not agree on a condition",
        Rewrite(checks.check_before, "_check_agreement(machine, statement, instruction, group)", "pass"),
        "evaluator",
    ),
    Mutant(
        REFUSALS,
        "one item more than processors passes",
        Rewrite(checks._check_items, "needed > processors", "needed > processors + 1"),
        "evaluator",
    ),
    Mutant(
        REFUSALS,
        "the end of a range is judged without what is taken from it",
        Rewrite(
            checks._check_items,
            "_integer(machine, r.high, group) - _integer(machine, r.less, group)",
            "_integer(machine, r.high, group)",
        ),
        "ranges",
    ),
    Mutant(
        REFUSALS,
        "processors past the largest word run the body",
        Rewrite(checks._check_items, "active != (value != 0)", "active & (value == 0)"),
        "ranges",
    ),
    Mutant(
        REFUSALS,
        "as many items as processors do not pass",
        Rewrite(checks._check_items, "needed > processors", "needed >= processors"),
        "evaluator",
    ),
)
