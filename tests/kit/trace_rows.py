"""The rows of the text form of a trace, as plain text."""

from __future__ import annotations

import io
from functools import partial

from rich.console import Console, RenderableType

from kit.traces import options
from lockstep.common.tracing.decode_text import DecodeRows, token_text
from lockstep.common.tracing.machine_text import StepWatch, steps_table
from lockstep.pram.job import Job
from lockstep.pram.machine import Machine, run
from lockstep.proofs_check.watching import Watching

WIDTH = 80


def plain(table: RenderableType) -> list[list[str]]:
    """The rows of a table between its head and what stands below it, each in words."""
    console = Console(file=io.StringIO(), width=200)
    console.print(table)
    assert isinstance(console.file, io.StringIO)
    lines = console.file.getvalue().splitlines()
    end = next(at for at, line in enumerate(lines) if line.startswith(("* was", "u unmasked")))
    assert all(len(line) <= WIDTH for line in lines), max(lines, key=len)
    return [line.split() for line in lines[2:end]]


def rows_of_run(job: Job) -> list[list[str]]:
    watch = StepWatch(job)
    run(job, watch=watch)
    return plain(steps_table(watch, WIDTH))


def rows_of_decode(job: Job, construction: str) -> list[list[str]]:
    watching = Watching(job, options(construction))
    rows = DecodeRows(watching.start, partial(token_text, watching.layout), WIDTH)
    for step in watching:
        rows.add(step)
    return plain(rows.table())


def assert_rows_of_run(job: Job) -> None:
    """Step, lines, active processors and memory of each row are those of the machine, step by step. All cells fit into a row."""
    machine = Machine(job)
    for row in rows_of_run(job)[1:]:
        step = machine.step()
        running = [job.code[at] for at in step.counter.tolist() if at >= 0]
        active = [instruction for instruction in running if instruction.name != "nop"]
        lines = sorted({i.at.line for i in running if i.at})
        written = {cell for cell in step.destination.tolist() if cell >= 0}
        shown = [f"{step.number}", *map(str, lines), f"{len(active)}"]
        for array in job.arrays:
            words = machine.memory[array.base : array.base + array.size].tolist()
            half = 1 << job.word_bits - 1
            signed = [word - 2 * half if job.signed and word >= half else word for word in words]
            marks = ["*" if cell in written else "" for cell in range(array.base, array.base + array.size)]
            shown += [array.name, *(f"{mark}{word}" for mark, word in zip(marks, signed))]
        assert row == shown, f"{row}, not {shown}"
    assert not machine.running
