"""Checks of a run other than those of arithmetic: operands, indices, items, agreement, conflicts.

A check costs no step and changes no run: it only refuses runs. Compiled models have no checks, so a run that fails one
is never decoded.
"""

from __future__ import annotations

from typing import Protocol, Union

import numpy as np
from numpy.typing import NDArray

from lockstep.pram import parameters
from lockstep.pram.access import Conflict
from lockstep.pram.contests import list_numbers, list_processors
from lockstep.pram.errors import PramError, Span
from lockstep.pram.instructions import AgreementCheck, IndexCheck, Instruction, ItemRange, ItemsCheck, Operand, Subject, Trap
from lockstep.pram.job import Job
from lockstep.pram.syntax import Expression
from lockstep.pram.word import MAX_WORD_BITS, largest_word

Words = NDArray[np.int64]

#: The processors at one instruction: all of them (a slice, so that NumPy makes views), or an array of pids.
Group = Union[slice, Words]

#: Advice for code in which all processors access one cell.
ADVICE_FOR_ALL = {
    "read": "CREW lets them read one cell, EREW takes a copy for each",
    "write": "`single do ... end` is run by one",
}

#: Larger than any word, item or pid. Exact integers are clipped to it, so that adding pids to them cannot overflow int64.
CLIP_LIMIT = 1 << 40


class Machine(Protocol):
    """What the checks need of a machine (`lockstep.pram.machine.Machine`)."""

    job: Job

    def pids(self, group: Group) -> Words: ...

    def operand(self, operand: Operand, group: Group) -> Words: ...

    def error(self, message: str, at: Span | None = None) -> PramError: ...


def check_before(machine: Machine, instruction: Instruction, group: Group) -> None:
    """Check the operands of an instruction before processors execute it.

    Raises: PramError: a check fails.
    """
    for check in instruction.checks:
        match check:
            case IndexCheck():
                _check_index(machine, check, instruction, group)
            case AgreementCheck(statement):
                _check_agreement(machine, statement, instruction, group)
    if instruction.trap is not Trap.NOTHING:
        _check_operands(machine, instruction)


def check_after(machine: Machine, instruction: Instruction, group: Group, value: Words) -> None:
    """Check the values that an instruction has computed.

    Raises: PramError: a check fails.
    """
    for check in instruction.checks:
        if isinstance(check, ItemsCheck):
            _check_items(machine, check, instruction, group, value)


def check_cells(machine: Machine, instruction: Instruction, group: Group, cells: Words) -> None:
    """Refuse addresses past the last cell. Only machine code given directly has them: programs fail an index check first."""
    if cells.size and int(cells.max()) >= machine.job.space:
        bad = int(np.argmax(cells >= machine.job.space))
        raise machine.error(f"processor {machine.pids(group)[bad]}: address {cells[bad]} is past the last cell", instruction.at)


def _check_operands(machine: Machine, instruction: Instruction) -> None:
    for operand in (instruction.x, instruction.y, instruction.z):
        if operand is not None and operand.kind in ("constant", "parameter"):
            value = machine.job.exact(operand)
            if not machine.job.is_word(value):
                what = (
                    "is negative, but words start at 0" if value < 0 else f"does not fit a word of {machine.job.word_bits} bits"
                )
                raise machine.error(f"the number {value} used here {what}", instruction.at)


def _exact(machine: Machine, subject: Subject, group: Group) -> Words:
    """Return the integers that a check looks at: the exact value of a parameter expression, or the words of an operand."""
    if isinstance(subject, Operand):
        return np.broadcast_to(machine.operand(subject, group), machine.pids(group).shape)
    value = _evaluate(machine, subject)
    return np.broadcast_to(np.int64(max(-CLIP_LIMIT, min(value, CLIP_LIMIT))), machine.pids(group).shape)


def _evaluate(machine: Machine, expression: Expression) -> int:
    return parameters.evaluate(expression, machine.job.values, machine.job.source)


def _check_index(machine: Machine, check: IndexCheck, instruction: Instruction, group: Group) -> None:
    array = next(a for a in machine.job.arrays if a.name == check.array)
    subject = check.subject
    if isinstance(subject, Operand) and subject.kind == "register":  # the common case, kept fast
        values = machine.operand(subject, group)
        if int(values.max()) < array.shape[check.axis]:
            return
    values = _exact(machine, subject, group)
    bad = (values < 0) | (values >= array.shape[check.axis])
    if bad.any():
        at = int(np.argmax(bad))
        which = "" if len(array.shape) == 1 else ("row ", "column ")[check.axis]
        extent = array.shape[check.axis]
        room = f"0 .. {extent - 1}" if extent else "empty"
        raise machine.error(
            f"processor {machine.pids(group)[at]}: {which}index {values[at]} is outside `{array.name}` ({room})", instruction.at
        )


