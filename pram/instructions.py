"""The instructions of the machine. The machine and the compiler both read the table INSTRUCTIONS.

A row defines three things: the value that the instruction computes, the destination of that value, and the next program
counter. The examples in a row are written by hand. They are the only independent test of the row, since everything else
is derived from it. tests/ runs them on the machine, on the circuit and on the weights.

To add an instruction made of existing word operations, add a row.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum
from typing import Literal, Union

from lockstep.pram.errors import Span
from lockstep.pram.syntax import Expression, For, Parallel

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


def _word(name: str, *examples: tuple[int, ...]) -> Row:
    """`name rd, x, y`: a word operation; examples are (x, y, result) or (x, y, result, traps)."""
    shown = tuple(Example(x=e[0], y=e[1], value=e[2], traps=len(e) > 3) for e in examples)
    return Row(name, "rd, x, y", Apply(name, ("x", "y")), "register", Next.FOLLOWING, shown)


INSTRUCTIONS = {
    row.name: row
    for row in (
        Row("mov", "rd, x", Apply("copy", ("x",)), "register", Next.FOLLOWING,
            (Example(x=0, value=0), Example(x=9, value=9), Example(x=15, value=15))),
        _word("add", (3, 4, 7), (0, 0, 0), (7, 8, 15), (9, 8, 1, 1), (15, 15, 14, 1)),
        _word("addsat", (3, 4, 7), (0, 0, 0), (7, 8, 15), (9, 8, 15), (1, 15, 15), (15, 15, 15)),
        _word("sub", (9, 4, 5), (4, 4, 0), (3, 5, 14, 1), (0, 15, 1, 1)),
        _word("mul", (3, 5, 15), (0, 9, 0), (1, 13, 13), (7, 7, 1, 1), (15, 15, 1, 1)),
        _word("and", (12, 10, 8), (15, 6, 6), (5, 10, 0)),
        _word("or", (12, 10, 14), (5, 10, 15), (0, 0, 0)),
        _word("xor", (12, 10, 6), (15, 15, 0), (5, 10, 15)),
        _word("shl", (3, 2, 12), (1, 3, 8), (9, 0, 9), (9, 1, 2, 1), (1, 4, 0, 1), (0, 9, 0, 1)),
        _word("shr", (12, 2, 3), (15, 3, 1), (9, 0, 9), (15, 4, 0, 1), (8, 15, 0, 1)),
        _word("eq", (7, 7, 1), (7, 8, 0), (0, 15, 0)),
        _word("ne", (7, 7, 0), (7, 8, 1), (0, 15, 1)),
        _word("lt", (3, 4, 1), (4, 4, 0), (15, 0, 0)),
        _word("le", (3, 4, 1), (4, 4, 1), (15, 0, 0)),
        _word("gt", (3, 4, 0), (4, 4, 0), (15, 0, 1)),
        _word("ge", (3, 4, 0), (4, 4, 1), (15, 0, 1)),
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
    """One range of a `parallel for`: processor pid has item low + (pid >> shift) % 2^width.

    `width` is None for the first range, whose index takes all the high bits of pid.
    """

    low: Subject
    high: Subject
    shift: Expression
    width: Expression | None


@dataclass(frozen=True, slots=True)
class ItemsCheck:
    """Every item of a `parallel for` must be a word and have a processor.

    The instruction's value must be 1 exactly on the processors that have an item. It may be wrong if a range ends at the
    largest word; then the run is refused.
    """

    ranges: tuple[ItemRange, ...]


@dataclass(frozen=True, slots=True)
class AgreementCheck:
    """All running processors must find operand x zero, or all not zero."""

    statement: str


Check = Union[IndexCheck, ItemsCheck, AgreementCheck]

#: What a branch tests: a condition, whether a `for` has one more round, or whether a `parallel` has an item for the processor.
Decision = Union[Expression, For, Parallel]


class Trap(IntEnum):
    """Which errors an instruction checks for: none, operands that are not words, or also arithmetic that overflows."""

    NOTHING, OPERANDS, ARITHMETIC = range(3)


@dataclass(frozen=True, slots=True)
class Instruction:
    """One instruction: the name of its row, its operands, and fields that only the machine uses.

    run_by_all: it is outside `parallel` and `single` in the program text, so all processors run it.
    idle:       it is part of a pad, which idle processors run.
    decides:    what a branch tests; the branch jumps if that is false.
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

    @property
    def row(self) -> Row:
        return INSTRUCTIONS[self.name]

    @property
    def jumps_to(self) -> int:
        """The target of a jump or branch."""
        assert self.target is not None, f"{self.name} has no target"
        return self.target

    def operand(self, name: OperandName) -> Operand:
        """Return an operand that the row has."""
        operand: Operand | None = getattr(self, name)
        assert operand is not None, f"{self.name} has no operand {name}"
        return operand
