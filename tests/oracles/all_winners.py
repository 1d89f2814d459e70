"""Finds every result that a job can have, by trying every word that concurrent writes may leave in each cell.

It walks the states of the scalar machine and shares no code with pram.winners and pram.contests.
"""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from itertools import product
from random import Random

from kit.cases import job

from lockstep.pram.access import Combining
from lockstep.pram.instructions import Instruction, Operand
from lockstep.pram.job import Job
from oracles.scalar_machine import Did, ScalarRefusal, ScalarRun, finish, left, look, start, writers

#: A final memory with its time, or the step in which the run is refused or reaches its limit.
End = tuple[str, int, tuple[int, ...]]
#: The search stops at this many states.
MOST_STATES = 20_000


class TooMany(Exception):
    """The job has too many states."""


def every_end(job: Job, max_steps: int) -> set[End]:
    """Raises: TooMany."""
    open_, seen, ends = [start(job)], set(), set()
    while open_:
        run = open_.pop()
        key = (run.time, *run.memory, *map(tuple, run.registers), *run.counters, *run.owners.items())
        if key in seen:
            continue
        seen.add(key)
        if len(seen) > MOST_STATES:
            raise TooMany
        if all(counter is None for counter in run.counters):
            ends.add(("ended", run.time, tuple(run.memory)))
        elif run.time == max_steps:
            ends.add(("endless", run.time, ()))
        else:
            try:
                open_ += _next(job, run)
            except ScalarRefusal as refusal:
                ends.add(("refused", refusal.step, ()))
    return ends


def _next(job: Job, run: ScalarRun) -> list[ScalarRun]:
    """Return the states after a step, one for each choice of the words that may be left in the written cells."""
    did, reads = look(job, run)
    cells = writers(did)
    states = []
    for words in product(*(_words(job, did, pids) for pids in cells.values())):
        state = deepcopy(run)
        finish(job, state, did, reads, dict(zip(cells, words)))
        states.append(state)
    return states


def _words(job: Job, did: list[Did], pids: list[int]) -> list[int]:
    """Return the words that may be left in a cell to which these processors write."""
    if job.mode.endswith("arbitrary"):
        return [did[pid].value for pid in pids]
    return [left(job, did, pids, min)]


# -- jobs with contested writes to two cells -------------------------------------------------------------

PID = Operand("pid")
REGISTERS = [Operand("register", r) for r in range(2)]
CELLS = [Operand("constant", cell) for cell in range(2)]
NUMBERS = [Operand("constant", number) for number in (0, 1, 2)]


def fight(
    seed: int, most_processors: int = 4, mode: str = "CRCW arbitrary", rules: tuple[Combining | None, ...] = (None,)
) -> Job:
    """Draw up to ten random instructions: stores of different words, loads, arithmetic, and branches on loaded words.

    rules: stores take one of these, or the mode's for None.
    """
    random, rule = Random(seed), Random(seed)
    length = random.randint(3, 9)
    code = [Instruction("add", PID, random.choice(NUMBERS), rd=0)]
    code += [_instruction(random, at, length) for at in range(1, length)]
    code = [replace(i, rule=rule.choice(rules)) if i.name == "store" else i for i in code]
    processors = random.randint(2, most_processors)
    return job(*code, registers=2, processors=processors, mode=mode, memory=(3, 1), outputs=range(2))


def by_two_rules(mode: str, one: Combining | None, other: Combining | None, apart: bool = False) -> Job:
    """Processors 2 and 3 store to a cell by one rule, and 0 and 1 in the same step by another; then all load what is left.

    apart: they store to two cells.
    """
    pid, cell, zero = PID, CELLS[0], NUMBERS[0]
    code = (
        Instruction("shr", pid, NUMBERS[1], rd=0), Instruction("jz", REGISTERS[0], target=4),
        Instruction("store", cell, zero, pid, rule=one), Instruction("jmp", target=5),
        Instruction("store", CELLS[apart], zero, pid, rule=other), Instruction("load", cell, zero, rd=0), Instruction("halt"),
    )  # fmt: skip
    return job(*code, registers=1, processors=4, mode=mode, memory=(9, 1), outputs=range(2))


def _instruction(random: Random, at: int, length: int) -> Instruction:
    word = random.choice([PID, *REGISTERS, *NUMBERS])
    match random.choice(["store", "store", "store", "load", "load", "compute", "branch"]):
        case "store":
            return Instruction("store", random.choice(CELLS), NUMBERS[0], random.choice([PID, *REGISTERS]))
        case "load":
            return Instruction("load", random.choice(CELLS), NUMBERS[0], rd=random.randrange(2))
        case "compute":
            name = random.choice(["add", "sub", "sub", "sub", "xor", "shr", "eq"])
            return Instruction(name, random.choice([PID, *REGISTERS]), word, rd=random.randrange(2))
    back = random.random() < 0.3
    target = random.randrange(at) if back else random.randint(at + 1, length)
    return Instruction("jz", random.choice([PID, *REGISTERS]), target=target)