def _check_items(machine: Machine, check: ItemsCheck, instruction: Instruction, group: Group, value: Words) -> None:
    """Check that every item has a processor and is a word, and that `value` is 1 exactly on the processors with an item."""
    processors, pids, at = machine.job.processors, machine.pids(group), instruction.at
    bounds = [(int(_exact(machine, r.low, group)[0]), int(_exact(machine, r.high, group)[0])) for r in check.ranges]
    items = [low + _index(machine, part, pids) for part, (low, _) in zip(check.ranges, bounds)]
    active = np.logical_and.reduce([item <= high for item, (_, high) in zip(items, bounds)])
    low, high = bounds[0]
    needed = high - low + 1 << _evaluate(machine, check.ranges[0].shift)
    if all(low <= high for low, high in bounds) and needed > processors:
        raise machine.error(f"{needed} processors are needed for these items, but procs is {processors}", at)
    for item in items:
        _check_words(machine, item, active, at)
    wrong = np.flatnonzero(active != (value != 0))
    if len(wrong):
        bits, first = machine.job.word_bits, wrong[0]
        assert largest_word(bits) in (high for _, high in bounds), "the code is wrong about which processors have an item"
        why = "its end + 1 is not a word" if active[first] else f"processor {pids[first]}, past its end, has no word for its item"
        size = "`word` sets the size" if bits < MAX_WORD_BITS else "words cannot be longer"
        raise machine.error(f"the range ends at {largest_word(bits)}, the largest word of {bits} bits ({size}): {why}", at)


def _check_words(machine: Machine, items: Words, active: NDArray[np.bool_], at: Span | None) -> None:
    """Refuse items that are not words, if a processor has them."""
    outside = active & ((items < 0) | (items >> machine.job.word_bits != 0))
    if outside.any():
        first = items[int(np.argmax(outside))]
        what = "is negative, but words start at 0" if first < 0 else f"does not fit a word of {machine.job.word_bits} bits"
        raise machine.error(f"item {first} {what}", at)


def _index(machine: Machine, part: ItemRange, pids: Words) -> Words:
    index = pids >> _evaluate(machine, part.shift)
    if part.width is None:
        return index
    return index & ((1 << _evaluate(machine, part.width)) - 1)


def _check_agreement(machine: Machine, statement: str, instruction: Instruction, group: Group) -> None:
    """Check that the condition is true on all running processors, or false on all."""
    values = np.broadcast_to(machine.operand(instruction.operand("x"), group), machine.pids(group).shape)
    other = np.flatnonzero((values != 0) != (values[0] != 0))
    if len(other):
        first, second = machine.pids(group)[0], machine.pids(group)[other[0]]
        raise machine.error(
            f"processors {first} and {second} disagree on this `{statement}` condition: {values[0]} and {values[other[0]]}",
            instruction.at,
        )


def describe_conflict(job: Job, conflict: Conflict, counter: Words) -> tuple[str, Span | None]:
    """Return the message and the place for a conflict."""
    cell = job.cell_name(conflict.cell)
    at = job.code[int(counter[conflict.processors[0]])].at
    if conflict.kind == "sum":
        return _describe_sum(job, conflict, cell), at
    first, second = sorted(conflict.processors)
    match conflict.kind:
        case "owner":
            writer, owner = conflict.processors
            return (
                f"processor {writer} writes {cell}, which processor {owner} owns as the first to write it (mode {job.mode})",
                at,
            )
        case "read and write":
            return f"processor {conflict.processors[0]} reads and {conflict.processors[1]} writes {cell} (mode {job.mode})", at
        case "values":
            assert conflict.values is not None
            values = dict(zip(conflict.processors, conflict.values))
            text = f"processors {first} and {second} write different values, {values[first]} and {values[second]}, to {cell}"
            return f"{text} (mode {job.mode})", at
    hint = ""
    if job.code[int(counter[first])].run_by_all:
        hint = "; code outside `parallel` runs on all processors: " + ADVICE_FOR_ALL[conflict.kind]
    return f"processors {first} and {second} {conflict.kind} {cell} (mode {job.mode}){hint}", at


def _describe_sum(job: Job, conflict: Conflict, cell: str) -> str:
    assert conflict.values is not None
    written = f"{list_processors(conflict.processors)} write {list_numbers(conflict.values)} to {cell}"
    return f"{written}: the sum {sum(conflict.values)} does not fit a word of {job.word_bits} bits (mode {job.mode})"
