"""The instructions of the machine. The machine and the compiler both read the table INSTRUCTIONS.

A row defines three things: the value that the instruction computes, the destination of that value, and the next program
counter. The examples in a row are written by hand. They are the only independent test of the row, since everything else
is derived from it. tests/ runs them on the machine, on the circuit and on the weights.

Each word operation but `copy` is an instruction of the same name. To add another instruction made of word operations, add a row.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Literal, Union

import numpy as np
from numpy.typing import NDArray

from lockstep.pram.access import LEFT, NUMBERS, Combining
from lockstep.pram.errors import Span
from lockstep.pram.syntax import Expression, For, Parallel
from lockstep.pram.word import WORD_OPERATIONS, WordOperation

OperandName = Literal["x", "y", "z"]


@dataclass(frozen=True, slots=True)
class Apply:
    """The value is a word operation applied to operands."""

    operation: str
    operands: tuple[OperandName, ...]


@dataclass(frozen=True, slots=True)
class Fetch:
    """The value is the shared cell whose address is the sum of two operands."""

    address: tuple[OperandName, OperandName] = ("x", "y")


@dataclass(frozen=True, slots=True)
class Cell:
    """The destination is the shared cell whose address is the sum of two operands."""

    address: tuple[OperandName, OperandName] = ("x", "y")


class Next(IntEnum):
    """Where the program counter goes; BRANCH goes to the target when operand x is 0."""

    FOLLOWING, JUMP, BRANCH, STOP = range(4)


@dataclass(frozen=True, slots=True)
class Example:
    """What an instruction does with given operands, in words of `bits` bits.

    memory: the addressed cell before the step.
    value:  the value written; None if nothing is written.
    taken:  whether the program counter goes to the target.
    traps:  whether a machine that checks arithmetic refuses the instruction.
    """

    x: int = 0
    y: int = 0
    z: int = 0
    bits: int = 4
    memory: int = 0
    value: int | None = None
    taken: bool = False
    traps: bool = False


@dataclass(frozen=True)
class Row:
    """One row of INSTRUCTIONS."""

    name: str
    operands: str
    value: Apply | Fetch | None
    destination: Literal["register"] | Cell | None
    next: Next
    examples: tuple[Example, ...]


def _word(operation: WordOperation) -> Row:
    """`name rd, x, y`: a word operation; `name rd, x` if it takes one word."""
    shown = tuple(Example(x=e[0], y=e[1], value=e[2], traps=len(e) > 3) for e in operation.examples)
    names: tuple[OperandName, ...] = ("x", "y")
    names = names[: operation.operands]
    return Row(operation.name, ", ".join(("rd", *names)), Apply(operation.name, names), "register", Next.FOLLOWING, shown)


INSTRUCTIONS = {
    row.name: row
    for row in (
        Row("mov", "rd, x", Apply("copy", ("x",)), "register", Next.FOLLOWING,
            (Example(x=0, value=0), Example(x=9, value=9), Example(x=15, value=15))),
        *(_word(operation) for operation in WORD_OPERATIONS.values() if operation.name != "copy"),
        Row("load", "rd, [x + y]", Fetch(), "register", Next.FOLLOWING,
            (Example(x=2, y=3, memory=11, value=11), Example(x=0, y=0, memory=15, value=15),
             Example(x=9, y=9, memory=6, value=6))),
        Row("store", "[x + y], z", Apply("copy", ("z",)), Cell(), Next.FOLLOWING,
            (Example(x=2, y=3, z=11, value=11), Example(x=15, y=0, z=0, value=0), Example(x=9, y=9, z=5, value=5))),
        Row("jmp", "L", None, None, Next.JUMP, (Example(taken=True),)),
        Row("jz", "x, L", None, None, Next.BRANCH, (Example(x=0, taken=True), Example(x=1), Example(x=8), Example(x=15))),
        Row("nop", "", None, None, Next.FOLLOWING, (Example(),)),
        Row("halt", "", None, None, Next.STOP, (Example(),)),
    )
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Operand:
    """A register, a constant, a derived parameter, or the processor's own pid.

    number: of a register or a parameter its number, of a constant its value.
    """

    kind: Literal["register", "constant", "parameter", "pid"]
    number: int = 0


PID = Operand("pid")


def constant(value: int) -> Operand:
    return Operand("constant", value)


Subject = Union[Operand, Expression]


@dataclass(frozen=True, slots=True)
class IndexCheck:
    """The subject must be less than the array's extent along an axis."""

    array: str
    axis: int
    subject: Subject


@dataclass(frozen=True, slots=True)
class ItemRange:
    """One range of a `parallel for`, both ends included. Its end is high - less."""

    low: Subject
    high: Subject
    less: Subject = constant(0)


