"""Checks of a run other than those of arithmetic: operands, indices, items, agreement, conflicts.

A check costs no step and changes no run: it only refuses runs. Compiled models have no checks, so a run that fails one
is never decoded.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Protocol, Union

import numpy as np
from numpy.typing import NDArray

from lockstep.pram import parameters
from lockstep.pram.access import MODES, RULE_SIGNS, Conflict
from lockstep.pram.contests import list_numbers, list_processors
from lockstep.pram.errors import PramError, Span
from lockstep.pram.expression_text import shown_text
from lockstep.pram.instructions import (
    AgreementCheck,
    Cell,
    IndexCheck,
    Instruction,
    ItemsCheck,
    Kept,
    Operand,
    StepCheck,
    Subject,
    Trap,
    UnfinishedCheck,
    WholeCheck,
)
from lockstep.pram.job import Job
from lockstep.pram.loops import Rounds
from lockstep.pram.syntax import Expression
from lockstep.pram.word import MAX_WORD_BITS, WORD_OPERATIONS, largest_word, least_word, misfit, to_signed

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

#: The largest term of a sum that is made of parameters. So the exact integers of 2^22 terms fit int64.
LARGEST_TERM = 1 << 40


class Machine(Protocol):
    """What the checks need of a machine (`lockstep.pram.machine.Machine`)."""

    job: Job
    rounds: Rounds
    kept: dict[int, Words]

    def look_ahead(self, first: int, last: int, pids: Words) -> Words: ...

    def pids(self, group: Group) -> Words: ...

    def operand(self, operand: Operand, group: Group) -> Words: ...

    def error(self, message: str, at: Span | None = None, processors: Sequence[int] | Words = ()) -> PramError: ...


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
            case UnfinishedCheck():
                _check_unfinished(machine, check, instruction, group)
            case StepCheck():
                _check_step(machine, instruction, group)
    if instruction.trap >= Trap.OPERANDS:
        _check_operands(machine, instruction)


def check_after(machine: Machine, instruction: Instruction, group: Group, value: Words) -> None:
    """Check the values that an instruction has computed.

    Raises: PramError: a check fails.
    """
    for check in instruction.checks:
        match check:
            case ItemsCheck():
                _check_items(machine, check, instruction, group, value)
            case WholeCheck():
                _check_whole(machine, check, instruction, group, value)


def check_cells(machine: Machine, instruction: Instruction, group: Group, cells: Words) -> None:
    """Refuse addresses past the last cell. Only machine code given directly has them: programs fail an index check first."""
    past = cells >= machine.job.space
    if np.count_nonzero(past):
        bad = int(np.argmax(past))
        pid = machine.pids(group)[bad]
        raise machine.error(f"processor {pid}: address {cells[bad]} is past the last cell", instruction.at, [pid])


def _check_operands(machine: Machine, instruction: Instruction) -> None:
    """Refuse constants and parameters that are no words. The address of a store has checks of its own."""
    stores = isinstance(instruction.row.destination, Cell)
    for operand in (instruction.z,) if stores else (instruction.x, instruction.y, instruction.z):
        if operand is not None and operand.kind in ("constant", "parameter"):
            value = machine.job.exact(operand)
            if not machine.job.is_word(value):
                raise machine.error(f"the number {value} used here {_no_word(machine.job, value)}", instruction.at)


def _exact(machine: Machine, subject: Subject, group: Group) -> Words:
    """Return the integers that a check looks at: the exact value of a parameter expression, or the words of an operand."""
    if isinstance(subject, Operand):
        words = machine.operand(subject, group)
        if machine.job.signed and subject.kind != "pid":
            words = to_signed(words, machine.job.word_bits)
        return words if words.ndim else np.full_like(machine.pids(group), words)
    value = _evaluate(machine, subject)
    return np.full_like(machine.pids(group), max(-CLIP_LIMIT, min(value, CLIP_LIMIT)))


def _integer(machine: Machine, subject: Subject, group: Group) -> int:
    """Return the exact integer that a check looks at, which is the same on all processors of a group."""
    return int(_exact(machine, subject, group)[0]) if isinstance(subject, Operand) else _evaluate(machine, subject)


def _evaluate(machine: Machine, expression: Expression) -> int:
    return parameters.evaluate(expression, machine.job.values, machine.job.source)


def _check_index(machine: Machine, check: IndexCheck, instruction: Instruction, group: Group) -> None:
    array = next(a for a in machine.job.arrays if a.name == check.array)
    subject, first, extent = check.subject, array.first(check.axis), array.shape[check.axis]
    if isinstance(subject, Operand) and subject.kind == "register" and not first and not machine.job.signed:  # kept fast
        values = machine.operand(subject, group)
        if not np.count_nonzero(values >= extent):
            return
    values = _exact(machine, subject, group)
    bad = (values < first) | (values >= first + extent)
    if np.count_nonzero(bad):
        at = int(np.argmax(bad))
        which = array.axis_name(check.axis)
        room = f"{first} .. {first + extent - 1}" if extent else "empty"
        pid = machine.pids(group)[at]
        raise machine.error(
            f"processor {pid}: {which}index {values[at]} is outside `{array.name}` ({room})", instruction.at, [pid]
        )


def _check_whole(machine: Machine, check: WholeCheck, instruction: Instruction, group: Group, value: Words) -> None:
    """Keep the exact integer of a part. Check that that of a whole is its word."""
    x, y = (_term(machine, term, instruction, group) for term in (check.x, check.y))
    integers = WORD_OPERATIONS[check.operation].exact(x, y)
    if check.whole is None:
        assert instruction.rd is not None
        machine.kept.setdefault(instruction.rd, np.zeros(machine.job.processors, np.int64))[group] = integers
        return
    bits, signed = machine.job.word_bits, machine.job.signed
    bad = integers != (to_signed(value, bits) if signed else value)
    if np.count_nonzero(bad):
        at = int(np.argmax(bad))
        shown = f"{x[at]} {WORD_OPERATIONS[check.operation].symbol} {y[at]}"
        if isinstance(check.x, Kept) or isinstance(check.y, Kept) or check.operation in ("max", "min"):
            shown = f"`{shown_text(check.whole)}` is {integers[at]}, which"
        pid = machine.pids(group)[at]
        raise machine.error(f"processor {pid}: {misfit(shown, int(integers[at]), bits, signed)}", instruction.at, [pid])


def _term(machine: Machine, term: Subject | Kept, instruction: Instruction, group: Group) -> Words:
    """Return the exact integers of a term of a sum, or of an argument of `max` or `min`."""
    if isinstance(term, Kept):
        return machine.kept[term.register][group]
    if isinstance(term, Operand) and term.kind in ("register", "pid"):
        return _exact(machine, term, group)
    integer = machine.job.exact(term) if isinstance(term, Operand) else _evaluate(machine, term)
    if abs(integer) > LARGEST_TERM:
        raise machine.error(f"the number {integer} used here is too large: a term of a sum is at most 2^40", instruction.at)
    return np.full_like(machine.pids(group), integer)


def _check_items(machine: Machine, check: ItemsCheck, instruction: Instruction, group: Group, value: Words) -> None:
    """Check that every item has a processor and is a word, and that `value` is 1 exactly on the processors with an item."""
    processors, pids, at = machine.job.processors, machine.pids(group), instruction.at
    bounds = [
        (_integer(machine, r.low, group), _integer(machine, r.high, group) - _integer(machine, r.less, group))
        for r in check.ranges
    ]
    extents = [max(0, high - low + 1) for low, high in bounds]
    needed = prod(extents)
    if needed > processors:
        last = "the last item of a range belongs to it, and " if needed == processors + 1 else ""
        hint = f"; {last}`on {processors}` gives a processor several items" if len(bounds) == 1 else ""
        raise machine.error(f"{needed} processors are needed for these items, but procs is {processors}{hint}", at)
    active = pids < needed
    for (low, _), index in zip(bounds, _indices(pids, extents)):
        _check_words(machine, low + index, active, at)
    wrong = np.flatnonzero(active != (value != 0))
    if len(wrong):
        bits, first = machine.job.word_bits, wrong[0]
        largest = largest_word(bits, machine.job.signed)
        if largest not in (high for _, high in bounds):
            ends = [_integer(machine, r.high, group) for r in check.ranges]
            assert largest in ends, "the code is wrong about which processors have an item"
            raise machine.error(f"the range ends at a difference from {largest}, the largest word of {bits} bits", at)
        why = "its end + 1 is not a word" if active[first] else f"processor {pids[first]}, past its end, has no word for its item"
        size = "`word` sets the size" if bits < MAX_WORD_BITS else "words cannot be longer"
        raise machine.error(f"the range ends at {largest}, the largest word of {bits} bits ({size}): {why}", at)


def _indices(pids: Words, extents: list[int]) -> list[Words]:
    """Return the index in each range of the item of each processor. The last range counts fastest."""
    found = []
    for extent in extents[:0:-1]:
        pids, index = np.divmod(pids, max(extent, 1))
        found.append(index)
    return [pids, *found[::-1]]


def _check_words(machine: Machine, items: Words, active: NDArray[np.bool_], at: Span | None) -> None:
    """Refuse items that are not words, if a processor has them."""
    bits, signed = machine.job.word_bits, machine.job.signed
    outside = active & ((items < least_word(bits, signed)) | (items > largest_word(bits, signed)))
    if np.count_nonzero(outside):
        first = int(items[int(np.argmax(outside))])
        raise machine.error(f"item {first} {_no_word(machine.job, first)}", at)


def _no_word(job: Job, value: int) -> str:
    """Return why a number is no word."""
    if value < 0 and not job.signed:
        return f"is negative; `word {job.word_bits} signed` has negative words"
    return f"does not fit a {'signed ' if job.signed else ''}word of {job.word_bits} bits"


def _check_unfinished(machine: Machine, check: UnfinishedCheck, instruction: Instruction, group: Group) -> None:
    """Refuse a run in which some processor would go on after the last round."""
    left = np.broadcast_to(machine.operand(instruction.operand("x"), group), machine.pids(group).shape)
    if left.any():  # all of a group have the same rounds left
        return
    pids = machine.pids(group)
    if check.last:
        pids = pids[machine.look_ahead(check.first, check.last, pids) != 0]
    if len(pids):
        more = "the arrays that tell its rounds have no more cells" if check.by_index else "`atmost` must allow more"
        raise machine.error(
            f"processor {pids[0]} is not done after {machine.rounds.made[check.back]} rounds of this `{check.statement}`; {more}",
            instruction.at,
            pids[:1],
        )


def _check_step(machine: Machine, instruction: Instruction, group: Group) -> None:
    steps = np.broadcast_to(machine.operand(instruction.operand("y"), group), machine.pids(group).shape)
    if not steps.all():
        pid = machine.pids(group)[int(np.argmin(steps))]
        raise machine.error(f"processor {pid}: the step of this `for` is 0", instruction.at, [pid])


def _check_agreement(machine: Machine, statement: str, instruction: Instruction, group: Group) -> None:
    """Check that the condition is true on all running processors, or false on all."""
    values = np.broadcast_to(machine.operand(instruction.operand("x"), group), machine.pids(group).shape)
    other = np.flatnonzero((values != 0) != (values[0] != 0))
    if len(other):
        first, second = machine.pids(group)[0], machine.pids(group)[other[0]]
        raise machine.error(
            f"processors {first} and {second} disagree on this `{statement}` condition: {values[0]} and {values[other[0]]}",
            instruction.at,
            [first, second],
        )


def describe_conflict(job: Job, conflict: Conflict, counter: Words) -> tuple[str, Span | None]:
    """Return the message and the place for a conflict."""
    cell = job.cell_name(conflict.cell)
    at = job.code[int(counter[conflict.processors[0]])].at
    if conflict.kind == "sum":
        return _describe_sum(job, conflict, cell), at
    first, second = sorted(conflict.processors)
    match conflict.kind:
        case "rules":
            signs = (RULE_SIGNS[job.code[int(counter[p])].rule_in(MODES[job.mode].combining)] for p in (first, second))
            which = " and ".join(f"`{sign}`" for sign in signs)
            return f"processors {first} and {second} write {cell} by different rules, {which} (mode {job.mode})", at
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
