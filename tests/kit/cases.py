"""One table of small jobs that machine, circuit and weights are all run on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lockstep.pram.instructions import INSTRUCTIONS, Example, Instruction, Operand
from lockstep.pram.job import Job

#: Example programs with the size at which a dense decode takes well under a second.
EXAMPLE_SIZES = {
    "tree_sum": 3, "hillis_steele": 3, "bitonic_sort": 2, "list_rank": 2, "closure": 1, "components": 1, "dyck": 1,
}  # fmt: skip


def job(*code: Instruction, registers: int = 4, processors: int = 1, word_bits: int = 4, mode: str = "EREW",
        memory: tuple[int, ...] = (), parameters: tuple[int, ...] = (), outputs: range = range(0)) -> Job:  # fmt: skip
    """A job of raw machine code, halting at the end; memory has 2^word_bits cells, the first ones given."""
    cells = np.zeros(1 << word_bits, np.int64)
    cells[: len(memory)] = memory
    return Job(
        code=(*code, Instruction("halt")), registers=registers, processors=processors, word_bits=word_bits, mode=mode,
        memory=cells, parameters=parameters, inputs=len(memory), outputs=outputs,
    )  # fmt: skip


@dataclass(frozen=True)
class ExampleCase:
    """A row of the instruction table's examples column as a job of one instruction and a halt."""

    name: str
    example: Example

    def __str__(self) -> str:
        return f"{self.name}({self.example.x}, {self.example.y}, {self.example.z})"

    def job(self) -> Job:
        """Operands are parameters, the destination register 1, the target the second halt."""
        operands = {o: Operand("parameter", i) for i, o in enumerate("xyz")}
        row, e = INSTRUCTIONS[self.name], self.example
        memory = [0] * (1 << e.bits)
        memory[(e.x + e.y) % (1 << e.bits)] = e.memory
        code = Instruction(
            self.name, *(operands[o] if o in row.operands.replace("rd", "") else None for o in "xyz"),
            rd=1 if "rd" in row.operands else None, target=2 if "L" in row.operands else None,
        )  # fmt: skip
        inputs = tuple(memory) if self.name == "load" else ()
        return job(code, Instruction("halt"), word_bits=e.bits, memory=inputs, parameters=(e.x, e.y, e.z))


EXAMPLES = [ExampleCase(name, example) for name, row in INSTRUCTIONS.items() for example in row.examples]