@dataclass(frozen=True, slots=True)
class ItemsCheck:
    """Every item of a `parallel for` must be a word and have a processor. The last range counts fastest.

    The instruction's value must be 1 exactly on the processors that have an item. It may be wrong if a range ends at the
    largest word, or at a difference from it; then the run is refused.
    """

    ranges: tuple[ItemRange, ...]


@dataclass(frozen=True, slots=True)
class AgreementCheck:
    """All running processors must find operand x zero, or all not zero."""

    statement: str


@dataclass(frozen=True, slots=True)
class UnfinishedCheck:
    """In a loop in which each processor stops for itself, nobody may go on when operand x, the rounds left, is 0.

    Processors go on if operand x of instruction `last` would not be 0, after the instructions from `first` on. A `repeat`, whose
    condition stands at its end, has no such instructions: whoever gets here goes on. `back`: the jump that ends a round.
    `by_index`: arrays told the number of rounds.
    """

    statement: str
    back: int
    first: int = 0
    last: int = 0
    by_index: bool = False


@dataclass(frozen=True, slots=True)
class StepCheck:
    """Operand y, the step of a `for`, must not be 0."""


@dataclass(frozen=True, slots=True)
class Kept:
    """The exact integer that the machine keeps for a register, beside its word."""

    register: int


@dataclass(frozen=True, slots=True)
class WholeCheck:
    """The instruction belongs to a sum, or to a `max` and its arguments, of which only the whole must be a word.

    operation: what it computes of the integers x and y. whole: the expression whose value must be a word; None if this is a
    part of one: then the machine keeps the exact integer for the register that it writes.
    """

    operation: Literal["add", "sub", "max", "min"]
    x: Subject | Kept
    y: Subject | Kept
    whole: Expression | None


Check = Union[IndexCheck, ItemsCheck, AgreementCheck, UnfinishedCheck, StepCheck, WholeCheck]

#: What a branch tests: a condition, whether a `for` has one more round, or whether a `parallel` has an item for the processor.
Decision = Union[Expression, For, Parallel]


class Trap(IntEnum):
    """Which errors an instruction checks for. Each of these kinds has the checks of those before it.

    UNDEFINED is for results that are not defined, OPERANDS for operands that are no words, ARITHMETIC for overflows, and SIGNED
    for those of signed words.
    """

    NOTHING, UNDEFINED, OPERANDS, ARITHMETIC, SIGNED = range(5)


@dataclass(frozen=True, slots=True)
class Instruction:
    """One instruction: the name of its row, its operands, and fields that only the machine uses.

    run_by_all: it is outside `parallel` and `single` in the program text, so all processors run it.
    idle:       it is part of a pad, which idle processors run.
    decides:    what a branch tests; the branch jumps if that is false.

    rule is no such field: it says how a store is combined with other writes of its step, where the mode combines writes; None: as
    the mode says.
    """

    name: str
    x: Operand | None = None
    y: Operand | None = None
    z: Operand | None = None
    rd: int | None = None
    target: int | None = None
    at: Span | None = field(default=None, compare=False)
    trap: Trap = Trap.NOTHING
    checks: tuple[Check, ...] = ()
    run_by_all: bool = False
    idle: bool = field(default=False, compare=False)
    decides: Decision | None = field(default=None, compare=False)
    rule: Combining | None = None

    def rule_in(self, combining: Combining) -> Combining:
        """Return how a store combines writes, in a mode that does it in this way."""
        return combining if combining == "order" else self.rule or combining

    @property
    def row(self) -> Row:
        return INSTRUCTIONS[self.name]

    @property
    def jumps_to(self) -> int:
        """The target of a jump or branch."""
        assert self.target is not None, f"{self.name} has no target"
        return self.target

    @property
    def stores(self) -> bool:
        """Whether its destination is a shared cell."""
        return isinstance(self.row.destination, Cell)

    def operand(self, name: OperandName) -> Operand:
        """Return an operand that the row has."""
        operand: Operand | None = getattr(self, name)
        assert operand is not None, f"{self.name} has no operand {name}"
        return operand


def rules_of(code: Iterable[Instruction], combining: Combining) -> tuple[Combining, ...]:
    """Return how the stores of a code combine writes, in a mode that does it in this way; where it stores nothing, as the mode says."""
    found = {instruction.rule_in(combining) for instruction in code if instruction.stores} or {combining}
    return tuple(rule for rule in LEFT if rule in found)


def rule_numbers(code: Iterable[Instruction], combining: Combining) -> NDArray[np.int64] | None:
    """Return the number of the rule of each instruction; None in a mode that combines no writes."""
    if combining == "order":
        return None
    return np.array([NUMBERS[instruction.rule_in(combining)] for instruction in code], np.int64)
