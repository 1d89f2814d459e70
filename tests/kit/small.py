"""Small jobs that bring out one difficulty each, and one that uses everything, with its models; checks run on them."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from random import Random

from kit.cases import EXAMPLES, job
from lockstep.compiler.compile import CONSTRUCTIONS, Compiled, compile_code
from lockstep.compiler.processor import Code
from lockstep.pram.errors import PramError
from lockstep.pram.instructions import Instruction, Operand, Trap
from lockstep.pram.job import Job
from lockstep.pram.program import parse_program
from lockstep.pram.word import WORD_OPERATIONS
from lockstep.proofs_check.fuzzing.random_programs import TextCase, language_program

PID = Operand("pid")
R0, R1, R2, R3 = (Operand("register", i) for i in range(4))


def number(value: int) -> Operand:
    return Operand("constant", value)


#: Operands of every kind; instructions take them in turn.
OPERANDS = (
    Operand("register", 0), Operand("constant", 2), Operand("parameter", 1), Operand("register", 1), PID, Operand("constant", 1),
    Operand("parameter", 0),
)  # fmt: skip
OPERATIONS = (
    "add", "sub", "mul", "and", "or", "xor", "shl", "shr", "eq", "ne", "lt", "le", "gt", "ge", "addsat",
    "div", "max", "min", "lg", "log", "ctz", "popcount",
    "saddsat", "sdiv", "smax", "smin", "sar", "slt", "sle", "sgt", "sge",
)  # fmt: skip


def everything() -> tuple[Instruction, ...]:
    """Every instruction, operands of every kind, jumps both ways; job() adds a halt."""
    r0, c2, p1, r1, *_ = OPERANDS
    turn = OPERANDS * 6
    words = [
        Instruction(name, turn[i], turn[i + 3] if WORD_OPERATIONS[name].operands > 1 else None, rd=i % 2)
        for i, name in enumerate(OPERATIONS)
    ]
    branches = [
        Instruction("jz", r1, target=37),
        Instruction("jmp", target=38),
        Instruction("jz", Operand("constant", 1), target=2),
    ]
    memory = [Instruction("load", r1, p1, rd=1), Instruction("store", r0, c2, r1), Instruction("store", PID, p1, c2)]
    return (Instruction("mov", r1, rd=0), *words, *memory, *branches, Instruction("nop"))


def small_job(word_bits: int = 2, processors: int = 2) -> Job:
    return job(
        *everything(), registers=2, processors=processors, word_bits=word_bits, mode="CRCW priority", memory=(1, 3, 2),
        parameters=(1, 3), outputs=range(3),
    )  # fmt: skip


def small_model(construction: str, word_bits: int = 2, dtype: str = "float64") -> Compiled:
    """Its code with room for runs of 63 steps, or of 127 tokens."""
    code = Code.of(small_job(word_bits))
    bits = 6 if construction == "mdm" else 7
    return compile_code(code, CONSTRUCTIONS[construction].of_bits(word_bits, bits, 1), dtype, construction)


def hot_cell(processors: int = 4, rounds: int = 2, word_bits: int = 4) -> Job:
    """All processors write their pid + round to one cell and read it back, under CRCW priority."""
    code: list[Instruction] = []
    for n in range(rounds):
        code += [
            Instruction("add", PID, number(n), rd=0),
            Instruction("store", number(0), number(0), R0),
            Instruction("load", number(0), number(0), rd=1),
            Instruction("store", PID, number(1), R1),
        ]
    return job(
        *code, processors=processors, mode="CRCW priority", word_bits=word_bits, memory=(9,), outputs=range(0, processors + 1)
    )


def counted_cell(processors: int = 3) -> Job:
    """Some processors write one cell, read it, and keep a count in a register."""
    return job(
        Instruction("add", PID, number(3), rd=0),
        Instruction("store", number(2), number(0), R0),
        Instruction("load", number(2), number(0), rd=1),
        Instruction("store", PID, number(4), R1),
        processors=processors, mode="CRCW priority", memory=(9, 8), outputs=range(2, 7),
    )  # fmt: skip


def counting(rounds: int = 2) -> Job:
    """A register that counts down to 0."""
    return job(
        Instruction("mov", number(rounds), rd=0),
        Instruction("jz", R0, target=4),
        Instruction("sub", R0, number(1), rd=0),
        Instruction("jmp", target=1),
    )


def apart(processors: int = 3, lowest_last: bool = True) -> Job:
    """Processors halt at different times, and each leaves its count in its own cell."""
    count = Instruction("sub", number(3), PID, rd=0) if lowest_last else Instruction("add", PID, PID, rd=0)
    return job(
        count,
        Instruction("jz", R0, target=5),
        Instruction("sub", R0, number(1), rd=0),
        Instruction("add", R1, number(1), rd=1),
        Instruction("jmp", target=1),
        Instruction("store", PID, number(0), R1),
        processors=processors, outputs=range(0, processors),
    )  # fmt: skip


def parameters() -> Job:
    """Words come from parameters, a pid and inputs, and addresses wrap."""
    p0, p1, p2 = (Operand("parameter", i) for i in range(3))
    return job(
        Instruction("load", p0, PID, rd=2),
        Instruction("xor", R2, p1, rd=3),
        Instruction("store", p2, PID, R3),
        Instruction("load", p2, PID, rd=1),
        Instruction("mul", R1, p0, rd=0),
        Instruction("store", PID, number(6), R0),
        processors=2, parameters=(3, 5, 15), memory=(1, 2, 3, 4, 5), outputs=range(6, 8), mode="CREW",
    )  # fmt: skip


#: What models generate beside the machine; the same for every construction.
MODELLED = (
    hot_cell(),
    counting(),
    counted_cell(),
    counted_cell(1),
    apart(),
    apart(2, lowest_last=False),
    parameters(),
    small_job(2, 2),
)


def conflicting(mode: str) -> tuple[Job, ...]:
    """Two processors: both read, both write (the same, and not), one reads what the other writes; all of different cells too."""
    own, one = PID, number(3)
    programs = (
        (Instruction("load", one, number(0), rd=0),),
        (Instruction("store", one, number(0), number(7)),),
        (Instruction("store", one, number(0), PID), Instruction("load", PID, number(3), rd=0)),
        (Instruction("jz", PID, target=3), Instruction("load", one, number(0), rd=0), Instruction("halt"),
         Instruction("store", one, number(0), number(5))),
        (Instruction("load", own, number(0), rd=0), Instruction("store", own, number(4), R0)),
        (Instruction("jz", PID, target=3), Instruction("load", PID, number(0), rd=0), Instruction("halt"),
         Instruction("store", number(9), number(0), number(5))),
    )  # fmt: skip
    return tuple(job(*code, processors=p, mode=mode, memory=(1, 2, 3, 4)) for code in programs for p in (2, 3))


def trapping() -> tuple[Job, ...]:
    """Jobs of one checked instruction: every example of the instruction table, and operands that are no words."""
    checked = [case.job() for case in EXAMPLES]
    jobs = [replace(j, code=tuple(replace(i, trap=Trap.ARITHMETIC) for i in j.code)) for j in checked]
    far = [
        Instruction("store", number(0), number(1), number(16), trap=Trap.OPERANDS),
        Instruction("mov", number(-1), rd=0, trap=Trap.OPERANDS),
    ]
    return (*jobs, *(job(i) for i in far))


#: Statements that bring out one rule of the language each; `s` is a scalar, A has 4 cells, M is 3 by 2, x is 3.
STATEMENTS = (
    "local z := 0\nfor t in 0 .. 5 do if t == n - 2 then break end\nz += t end\nsingle do A[0] := z end",
    "while x > 0 do x := x - 1 s1 := x end",
    "repeat x := x - 1 A[x] := x + 5 until x == 0",
    "for i in 1 .. n do A[i - 1] := i end",
    "for i in x .. x + 2 do x := i + x end s1 := x",
    "for i in x downto 1 do A[i] := x + i end",
    "for i in n - 1 downto 0 do A[i] := i + 1 end",
    "for i in 2 .. 1 do x := 9 end s1 := x",
    "single do s1 := x A[2] := 7 end x := x + 1",
    "if pid == 1 then x := x * x else x := x + 2 x := x - 1 end A[pid] := x",
    "if n == 4 then x := 1 else x := 2 end single do s1 := x end",
    "if pid < 2 then for i in 0 .. n - 1 do x := x + i end end A[pid] := x",
    "parallel for i in 0 .. n - 1 do A[i] := (A[i] + i) * (A[i] + x) end",
    "parallel for i in 1 .. 2 do A[i] := i + 10 end",
    "parallel for i in 0 .. 1, j in 0 .. 1 do M[i, j] := i * 2 + j + x end",
    "parallel for i in 1 .. 2, j in 0 .. 0 do M[i, j] := i * 2 + j + x end",
    "local y := x - 2 parallel for i in 0 .. 1, j in 0 .. y do M[i, j] := i * 2 + j + x end",
    "parallel for i in n .. n - 1 do A[i - 4] := 1 end x := x + 1",
    "parallel for i in 0 .. x - 1 do A[i] := x - i end",
    "M[x - 2, 1] := x single do s1 := M[1, x - 2] end",
    "single do M[n - 2, 1] := x + n end s1 := M[2, 1]",
    "x := x + A[0] * A[1] local y := (x + 1) * (x - n / 2) s1 := y",
    "local y := x local z := y + 1 y := z * 2 x := y + z s1 := x",
    "if x == 3 and not (pid == 0) then A[pid] := lg(n) + x end",
    "A[x + 1] := 1",
    "A[x + n] := 1",
    "M[x, 0] := 1",
    "M[0, x - 1] := 1",
    "if pid == 9 then for i in 2 - n .. 1 do x := i end end",
    "if pid == 9 then for i in 1 downto 2 - n do x := i end end",
    "x := 1 - x",
    "while pid == x - 3 do x := x + 1 end",
    "while pid + 1 do x := x + 1 if x == 6 then halt end end",
    "parallel for i in 0 .. 4 do x := i end",
    "halt x := 1",
    "local y := x << 3 s1 := y & 12 s1 := y >> 2 s1 := y ^ x | 1",
    "A[pid] := (x + pid * 3) % 4 + max(x, pid) - min(x, pid) + lg(x) + (x + pid) / 2",
    "A[pid] := if pid > 1 then x * 2 else 1 x, s1 := x + 1, x",
    "if pid < 3 and A[pid + 1] > 0 then A[pid] := 9 end",
    "parallel for i in 0 .. 3 do local y := i while y > 1 atmost 2 do y := y - 1 end A[i] := y end",
    "parallel for i in 0 .. 3 do local y := i while y > 1 atmost 1 do y := y - 1 end A[i] := y end",
    "parallel for i in 0 .. 2 do local y := i while y > 0 do y -= 1 A[i] += 1 end end",
    "parallel for i in 0 .. 2 do local y := 0 repeat y += 1 until y >= i atmost 2 A[i] := y end",
    "parallel for i in 0 .. 2 do for j in i .. i + 2 do if j == 2 then break end A[i] += j end end",
    "parallel for i in 0 .. 2 do local y := i - i for j in y .. min(0, y + 2) do A[i] += 1 end end",
    "for i in 0 .. x step n - x - 1 do s1 := i end",
    "parallel for i in 0 .. 3 on 2 do A[i] := A[i] + pid end",
    "s1 := 1 / (x - 3)",
    "s1 := lg(x - 4) + lg(x)",
    "parallel for i in [3, n - 3, 0] do A[i] := A[i] + i * x + pid end",
    "parallel for i in [x - 3, 2], j in [1, 0] do M[i, j] := 2 * i + j + x end",
    "for i in [2, x, n - 3] do A[i] := i + A[0] end",
    "parallel for i in 0 .. 2 do for j in [i, 3 - i] do if j == 2 then break end A[i] += j end end",
    "for i in [n - 5] do x := i end",
    "parallel for i in [0, n - 1, 2] do for j in 0 .. i do A[i] += 1 end end",
    'print x\nwhile x > 0 do\nprint x, A[pid]\nx -= 1 end\nprint "end", x * (x + pid)\n',
    "repeat\nprint x * (x - 2)\nrepeat x -= 1 until x < 2 until x == 0\nprint x",
    "if pid > 1 then\nprint x, 0 - x, -1\nelse x := 2 - pid\nprint x - 2, A[x + 3]\nend print x\n",
    "parallel for i in 0 .. 2 do local y := i while y > 0 atmost 2 do\nprint i, y\ny -= 1\nend\nprint A[i]\nend",
    "for i in 2 .. 1 do\nprint i\nend for i in x - 2 .. x do\nprint i, M[i - 1, 0]\nend single do s1 := 3\nprint s1\nend",
    "parallel for i in 0 .. 3 do if A[i] > 1 then return end A[i] := 9 end A[pid] += pid",
    "parallel for i in 0 .. 2 do for j in 0 .. 3 do if j > i then A[i] += 1 return end A[i] += j end A[i] := 0 end",
    "parallel for i in 0 .. 2 do local y := 0 while y < 3 atmost 3 do y += 1 if y > i then return end A[i] := y end A[3] := i end",
    "single do repeat x -= 1 if x == 1 then return end s1 := x until x == 0 s1 := 7 end A[pid] := x",
    "barrier parallel for i in 0 .. 3 do barrier if i > 1 then barrier else A[i] := 1 end barrier end",
    "A[n + 1 - 1] := 1",
    "A[pid + x] := 0",
    "A[pid] := x - 5 + n - pid",
    "A[pid] := x - 9 + n",
    "A[pid] := x - (x - 5) * 1 + (pid - 3)",
    "A[pid] := x - (pid + x - 5)",
    "A[pid] := n - 9 + x * 2",
    "A[pid] := 20 + x * 5 + x - 9",
    "A[pid] := max(1, x - pid * 2 + 1)",
    "A[pid] := max(x - pid * 2, n - 9)",
    "A[pid] := max(min(x - pid - 2, 7), n - x)",
    "A[pid] := max(0, x - (n - pid) + 1) + max(pid, n - 9)",
)
HEADS = ("procs n\n", "word 5 wrap\nprocs n\n", "word 5\nprocs n\n", "word 6 signed\nprocs n\n", "word 6 wrap signed\nprocs n\n")


def statement_program(statement: str, head: str, mode: str = "CRCW arbitrary") -> str:
    shared = "param n\nshared A[n] : inout, M[3, 2] : output, s1 : output\n"
    declared = shared + f"mode {mode}\n" + head
    return f"program t\n{declared}local x := 3\n{statement}\n"


#: Arithmetic that traps in words of 5 bits.
TRAPS = ("x := x << 4", "x := x * 9 * 9", "x := x + 31", "x := x - 4", "x := x >> 5")


@cache
def texts() -> tuple[TextCase, ...]:
    """Programs of each statement, then random ones; only those that the front end takes.

    All statements come with one head before any comes with the next: what breaks one of them mostly shows with every head.
    """
    traps = [TextCase(statement_program(s, "procs n\nword 5\n"), {"n": 4}, {"A": [2, 1, 0, 3]}) for s in TRAPS]
    own = [TextCase(statement_program(s, h), {"n": 4}, {"A": [2, 1, 0, 3]}) for h in HEADS for s in STATEMENTS]
    return (*traps, *own, *(language_program(Random(seed)) for seed in range(60)))


@cache
def language_jobs() -> tuple[Job, ...]:
    """Machine code of those programs, for machines that run code."""
    jobs = []
    for case in texts():
        try:
            jobs.append(parse_program(case.text).instantiate(case.params, case.arrays))
        except PramError:
            continue
    return tuple(jobs)
