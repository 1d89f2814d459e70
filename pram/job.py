"""A job: machine code with its memory, processors and word size, as they are before the first step."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lockstep.pram.access import MODES, Combining
from lockstep.pram.contracts.kinds import Contracts
from lockstep.pram.errors import PramError, Source, fail
from lockstep.pram.instructions import Instruction, Next, Operand, rules_of
from lockstep.pram.winner import LOWEST, Winner
from lockstep.pram.word import MAX_WORD_BITS, MIN_WORD_BITS, largest_word, least_word, to_signed, wrap

#: The most cells, and the most processors, of a job.
MAX_CELLS = MAX_PROCESSORS = 1 << MAX_WORD_BITS
#: The most registers of all processors together: 1 GiB.
MAX_REGISTERS = 1 << 27


@dataclass(frozen=True, slots=True)
class Array:
    """A named range of shared memory; `shape` is () for a scalar, else one to three extents.

    firsts: the first subscript along each axis; empty if all are 0. signed_bits: the bits of a word, if words are signed; else 0.
    """

    name: str
    role: str
    base: int
    shape: tuple[int, ...]
    low: int | None = None
    high: int | None = None
    firsts: tuple[int, ...] = ()
    signed_bits: int = 0

    def first(self, axis: int) -> int:
        """Return the first subscript along an axis."""
        return self.firsts[axis] if self.firsts else 0

    def axis_name(self, axis: int) -> str:
        """Return what messages call an axis: `row ` and `column ` of two, else its number."""
        if self.role == "local":
            axis -= 1  # its first axis is the processor
        axes = len(self.shape) - (self.role == "local")
        return "" if axes == 1 else ("row ", "column ")[axis] if axes == 2 else f"{('first', 'second', 'third')[axis]} "

    @property
    def size(self) -> int:
        return prod(self.shape)

    @property
    def is_input(self) -> bool:
        return self.role in ("input", "inout")

    @property
    def is_output(self) -> bool:
        return self.role in ("output", "inout")

    def read(self, memory: NDArray[np.int64]) -> Any:
        """Return its entries in a memory, int64 [space]: a number, a list, or a list of rows."""
        words = memory[self.base : self.base + self.size].reshape(self.shape)
        return (to_signed(words, self.signed_bits) if self.signed_bits else words).tolist()

    def cell(self, offset: int) -> str:
        """Return the name of an entry as programs write it, such as `A[3]`."""
        subscripts = [int(index) + self.first(axis) for axis, index in enumerate(np.unravel_index(offset, self.shape))]
        return f"{self.name}[{', '.join(map(str, subscripts))}]" if self.shape else self.name


@dataclass(frozen=True)
class Job:
    """Everything that determines a run. The machine runs it, and compiled models generate its run.

    memory:     int64 [space], the cells before the first step. The first `inputs` cells are the input, the others start at 0.
    parameters: the derived parameters as exact integers. One that is not a word is an error only where it is used.
    outputs:    the cells that are the result.
    values:     the values of the names that checks use (the program's parameters).
    winner:     who wins concurrent writes, if the mode leaves that open.
    signed:     words are signed: constants and parameters may be negative. Memory holds their bits.
    contracts:  what the machine checks while it runs. They are no part of what is compiled.
    """

    code: tuple[Instruction, ...]
    registers: int
    processors: int
    word_bits: int
    mode: str
    memory: NDArray[np.int64]
    parameters: tuple[int, ...] = ()
    inputs: int = 0
    outputs: range = range(0)
    arrays: tuple[Array, ...] = ()
    values: Mapping[str, int] = field(default_factory=dict)
    source: Source | None = None
    name: str = "machine code"
    winner: Winner = LOWEST
    signed: bool = False
    contracts: Contracts = Contracts()

    def __post_init__(self) -> None:
        if not MIN_WORD_BITS <= self.word_bits <= MAX_WORD_BITS:
            raise self.error(f"word size {self.word_bits} is not in {MIN_WORD_BITS} .. {MAX_WORD_BITS}")
        if self.mode not in MODES:
            raise self.error(f"unknown access mode {self.mode!r}")
        if self.winner != LOWEST and not MODES[self.mode].winner_open:
            raise self.error(f"mode {self.mode} leaves no winner open, so `{self.winner}` cannot be chosen")
        if not 1 <= self.processors <= 1 << self.word_bits:
            raise self.error(
                f"{self.processors} processors: a pid is a word of {self.word_bits} bits, so there can be 1 .. {1 << self.word_bits}"
            )
        if self.space > 1 << self.word_bits:
            raise self.error(
                f"{self.space} cells: an address is a word of {self.word_bits} bits, so there can be at most {1 << self.word_bits}"
            )
        if not (0 <= self.inputs <= self.space and 0 <= self.outputs.start <= self.outputs.stop <= self.space):
            raise self.error(f"{self.inputs} inputs and outputs {self.outputs} are not in {self.space} cells")
        for index, instruction in enumerate(self.code):
            self._check_flow(index, instruction)

    def _check_flow(self, index: int, instruction: Instruction) -> None:
        follows = instruction.row.next in (Next.FOLLOWING, Next.BRANCH)
        jumps = instruction.row.next in (Next.JUMP, Next.BRANCH)
        if follows and index + 1 == len(self.code):
            raise self.error("the program counter runs off the end of the code")
        if jumps and not 0 <= (-1 if instruction.target is None else instruction.target) < len(self.code):
            raise self.error(f"instruction {index} jumps to {instruction.target}, which is not in the code")

    @property
    def space(self) -> int:
        """Cells allocated."""
        return len(self.memory)

    @property
    def state_words(self) -> int:
        """The words of shared memory, and of each processor's registers and program counter: S + P (k + 1)."""
        return self.space + self.processors * (self.registers + 1)

    @property
    def winner_record(self) -> dict[str, str]:
        """Who wins concurrent writes, for JSON; empty if the mode leaves no winner open."""
        return {"winner": str(self.winner)} if MODES[self.mode].winner_open else {}

    @property
    def rules(self) -> tuple[Combining, ...]:
        """How its stores combine concurrent writes."""
        return rules_of(self.code, MODES[self.mode].combining)

    def error(self, message: str) -> PramError:
        return fail(message, self.source)

    def is_word(self, value: int) -> bool:
        return least_word(self.word_bits, self.signed) <= value <= largest_word(self.word_bits, self.signed)

    def word_of(self, operand: Operand) -> int:
        """Return the word of a constant or parameter."""
        return wrap(self.exact(operand), self.word_bits)

    def exact(self, operand: Operand) -> int:
        """Return the exact integer of a constant or parameter."""
        return operand.number if operand.kind == "constant" else self.parameters[operand.number]

    def array_at(self, cell: int) -> Array | None:
        return next((a for a in self.arrays if a.base <= cell < a.base + a.size), None)

    def cell_name(self, cell: int) -> str:
        """Return the name of a cell as programs write it."""
        array = self.array_at(cell)
        return array.cell(cell - array.base) if array else f"cell {cell}"
