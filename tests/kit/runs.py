"""Compares runs of the machine with each other, and with examples."""

from __future__ import annotations

from oracles.evaluator import Result
from oracles.plain import Printed
from oracles.scalar_machine import Did, ScalarRun

from lockstep.pram import showing
from lockstep.pram.instructions import Example
from lockstep.pram.job import Job
from lockstep.pram.machine import HALTED, NO_DESTINATION, NO_READ, Failure, Machine, Run, Step, register_destination, run
from lockstep.pram.program import Program

#: The advice that the machine adds to errors in code that all processors run.
HINT = "; code outside `parallel` runs on all processors: "


def expected_step(name: str, example: Example) -> Did:
    """Return the step that the example describes, at place 0."""
    following = None if name == "halt" else 2 if example.taken else 1
    if example.value is None:
        return Did(0, next=following)
    cell = (example.x + example.y) % (1 << example.bits)
    return Did(0, example.value, cell if name == "store" else "r3", following, cell if name == "load" else None)


def did(step: Step) -> list[Did]:
    """Return a step of the machine in the form of the scalar machine."""
    columns = (column.tolist() for column in (step.counter, step.value, step.destination, step.next, step.read))
    place = {HALTED: None}
    return [
        Did(place.get(at, at), value, _destination(code), place.get(after, after), None if cell == NO_READ else cell)
        for at, value, code, after, cell in zip(*columns)
    ]


def _destination(code: int) -> int | str | None:
    if code == NO_DESTINATION:
        return None
    return code if code >= 0 else next(f"r{r}" for r in range(8) if register_destination(r) == code)


def assert_same_run(ours: Run, scalar: ScalarRun) -> None:
    assert [did(step) for step in ours.trace] == scalar.steps
    assert [step.number for step in ours.trace] == list(range(1, ours.time + 1))
    assert ours.memory.tolist() == scalar.memory
    assert (ours.time, ours.costs.work, ours.costs.shared_accesses) == (scalar.time, scalar.work, scalar.shared_accesses)
    job = ours.job
    assert (ours.space.allocated, ours.space.touched) == (job.space, len(scalar.touched))
    assert ours.space.registers == job.processors * (job.registers + 1)
    assert 0 <= ours.costs.work <= job.processors * ours.time


def same(ours: Run | None, other: Run) -> bool:
    """Return whether a job was accepted again, with the same steps, memory and costs."""
    if ours is None or ours.costs != other.costs or ours.memory.tolist() != other.memory.tolist():
        return False
    return [did(step) for step in ours.trace] == [did(step) for step in other.trace]


def step_with_seed(machine: Machine) -> bool:
    """Run a step, and check that each written cell holds a value that some processor wrote. Return whether a processor other
    than the lowest won."""
    before = machine.memory.copy()
    step = machine.step()
    writers: dict[int, list[int]] = {}
    for cell, value in zip(step.destination.tolist(), step.value.tolist()):
        if cell >= 0:
            writers.setdefault(cell, []).append(value)
    for cell, values in writers.items():
        assert machine.memory[cell] in values
        before[cell] = machine.memory[cell]
    assert machine.memory.tolist() == before.tolist()
    return any(machine.memory[cell] != values[0] for cell, values in writers.items())


#: Parts of the machine's message for each kind of trap of the evaluator. If a parametric subscript is negative, one reports a
#: bad index and the other a number that is not a word. If a `for` runs past the largest word, one reports an overflow at
#: its end and the other, at its start, a bound that is not a word. So these kinds share messages.
NO_WORD = ("is outside", "the number", "value of more than", "shift by a negative")

SAYS = {
    "overflow": ("overflow", "the number"),
    "underflow": ("underflow",),
    "shift": ("shift by",),
    "index": NO_WORD,
    "parameter": NO_WORD,
    "conflict": ("(mode ",),
    "disagree": ("disagree",),
    "undefined": ("division of", "is not defined", "the step of this"),
    "rounds": ("is not done after",),
    "end": ("the largest word of",),
    "items": ("processors are needed", "value of more than"),
    "steps": ("no halt within", "the number"),
}


def printed_in(program: Program, job: Job, max_steps: int) -> list[Printed]:
    """What a run prints, as the evaluator says it: a row for each processor."""
    found: list[Printed] = []

    def show(p: showing.Printed) -> None:
        values = tuple(None if isinstance(v, showing.NoValue) else v for v in p.values)
        pids = range(job.processors) if p.processor is None else [p.processor]
        found.extend((p.step, p.line, pid, values) for pid in pids)

    run(job, max_steps=max_steps, watch=showing.Printer(program, job, show))
    return found


def assert_same(ours: Run, theirs: Result) -> None:
    assert (ours.time, ours.costs.shared_accesses) == (theirs.time, theirs.shared_accesses)
    assert ours.memory.tolist() == theirs.memory
    assert ours.outputs == theirs.outputs
    assert (ours.job.processors, ours.job.word_bits) == (theirs.processors, theirs.word_bits)


def assert_replays(job: Job, max_steps: int) -> int:
    """Check that the writes that are not lost leave the memory of every step, and that one of each cell is not lost. Return how many
    are lost in all."""
    machine, memory, lost = Machine(job), job.memory.tolist(), 0
    for step in machine.steps(max_steps):
        stores = [(pid, cell) for pid, cell in enumerate(step.destination.tolist()) if cell >= 0]
        kept = [(pid, cell) for pid, cell in stores if pid not in step.lost.tolist()]
        lost += len(stores) - len(kept)
        assert len(step.lost) == len(stores) - len(kept), f"step {step.number}: who does not store has lost"
        if job.mode == "CRCW sum":
            for cell in {cell for _, cell in stores}:
                memory[cell] = 0
            for pid, cell in kept:
                memory[cell] += int(step.value[pid])
        else:
            assert len({cell for _, cell in kept}) == len(kept), f"step {step.number}: two writes of one cell win"
            for pid, cell in kept:
                memory[cell] = int(step.value[pid])
        assert memory == machine.memory.tolist(), f"step {step.number}: the writes that win do not leave the memory"
    return lost


def failure_text(failure: Failure) -> str:
    """What `Failure` says of a conflict, in the words of the scalar machine; values and sums are left out."""
    first, *_ = failure.processors
    pair = " and ".join(map(str, sorted(failure.processors)))
    cell, mode = f"cell {failure.cell}", f"(mode {failure.run.job.mode})"
    match failure.kind:
        case "read" | "write":
            return f"processors {pair} {failure.kind} {cell} {mode}"
        case "read and write":
            return f"processor {first} reads and {failure.processors[1]} writes {cell} {mode}"
        case "values":
            values = " and ".join(str(failure.attempt.value[pid]) for pid in sorted(failure.processors))
            return f"processors {pair} write different values, {values}, to {cell} {mode}"
        case "owner":
            return (
                f"processor {first} writes {cell}, which processor {failure.processors[1]} owns as the first to write it {mode}"
            )
        case "sum":
            written = [int(failure.attempt.value[pid]) for pid in failure.processors]
            who, what = (f"{', '.join(map(str, numbers[:-1]))} and {numbers[-1]}" for numbers in (failure.processors, written))
            total = f"the sum {sum(written)} does not fit a word of {failure.run.job.word_bits} bits"
            return f"processors {who} write {what} to {cell}: {total} {mode}"
    return failure.kind
