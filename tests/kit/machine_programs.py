"""Random machine programs, for tests and benchmarks.

`machine_jobs` writes code from small blocks: straight instructions, forward skips and diamonds whose
branches run side by side, counted loops, wild jumps. Addresses crowd around cell 0, so that processors
meet there; where the mode forbids that, most accesses go to cells of the processor's own. A job may
still be refused, or never halt: `runs` gives None for those.

Hypothesis takes a tenth of a millisecond for each value that it draws, and a job takes a hundred choices. So Hypothesis
draws bytes, and `Choices` makes choices of them. Zeros are the first option everywhere, and each block starts new bytes.
Thus Hypothesis can shrink a job: it sets bytes to zero, and leaves out blocks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TypeVar

import numpy as np
from hypothesis import strategies as st

from lockstep.pram.access import MODES, Mode
from lockstep.pram.errors import PramError
from lockstep.pram.instructions import INSTRUCTIONS, Cell, Fetch, Instruction, Next, Operand
from lockstep.pram.job import Job
from lockstep.pram.machine import Run, run

PID = Operand("pid")

#: Modes in which every head of a model reads one row, which is what the active engine takes.
LOOKUPS = [name for name, mode in MODES.items() if mode.combining != "sum"]

#: Conditions that tell processors apart, of pid and another operand.
TELLING_APART = ["and", "shr", "xor", "sub", "eq", "ne", "lt", "le", "gt", "ge", "slt", "sle", "sgt", "sge"]

#: What makes registers differ.
DIFFERING = ["load", "load", "add", "xor", "mul", "sub", "saddsat"]

#: Most instructions that a block draws come from here: those that no other list has are drawn twice as often, so that each
#: is met often. Memory accesses are what makes processors meet.
FOLLOWING = [row.name for row in INSTRUCTIONS.values() if row.next is Next.FOLLOWING]
STRAIGHT = FOLLOWING + [name for name in FOLLOWING if name not in TELLING_APART + DIFFERING] + ["load", "store"] * 7

BLOCKS = ["straight"] * 4 + ["diamond"] * 3 + ["meeting"] * 10 + ["together"] * 2 + ["skip", "alone", "loop", "jump"]


def machine_jobs(
    *,
    modes: Sequence[str] = tuple(MODES),
    word_bits: Sequence[int] = (4, 8),
    processors: Sequence[int] = (1, 2, 3, 5, 8),
    max_code: int = 24,
    reckless: bool = False,
) -> st.SearchStrategy[Job]:
    """Jobs of 4 .. max_code instructions with 1 .. 4 registers and parameters, and 2^word_bits cells.

    Args: reckless: written as if the mode allowed whatever processors do to one cell, so that many are refused.
    """
    return _jobs(tuple(modes), tuple(word_bits), tuple(processors), max_code, reckless)


def runs(job: Job, max_steps: int = 40, seed: int | None = None) -> Run | None:
    """The run with its trace; None when the machine refuses it or does not halt in time."""
    try:
        return run(job, max_steps=max_steps, seed=seed, trace=True)
    except PramError:
        return None


Option = TypeVar("Option")


class Choices:
    """Choices made of bytes that Hypothesis draws when they are needed, so many at a time."""

    CHUNK = st.binary(min_size=32, max_size=32)

    def __init__(self, draw: st.DrawFn) -> None:
        self.draw = draw
        self.start()

    def start(self) -> None:
        """Leave the bytes that are drawn, and go on with new ones."""
        self.left = b""

    def below(self, end: int) -> int:
        """A number of 0 .. end - 1. None is more than 1/16 more likely than another."""
        size = ((end - 1).bit_length() + 11) // 8
        if len(self.left) < size:
            self.left += self.draw(self.CHUNK)
        taken, self.left = self.left[:size], self.left[size:]
        return int.from_bytes(taken, "big") % end

    def of(self, options: Sequence[Option]) -> Option:
        return options[self.below(len(options))]

    def word(self, bits: int) -> int:
        """A word of so many bits, which is often one of the least or the largest."""
        return self.of([0, 1, 2, (1 << bits) - 1]) if self.below(4) == 0 else self.below(1 << bits)


@st.composite
def _jobs(draw: st.DrawFn, modes: tuple[str, ...], word_bits: tuple[int, ...], processors: tuple[int, ...], max_code: int,
          reckless: bool) -> Job:  # fmt: skip
    choices = Choices(draw)
    bits = choices.of(word_bits)
    given = [choices.word(bits) for _ in range(choices.below(7))]
    first = choices.below(7)
    # Longer code meets more
    lengths = [*range(3, max_code), *range(max(3, max_code // 2), max_code)]
    empty = Job(
        code=(),
        registers=1 + choices.below(4),
        processors=choices.of(processors),
        word_bits=bits,
        mode=choices.of(modes),
        memory=np.array(given + [0] * ((1 << bits) - len(given)), np.int64),
        parameters=tuple(_parameter(choices, bits) for _ in range(1 + choices.below(4))),
        inputs=len(given),
        outputs=range(first, first + choices.below(7)),
    )
    allows = "CRCW arbitrary" if reckless else empty.mode
    return replace(empty, code=_Writer(choices, empty, MODES[allows]).code(choices.of(lengths)))


def _parameter(choices: Choices, bits: int) -> int:
    """Where nothing traps, a parameter that is no word stands for its value modulo 2^bits."""
    return choices.below(4) if choices.below(2) == 0 else choices.below((1 << bits) + 7) - 3


class _Writer:
    """Chooses the code of a job whose other fields are known, as if its mode allowed what `mode` does.

    Blocks are lists of instructions with absolute targets; a target may be the place just behind the
    block. Cutting the code to its length only moves targets to the final halt.
    """

    def __init__(self, choices: Choices, job: Job, mode: Mode) -> None:
        self.choices, self.of, self.below, self.job, self.mode = choices, choices.of, choices.below, job, mode
        words, p = 1 << job.word_bits, job.processors
        registers = [Operand("register", r) for r in range(job.registers)]
        parameters = [Operand("parameter", i) for i in range(len(job.parameters))]
        # The same in every processor: what concurrent writers may write under CRCW common.
        self.uniform = _constants(1, 1, 1, 2, words - 1) + parameters[:1]
        self.any = registers * 3 + [PID] * 2 + parameters + _constants(0, 1, 2, 3, job.word_bits, words - 1)
        self.hot = registers + [PID] + parameters[:1] + _constants(0, 0, 0, 0, 1, 1, 2)
        self.near = registers[:1] + parameters[:1] + _constants(0, 0, 0, 0, 1, words - 1)
        self.different = registers + [PID] * 2 + parameters
        # Compared with pid, these mostly tell processors apart.
        self.some_pid = _constants(*range(1, max(2, p))) * 3 + parameters + registers
        # Added to pid, all but the last keep processors apart wherever they stand.
        self.bases = _constants(*[0] * 8, *[p % words] * 4, -p % words, words - 1)

    def code(self, length: int) -> tuple[Instruction, ...]:
        """`length` instructions and a final halt; the first ones make registers differ."""
        code = [self.differing(r) for r in range(self.job.registers)]
        while len(code) < length:
            self.choices.start()
            code += getattr(self, self.of(BLOCKS))(len(code))
        cut = (i if i.target is None else replace(i, target=min(i.target, length)) for i in code[:length])
        return (*cut, Instruction("halt"))

    # -- instructions --------------------------------------------------------------------------

    def differing(self, register: int) -> Instruction:
        """An instruction that gives a register a different word in every processor, more or less."""
        name = self.of(DIFFERING)
        x, y = self.either_way(PID, self.of(self.bases if name == "load" else self.any))
        return Instruction(name, x, y, rd=register)

    def instruction(self, name: str, *, alone: bool = False) -> Instruction:
        """A random instruction without target. alone: only one processor will execute it."""
        row = INSTRUCTIONS[name]
        fields = row.operands.replace("[", "").replace("]", "").replace("+", ",").replace(" ", "").split(",")
        x, y, z = (self.of(self.any) if f in fields else None for f in ("x", "y", "z"))
        if isinstance(row.value, Fetch):
            x, y = self.address(alone or self.mode.concurrent_reads)
        if isinstance(row.destination, Cell):
            x, y = self.address(alone or self.mode.concurrent_writes)
            if self.below(4):
                z = self.of(self.uniform if self.mode.same_value else self.different)
        return Instruction(name, x, y, z, self.below(self.job.registers) if "rd" in fields else None)

    def address(self, meet: bool) -> tuple[Operand, Operand]:
        """Operands of an address: near cell 0, or (mostly, where processors may not meet) one's own."""
        if self.below(8) < (6 if meet or self.job.processors == 1 else 1):
            return self.either_way(self.of(self.hot), self.of(self.near))
        return self.either_way(PID, self.of(self.bases))

    def either_way(self, x: Operand, y: Operand) -> tuple[Operand, Operand]:
        return (x, y) if self.below(2) else (y, x)

    def body(self, most: int = 3, *, alone: bool = False) -> list[Instruction]:
        names = STRAIGHT + ["halt"]
        return [self.instruction(self.of(names), alone=alone) for _ in range(1 + self.below(most))]

    def condition(self) -> tuple[list[Instruction], Operand]:
        """Instructions before a branch and the operand that it looks at."""
        if self.below(4) == 0:
            return [], self.of(self.any)
        register = self.below(self.job.registers)
        name = self.of(TELLING_APART)
        x, y = self.either_way(PID, self.of(self.some_pid))
        return [Instruction(name, x, y, rd=register)], Operand("register", register)

    # -- blocks, by their names in BLOCKS; `start` is the place of their first instruction ---------

    def straight(self, start: int) -> list[Instruction]:
        return [self.instruction(self.of(STRAIGHT))]

    def skip(self, start: int) -> list[Instruction]:
        before, x = self.condition()
        body = self.body()
        return [*before, Instruction("jz", x, target=start + len(before) + 1 + len(body)), *body]

    def diamond(self, start: int, first: tuple[Instruction, ...] = (), second: tuple[Instruction, ...] = ()) -> list[Instruction]:
        """if-then-else: the branches start in the same step, with `first` and `second`."""
        before, x = self.condition()
        then, other = [*first, *self.body()], [*second, *self.body()]
        middle = start + len(before) + len(then) + 2
        return [*before, Instruction("jz", x, target=middle), *then, Instruction("jmp", target=middle + len(other)), *other]

    def meeting(self, start: int) -> list[Instruction]:
        """A diamond in which a load meets a store, of one cell where the mode lets it."""
        load, store = self.instruction("load"), self.instruction("store")
        if self.mode.concurrent_writes and self.mode.concurrent_reads:
            load = replace(load, x=store.x, y=store.y)
        elif self.mode.concurrent_reads:  # processors store to their own cells, so load somebody else's
            load = replace(load, x=self.of(self.some_pid), y=store.y if store.x == PID else store.x)
        return self.diamond(start, (load,), (store,))

    def together(self, start: int) -> list[Instruction]:
        """All who are here store to one cell near 0, if the mode lets them; otherwise a straight instruction."""
        if not self.mode.concurrent_writes:
            return self.straight(start)
        x, y = self.either_way(Operand("constant", self.below(3)), Operand("constant", 0))
        return [Instruction("store", x, y, self.of(self.uniform if self.mode.same_value else self.different))]

    def alone(self, start: int) -> list[Instruction]:
        """A body for one processor, which may touch what it likes."""
        one, flag = Operand("constant", self.below(self.job.processors)), self.below(self.job.registers)
        body = self.body(alone=True)
        jump = Instruction("jz", Operand("register", flag), target=start + 2 + len(body))
        return [Instruction("eq", PID, one, rd=flag), jump, *body]

    def loop(self, start: int) -> list[Instruction]:
        """At most three rounds, as many as pid or a constant says; other registers are free to change."""
        count = self.below(self.job.registers)
        counter, rounds = Operand("register", count), Operand("constant", 1 + self.below(3))
        set_up = Instruction("and", PID, rounds, rd=count) if self.below(2) else Instruction("mov", rounds, rd=count)
        body = [self._spare(count, i) for i in self.body(2)]
        leave = Instruction("jz", counter, target=start + len(body) + 4)
        down = Instruction("sub", counter, Operand("constant", 1), rd=count)
        return [set_up, leave, *body, down, Instruction("jmp", target=start + 1)]

    def _spare(self, register: int, instruction: Instruction) -> Instruction:
        if instruction.rd != register:
            return instruction
        if self.job.registers == 1:
            return self.instruction("store")
        return replace(instruction, rd=(register + 1) % self.job.registers)

    def jump(self, start: int) -> list[Instruction]:
        """A jump or branch, forward or (rarely) anywhere: such a program may loop forever."""
        target = self.below(start + 1) if self.below(8) == 0 else start + 1 + self.below(4)
        if self.below(2):
            return [Instruction("jz", self.of(self.any), target=target)]
        return [Instruction("jmp", target=target)]


def _constants(*values: int) -> list[Operand]:
    return [Operand("constant", value) for value in values]
