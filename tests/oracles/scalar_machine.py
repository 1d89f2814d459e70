"""The machine of docs/language.md section 4 in plain integers: an independent reading of it.

It shares no code with pram.machine, pram.word or pram.access, and knows instructions by name alone;
it takes from a job only the numbers. Checks that compiled programs carry (indices, items, agreement)
are left out: they only refuse runs. Exact arithmetic and operands that must be words are honoured.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import combinations
from typing import NamedTuple

from lockstep.pram.instructions import Instruction, Operand, Trap
from lockstep.pram.job import Job

#: The integer that `name rd, x, y` computes, before it is cut to a word; what `addsat` computes is cut off at the largest.
COMPUTE: dict[str, Callable[[int, int], int]] = {
    "mov": lambda x, y: x,
    "add": lambda x, y: x + y,
    "addsat": lambda x, y: x + y,
    "sub": lambda x, y: x - y,
    "mul": lambda x, y: x * y,
    "div": lambda x, y: x // y if y else -1,
    "max": max,
    "min": min,
    "lg": lambda x, y: len(f"{x - 1:b}") if x > 1 else 0,
    "log": lambda x, y: len(f"{x:b}") - 1,
    "ctz": lambda x, y: next((j for j in range(24) if x >> j & 1), 0),
    "popcount": lambda x, y: bin(x).count("1"),
    "and": lambda x, y: x & y,
    "or": lambda x, y: x | y,
    "xor": lambda x, y: x ^ y,
    "shl": lambda x, y: x * 2**y,
    "shr": lambda x, y: x // 2**y,
    "eq": lambda x, y: int(x == y),
    "ne": lambda x, y: int(x != y),
    "lt": lambda x, y: int(x < y),
    "le": lambda x, y: int(x <= y),
    "gt": lambda x, y: int(x > y),
    "ge": lambda x, y: int(x >= y),
    "slt": lambda x, y: int(x < y),
    "sle": lambda x, y: int(x <= y),
    "sgt": lambda x, y: int(x > y),
    "sge": lambda x, y: int(x >= y),
    "smax": max,
    "smin": min,
    "sdiv": lambda x, y: x // y if y else (1 << 40 if x >= 0 else -(1 << 40)),
    "sar": lambda x, y: x // 2**y,
    "saddsat": lambda x, y: x + y,
}


#: What is left of the values that are written to a cell, by the rule of the writes.
COMBINE: dict[str, Callable[[list[int]], int]] = {
    "max": max, "min": min, "sum": sum,
    "and": lambda values: sum(1 << j for j in range(24) if all(value >> j & 1 for value in values)),
    "or": lambda values: sum(1 << j for j in range(24) if any(value >> j & 1 for value in values)),
}  # fmt: skip
#: Operations that have no result for an operand: the divisor, or the only operand.
NO_RESULT = {("div", 0), ("lg", 0), ("log", 0), ("ctz", 0)}
#: Instructions whose operands are signed words.
SIGNED_NAMES = ("slt", "sle", "sgt", "sge", "smax", "smin", "sdiv", "sar", "saddsat")


class ScalarRefusal(Exception):
    """The run ends with an error in this step."""

    def __init__(self, step: int, texts: set[str]) -> None:
        super().__init__(f"step {step}: {sorted(texts)}")
        self.step, self.texts = step, texts


class ScalarConflict(ScalarRefusal):
    """The mode forbids these accesses; `texts` names every forbidden pair."""


class ScalarTrap(ScalarRefusal):
    """An operand or a result is not a word, where that is an error."""


class ScalarEndless(ScalarRefusal):
    """Some processors have not halted within the limit."""


class Did(NamedTuple):
    """What one processor did in a step; `counter` and `next` are None for halted.

    destination: "r2" for a register, 7 for a shared cell, None for nothing (and the value is 0). read: the cell that it reads.
    """

    counter: int | None
    value: int = 0
    destination: int | str | None = None
    next: int | None = None
    read: int | None = None


@dataclass
class ScalarRun:
    """State and costs of a run; steps[t][pid] is what happened, registers[pid][r] what is left, owners[cell] who wrote it first."""

    memory: list[int]
    registers: list[list[int]]
    counters: list[int | None]
    steps: list[list[Did]] = field(default_factory=list)
    owners: dict[int, int] = field(default_factory=dict)
    work: int = 0
    shared_accesses: int = 0
    touched: set[int] = field(default_factory=set)

    @property
    def time(self) -> int:
        return len(self.steps)


def run_scalar(job: Job, max_steps: int, wins: Callable[[list[int]], int] = min) -> ScalarRun:
    """Run to the end. Where the mode has an order of writers, `wins` picks one of those of a cell, by default the lowest.

    Raises: ScalarConflict, ScalarTrap, ScalarEndless.
    """
    run = start(job)
    while any(counter is not None for counter in run.counters):
        if run.time == max_steps:
            raise ScalarEndless(run.time, {f"no halt within {max_steps} steps (--max-steps sets the limit)"})
        did, reads = look(job, run)
        finish(job, run, did, reads, {cell: left(job, did, pids, wins) for cell, pids in writers(did).items()})
    return run


def start(job: Job) -> ScalarRun:
    """The state before the first step."""
    p = job.processors
    return ScalarRun([int(word) for word in job.memory], [[0] * job.registers for _ in range(p)], [0] * p)


def look(job: Job, run: ScalarRun) -> tuple[list[Did], list[tuple[int, int]]]:
    """Return what all processors do in the next step, and who reads which cell. All see the state before the step.

    Raises: ScalarConflict, ScalarTrap.
    """
    reads: list[tuple[int, int]] = []
    did = [_execute(job, run, pid, reads) for pid in range(job.processors)]
    writes = [(pid, d.destination, d.value) for pid, d in enumerate(did) if isinstance(d.destination, int)]
    forbidden = (
        _forbidden(job.mode, reads, writes) or _by_different_rules(job, did, writes) or _owned_or_too_large(job, did, run, writes)
    )
    if forbidden:
        raise ScalarConflict(run.time + 1, forbidden)
    return did, reads


def writers(did: list[Did]) -> dict[int, list[int]]:
    """Return who writes which cell in a step."""
    found: dict[int, list[int]] = {}
    for pid, d in enumerate(did):
        if isinstance(d.destination, int):
            found.setdefault(d.destination, []).append(pid)
    return found


def left(job: Job, did: list[Did], pids: list[int], wins: Callable[[list[int]], int]) -> int:
    """Return the word that is left in a cell to which these processors write."""
    values = [did[pid].value for pid in pids]
    combine = COMBINE.get(rule_of(job, did[pids[0]]))
    return combine(values) if combine else did[wins(pids)].value


def rule_of(job: Job, did: Did) -> str:
    """Return the rule of the store that a processor executed: max, min, sum, and, or; in modes that do not combine, anything else."""
    mode = job.mode.partition(" ")[2]
    own = None if did.counter is None else job.code[did.counter].rule
    return own if own and mode in ("max", "min", "sum") else mode


def finish(job: Job, run: ScalarRun, did: list[Did], reads: list[tuple[int, int]], words: dict[int, int]) -> None:
    """Apply all writes: `words` has the word that is left in each cell."""
    for pid, d in enumerate(did):
        run.counters[pid] = d.next
        if isinstance(d.destination, str):
            run.registers[pid][int(d.destination[1:])] = d.value
        elif d.destination is not None:
            run.memory[d.destination] = words[d.destination]
            run.owners.setdefault(d.destination, pid)
    writes = [d.destination for d in did if isinstance(d.destination, int)]
    run.steps.append(did)
    run.work += sum(d.counter is not None and job.code[d.counter].name != "nop" for d in did)
    run.shared_accesses += len(reads) + len(writes)
    run.touched |= {cell for _, cell in reads} | set(writes)


def _execute(job: Job, run: ScalarRun, pid: int, reads: list[tuple[int, int]]) -> Did:
    """Return what a processor does in this step, and add its read to `reads`."""
    counter = run.counters[pid]
    if counter is None:
        return Did(None)
    i = job.code[counter]
    of_address = Trap.NOTHING if i.name == "store" else i.trap  # addresses wrap
    x, y = (0 if o is None else _word(job, run, pid, o, of_address) for o in (i.x, i.y))
    z = 0 if i.z is None else _word(job, run, pid, i.z, i.trap)
    cell = (x + y) % (1 << job.word_bits)
    match i.name:
        case "load":
            reads.append((pid, cell))
            return Did(counter, run.memory[cell], f"r{i.rd}", counter + 1, cell)
        case "store":
            return Did(counter, z, cell, counter + 1)
        case "jmp":
            return Did(counter, next=i.target)
        case "jz":
            return Did(counter, next=i.target if x == 0 else counter + 1)
        case "nop":
            return Did(counter, next=counter + 1)
        case "halt":
            return Did(counter)
    return Did(counter, _computed(job, run, i, x, y), f"r{i.rd}", counter + 1)


def _word(job: Job, run: ScalarRun, pid: int, operand: Operand, trap: Trap) -> int:
    match operand.kind:
        case "register":
            return run.registers[pid][operand.number]
        case "pid":
            return pid
        case "constant":
            number = operand.number
        case "parameter":
            number = job.parameters[operand.number]
    limit = 1 << job.word_bits
    word = number % limit
    if trap not in (Trap.NOTHING, Trap.UNDEFINED) and number not in (
        range(-limit // 2, limit // 2) if job.signed else range(limit)
    ):
        raise ScalarTrap(run.time + 1, {f"{number} is no word"})
    return word


def _computed(job: Job, run: ScalarRun, instruction: Instruction, x: int, y: int) -> int:
    name, limit = instruction.name, 1 << job.word_bits
    too_far = name in ("shl", "shr", "sar") and y >= job.word_bits
    is_signed = name in SIGNED_NAMES or instruction.trap == Trap.SIGNED
    if is_signed:
        x = x - limit if x >= limit // 2 else x
        y = y - limit if y >= limit // 2 and name not in ("shl", "sar", "saddsat") else y
    integer = 0 if too_far and name == "sar" else COMPUTE[name](x, y)
    if name == "addsat":
        return min(integer, limit - 1)
    if name == "saddsat":
        return min(integer, limit // 2 - 1) % limit
    if name == "sdiv" and not y:
        integer = max(-limit // 2, min(integer, limit // 2 - 1))
    word = integer % limit
    negative = name in ("lg", "log") and job.signed and not 0 <= x < limit // 2
    if instruction.trap != Trap.NOTHING and (negative or (name.removeprefix("s"), y if "div" in name else x) in NO_RESULT):
        raise ScalarTrap(run.time + 1, {f"{name} of {x} and {y} is not defined"})
    shown = word - limit if is_signed and word >= limit // 2 else word
    if instruction.trap >= Trap.ARITHMETIC and (shown != integer or too_far):
        raise ScalarTrap(run.time + 1, {f"{instruction.name} of {x} and {y} is {integer}"})
    return word


def _forbidden(mode: str, reads: list[tuple[int, int]], writes: list[tuple[int, int, int]]) -> set[str]:
    """Return every pair of accesses that the mode forbids, as the machine's errors write it."""
    texts = set()
    for (p, a, v), (q, b, u) in combinations(writes, 2):
        if a == b and mode in ("EREW", "CREW", "CROW"):
            texts.add(f"processors {p} and {q} write cell {a} (mode {mode})")
        elif a == b and mode in ("CRCW common", "ERCW common") and v != u:
            texts.add(f"processors {p} and {q} write different values, {v} and {u}, to cell {a} (mode {mode})")
    if mode.startswith("ER"):
        texts |= {f"processors {p} and {q} read cell {a} (mode {mode})" for (p, a), (q, b) in combinations(reads, 2) if a == b}
        texts |= {f"processor {p} reads and {q} writes cell {a} (mode {mode})" for p, a in reads for q, b, _ in writes if a == b}
    return texts


def _by_different_rules(job: Job, did: list[Did], writes: list[tuple[int, int, int]]) -> set[str]:
    """Return every pair of writes to one cell that different rules would combine."""
    signs = {"sum": "+"}
    texts = set()
    for (p, a, _), (q, b, _) in combinations(writes, 2):
        one, other = (rule_of(job, did[pid]) for pid in (p, q))
        if a == b and one != other:
            which = " and ".join(f"`{signs.get(rule, rule)}`" for rule in (one, other))
            texts.add(f"processors {p} and {q} write cell {a} by different rules, {which} (mode {job.mode})")
    return texts


def _owned_or_too_large(job: Job, did: list[Did], run: ScalarRun, writes: list[tuple[int, int, int]]) -> set[str]:
    """Return every write to a cell that another processor wrote first, and every sum that is no word."""
    texts = set()
    for p, a, _ in writes:
        together = [(q, v) for q, b, v in writes if b == a]
        total = sum(v for _, v in together)
        if job.mode == "CROW" and run.owners.get(a, p) != p:
            texts.add(f"processor {p} writes cell {a}, which processor {run.owners[a]} owns as the first to write it (mode CROW)")
        if rule_of(job, did[p]) == "sum" and total >= 1 << job.word_bits:
            who, what = (", ".join(map(str, column[:-1])) + f" and {column[-1]}" for column in zip(*together))
            too_large = f"the sum {total} does not fit a word of {job.word_bits} bits (mode {job.mode})"
            texts.add(f"processors {who} write {what} to cell {a}: {too_large}")
    return texts
